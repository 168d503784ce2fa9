// The timeline with its controls: three spans, and a span to choose by dragging.

import { json } from "./api.js";
import { byId, drawn, element } from "./dom.js";
import { change, clock, size } from "./format.js";
import { changeBetween, pictureOf, soonestForecast, stepAt } from "./timeline_data.js";
import { drawTimeline, EDGE } from "./timeline_draw.js";

/** @typedef {import("./timeline_data.js").Picture} Picture */

const SPANS = { "10m": "10 minutes", "2h": "2 hours", "7d": "a week" };
/** @type {Record<string, number>} */
const EVERY_S = { "10m": 5, "2h": 10, "7d": 60 };
const MAX_RUNS = 200;

/** @type {{span: string, readAt: number, picture: Picture | null, runs: any[], forecast: any, chosen: [number, number] | null, cursor: number | null}} */
const shown = { span: "10m", readAt: 0, picture: null, runs: [], forecast: null, chosen: null, cursor: null };
/** @type {Record<string, any>} */
const parts = {};
/** @type {ReturnType<typeof drawTimeline> | null} */
let drawing = null;
/** @type {((job: string, run: number, against: number) => void) | null} */
let showRuns = null;

/**
 * Show the timeline.
 * @param {(job: string, run: number, against: number) => void} onRuns shows what changed between two runs
 */
export async function startTimeline(onRuns) {
  showRuns = onRuns;
  const buttons = Object.entries(SPANS).map(([span, text]) =>
    element("button", { type: "button", "data-span": span, "aria-pressed": span === shown.span, click: () => choose(span) }, text));
  parts.told = element("p", { class: "told", id: "timeline-told", "aria-live": "polite" });
  parts.chart = element("div", { class: "chart", tabindex: 0, role: "group", "aria-labelledby": "timeline-title", "aria-describedby": "timeline-told",
    pointerdown: onDown, pointermove: onMove, pointerup: onUp, pointerleave: onLeave, keydown: onKey });
  parts.log = element("ol", {});
  byId("timeline").append(element("div", { class: "tools" }, ...buttons), parts.chart, parts.told);
  byId("events").append(parts.log);
  byId("timeline").hidden = byId("events").hidden = false;
  new ResizeObserver(draw).observe(parts.chart);
  await readTimeline();
}

/** Read newer figures, if it is time. */
export async function refreshTimeline() {
  if (!parts.chart || document.hidden || Date.now() - shown.readAt < EVERY_S[shown.span] * 1000 || drag) {
    return;
  }
  await readTimeline();
}

/** @param {string} span */
async function choose(span) {
  shown.span = span;
  shown.chosen = null;
  for (const button of byId("timeline").querySelectorAll("button[data-span]")) {
    button.setAttribute("aria-pressed", String(button.getAttribute("data-span") === span));
  }
  await readTimeline();
}

async function readTimeline() {
  shown.readAt = Date.now();
  const span = shown.span;
  try {
    const [told, { runs }, { jobs }] = await Promise.all([json(`timeline?span=${span}`), json(`memory/runs?limit=${MAX_RUNS}`), json("jobs")]);
    if (span !== shown.span) {
      return;
    }
    shown.picture = pictureOf(told, coloursOfBar());
    shown.runs = runs;
    shown.forecast = soonestForecast(jobs);
    draw();
    log();
  } catch (error) {
    shown.picture = null;
    parts.chart.replaceChildren();
    parts.told.textContent = error instanceof Error ? error.message : String(error);
  }
}

/** Return the colours that jobs and scopes have on the bar. */
function coloursOfBar() {
  /** @type {Record<string, string>} */
  const found = {};
  for (const item of document.querySelectorAll(".legend a")) {
    const rect = item.querySelector("rect");
    found[(item.textContent || "").trim()] = rect ? rect.getAttribute("class") || "" : "";
  }
  return found;
}

function draw() {
  const { picture } = shown;
  if (!picture) {
    return;
  }
  drawing = drawTimeline(picture, Math.max(280, parts.chart.clientWidth), shown);
  if (shown.chosen) {
    const [begin, end] = shown.chosen, left = drawing.x(begin);
    drawing.root.append(drawn("rect", { class: "chosen", x: left, y: EDGE.top, width: Math.max(1, drawing.x(end) - left), height: drawing.bottom - EDGE.top }));
  } else if (shown.cursor !== null) {
    const left = drawing.x(shown.cursor);
    drawing.root.append(drawn("line", { class: "cursor", x1: left, x2: left, y1: EDGE.top, y2: drawing.bottom }));
  }
  parts.chart.replaceChildren(drawing.root);
  tell();
}

function tell() {
  const { picture, chosen, cursor } = shown;
  if (!picture || !picture.at.length) {
    parts.told.textContent = "No readings yet; the first comes within seconds.";
  } else if (chosen) {
    tellChosen(picture, chosen);
  } else {
    const step = cursor === null ? picture.at.length - 1 : stepAt(picture, cursor);
    const layers = picture.layers.filter(({ values }) => values[step] > 0).map(({ name, values }) => `${name} ${size(values[step])}`);
    const hint = cursor === null ? " Drag, or use the arrow keys with Shift, to choose a span." : "";
    parts.told.textContent = `${timeOf(picture.at[step])}: ${size(picture.rss[step])}. ${layers.join(", ")}.${hint}`;
  }
}

/** @param {number} at */
function timeOf(at) {
  const moment = new Date(at * 1000);
  return shown.span === "7d" ? `${moment.toLocaleDateString("en-GB", { weekday: "short" })} ${clock(moment)}` : clock(moment, shown.span === "10m");
}

/**
 * @param {Picture} picture
 * @param {[number, number]} chosen
 */
function tellChosen(picture, [begin, end]) {
  const { rss, parts: changes } = changeBetween(picture, begin, end);
  const text = changes.slice(0, 4).map(({ name, bytes }) => `${name} ${change(bytes)}`).join(", ");
  const runs = runsWithin(begin, end, changes.map(({ name }) => name));
  parts.told.replaceChildren(`${timeOf(begin)} to ${timeOf(end)}: ${change(rss)}. ${text}. `);
  if (runs) {
    const { job, run, against } = runs;
    parts.told.append(element("button", { type: "button", click: () => showRuns && showRuns(job, run, against) }, `Show what ${job} changed from #${against} to #${run}`), " ");
  }
  parts.told.append(element("button", { type: "button", click: clear }, "Clear"));
}

/**
 * Return the first and the last run in a span, of the job that changed most there.
 * @param {number} begin
 * @param {number} end
 * @param {string[]} names largest change first
 */
function runsWithin(begin, end, names) {
  for (const job of names) {
    const runs = shown.runs.filter((run) => run.job === job && Date.parse(run.started_at) / 1000 >= begin && Date.parse(run.started_at) / 1000 <= end);
    if (runs.length >= 2) {
      return { job, run: runs[0].id, against: runs[runs.length - 1].id };
    }
  }
  return null;
}

function clear() {
  shown.chosen = null;
  draw();
}

/** @type {number | null} */
let drag = null;

/** @param {PointerEvent} event */
function timeOfPointer(event) {
  const box = parts.chart.getBoundingClientRect();
  return drawing && shown.picture ? Math.min(shown.picture.end, Math.max(shown.picture.begin, drawing.timeAt(event.clientX - box.left))) : 0;
}

/** @param {any} event */
function onDown(event) {
  if (event.isPrimary && event.button === 0) {
    drag = timeOfPointer(event);
    parts.chart.setPointerCapture(event.pointerId);
  }
}

/** @param {any} event */
function onMove(event) {
  const at = timeOfPointer(event);
  shown.cursor = at;
  if (drag !== null && drawing && Math.abs(drawing.x(at) - drawing.x(drag)) > 4) {
    shown.chosen = at > drag ? [drag, at] : [at, drag];
  }
  draw();
}

function onUp() {
  drag = null;
}

function onLeave() {
  shown.cursor = null;
  drag = null;
  draw();
}

/** @param {any} event */
function onKey(event) {
  const { picture } = shown;
  if (!picture || !["ArrowLeft", "ArrowRight", "Escape"].includes(event.key)) {
    return;
  }
  event.preventDefault();
  if (event.key === "Escape") {
    shown.chosen = shown.cursor = null;
  } else {
    const from = shown.cursor === null ? picture.end : shown.cursor;
    const to = Math.min(picture.end, Math.max(picture.begin, from + ((picture.end - picture.begin) / 40) * (event.key === "ArrowLeft" ? -1 : 1)));
    if (event.shiftKey) {
      const [begin, end] = shown.chosen || [from, from], fixed = from === begin ? end : begin;
      shown.chosen = to < fixed ? [to, fixed] : [fixed, to];
    } else {
      shown.chosen = null;
    }
    shown.cursor = to;
  }
  draw();
}

function log() {
  const events = shown.picture ? [...shown.picture.events].reverse() : [];
  /** @type {Record<string, string>} */
  const icons = { verdict: "▲", degraded: "…", pressure: "■", restart: "↻" };
  const entries = events.map((event) => element("li", {},
    element("time", { datetime: event.at }, timeOf(Date.parse(event.at) / 1000)),
    element("span", { "aria-hidden": "true" }, icons[event.kind] || "•"),
    element("span", {}, `${event.kind}${event.subject ? ` of ${event.subject}` : ""}${event.state ? `, ${event.state.replace("_", " ")}` : ""}: ${event.text}`)));
  parts.log.replaceChildren(...(entries.length ? entries : [element("li", { class: "soft" }, `None in ${/** @type {any} */ (SPANS)[shown.span]}.`)]));
}
