// The timeline as a drawing: stacked areas, the limit, the forecast, flags of events, and runs below.

import { drawn } from "./dom.js";
import { clock, size } from "./format.js";
import { stretches } from "./timeline_data.js";

/** @typedef {import("./timeline_data.js").Picture} Picture */

export const EDGE = { left: 76, right: 8, top: 12, bottom: 20 };
const HEIGHT = 220, LANE = 14, MAX_LANES = 6, AHEAD = 0.25;

/**
 * Return the drawing and its scale.
 * @param {Picture} picture
 * @param {number} width in pixels
 * @param {{forecast: {at: number, earliest: number, latest: number | null} | null, runs: any[]}} more
 */
export function drawTimeline(picture, width, more) {
  const limit = Math.max(...picture.limit, 0), peak = Math.max(...picture.rss, 1);
  const isNear = more.forecast !== null || peak > limit / 2;
  const top = (isNear && limit ? Math.max(limit, peak) : peak * 1.25) * 1.04;
  const span = picture.end - picture.begin;
  const end = more.forecast ? picture.end + Math.min(span * AHEAD, Math.max(span * 0.05, (more.forecast.latest || more.forecast.at) - picture.end)) : picture.end;
  const right = width - EDGE.right, bottom = HEIGHT - EDGE.bottom;
  const x = (/** @type {number} */ at) => EDGE.left + ((at - picture.begin) / (end - picture.begin)) * (right - EDGE.left);
  const y = (/** @type {number} */ bytes) => bottom - (bytes / top) * (bottom - EDGE.top);
  const jobs = [...new Set(more.runs.map((run) => run.job))].slice(0, MAX_LANES);
  const height = HEIGHT + jobs.length * LANE;
  const root = drawn("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": labelOf(picture) });
  root.append(...grid(x, y, top, right, picture.begin, end));
  for (const stretch of stretches(picture)) {
    root.append(...areas(picture, stretch, x, y));
  }
  if (limit && limit < top) {
    root.append(drawn("line", { class: "limit", x1: EDGE.left, x2: right, y1: y(limit), y2: y(limit) }),
      drawn("text", { x: right, y: y(limit) - 3, "text-anchor": "end" }, `limit ${size(limit)}`));
  }
  if (more.forecast && picture.rss.length) {
    root.append(...fan(picture, more.forecast, limit, end, x, y));
  }
  root.append(...flags(picture, x), ...lanes(more.runs, jobs, picture, x));
  return { root, height, timeAt: (/** @type {number} */ left) => picture.begin + ((left - EDGE.left) / (right - EDGE.left)) * (end - picture.begin), x, bottom };
}

/** @param {Picture} picture */
function labelOf(picture) {
  if (!picture.at.length) {
    return "timeline without readings yet";
  }
  const last = picture.rss.length - 1;
  return `resident memory from ${size(picture.rss[0])} at ${clock(new Date(picture.at[0] * 1000))} to ${size(picture.rss[last])} at ${clock(new Date(picture.at[last] * 1000))}`;
}

/**
 * @param {(at: number) => number} x
 * @param {(bytes: number) => number} y
 * @param {number} top
 * @param {number} right
 * @param {number} begin
 * @param {number} end
 */
function grid(x, y, top, right, begin, end) {
  const parts = [], step = niceStep(top / 4);
  for (let bytes = 0; bytes <= top; bytes += step) {
    parts.push(drawn("line", { class: "grid", x1: EDGE.left, x2: right, y1: y(bytes), y2: y(bytes) }),
      drawn("text", { x: EDGE.left - 6, y: y(bytes) + 4, "text-anchor": "end" }, size(bytes)));
  }
  const every = [5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 86400, 172800].find((seconds) => (end - begin) / seconds <= Math.max(3, (right - EDGE.left) / 110)) || 172800;
  const zone = new Date(begin * 1000).getTimezoneOffset() * 60;
  for (let at = Math.ceil((begin - zone) / every) * every + zone; at <= end; at += every) {
    const moment = new Date(at * 1000);
    const text = every >= 86400 ? moment.toLocaleDateString("en-GB", { weekday: "short", day: "numeric" }) : clock(moment, every < 60);
    parts.push(drawn("text", { x: x(at), y: HEIGHT - 6, "text-anchor": x(at) < EDGE.left + 14 ? "start" : x(at) > right - 14 ? "end" : "middle" }, text));
  }
  return parts;
}

/** @param {number} rough bytes */
function niceStep(rough) {
  const unit = 2 ** Math.floor(Math.log2(Math.max(rough, 1)));
  const mega = 1 << 20;
  return rough < mega ? unit : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1024, 2048, 4096, 8192].map((mb) => mb * mega).find((step) => step >= rough) || unit;
}

/**
 * @param {Picture} picture
 * @param {[number, number]} stretch
 * @param {(at: number) => number} x
 * @param {(bytes: number) => number} y
 */
function areas(picture, [first, last], x, y) {
  const parts = [], sum = new Array(last - first + 1).fill(0);
  const place = (/** @type {number} */ step) => x(picture.at[step] + (step === last && first === last ? picture.step : 0)).toFixed(1);
  for (const { name, colour, values } of picture.layers) {
    const below = sum.map((bytes, step) => `${place(first + step)},${y(bytes).toFixed(1)}`);
    for (let step = first; step <= last; step += 1) {
      sum[step - first] += values[step];
    }
    const above = sum.map((bytes, step) => `${place(first + step)},${y(bytes).toFixed(1)}`);
    parts.push(drawn("polygon", { class: colour, points: [...above, ...below.reverse()].join(" ") }, drawn("title", {}, name)));
  }
  const line = [];
  for (let step = first; step <= last; step += 1) {
    line.push(`${place(step)},${y(picture.rss[step]).toFixed(1)}`);
  }
  parts.push(drawn("polyline", { class: "rss", points: line.join(" ") }));
  return parts;
}

/**
 * @param {Picture} picture
 * @param {{at: number, earliest: number, latest: number | null}} forecast
 * @param {number} limit
 * @param {number} end
 * @param {(at: number) => number} x
 * @param {(bytes: number) => number} y
 */
function fan(picture, forecast, limit, end, x, y) {
  const last = picture.at[picture.at.length - 1], rss = picture.rss[picture.rss.length - 1];
  const reach = (/** @type {number} */ full) => {
    const at = Math.min(Math.max(full, last + 1), end), share = full > last ? (at - last) / (full - last) : 1;
    return `${x(at).toFixed(1)},${y(rss + (limit - rss) * Math.min(1, share)).toFixed(1)}`;
  };
  const from = `${x(last).toFixed(1)},${y(rss).toFixed(1)}`;
  const late = forecast.latest === null ? `${x(end).toFixed(1)},${y(rss).toFixed(1)}` : reach(forecast.latest);
  const corner = `${x(end).toFixed(1)},${y(limit).toFixed(1)}`;
  const isWide = forecast.earliest < end && (forecast.latest === null || forecast.latest > end);
  return [
    drawn("polygon", { class: "fan", points: [from, reach(forecast.earliest), ...(isWide ? [corner] : []), late].join(" ") }),
    drawn("polyline", { class: "forecast", points: `${from} ${reach(forecast.at)}` }, drawn("title", {}, `full at about ${clock(new Date(forecast.at * 1000))}`)),
  ];
}

/**
 * @param {Picture} picture
 * @param {(at: number) => number} x
 */
function flags(picture, x) {
  return picture.events.filter((event) => event.kind !== "degraded").map((event) => {
    const left = x(Date.parse(event.at) / 1000);
    return drawn("path", { class: "flag", d: `M${left.toFixed(1)} 2v10M${left.toFixed(1)} 2l6 3l-6 3z`, stroke: "currentColor" }, drawn("title", {}, event.text));
  });
}

/**
 * @param {any[]} runs
 * @param {string[]} jobs
 * @param {Picture} picture
 * @param {(at: number) => number} x
 */
function lanes(runs, jobs, picture, x) {
  const parts = [];
  for (const [lane, job] of jobs.entries()) {
    const y = HEIGHT + lane * LANE + LANE / 2;
    const name = job.length > 10 ? `${job.slice(0, 9)}…` : job;
    parts.push(drawn("text", { x: EDGE.left - 6, y: y + 4, "text-anchor": "end" }, name, drawn("title", {}, job)));
    for (const run of runs) {
      const begin = Date.parse(run.started_at) / 1000;
      if (run.job === job && begin >= picture.begin) {
        const wide = Math.max(1.5, x(begin + run.duration_s) - x(begin));
        parts.push(drawn("rect", { class: run.outcome === "completed" ? "rest run" : "run failed", x: x(begin).toFixed(1), y: y - 4, width: wide.toFixed(1), height: 8 },
          drawn("title", {}, `${job} #${run.id} at ${clock(new Date(begin * 1000), true)}, ${run.outcome}`)));
      }
    }
  }
  return parts;
}
