// What the flame graph shows: what is alive, what changed since a mark, or what changed between two runs.

import { canAnswer, hasService, json } from "./api.js";
import { element } from "./dom.js";
import { changed, rowsOfDiff, rowsOfStacks } from "./flame_data.js";
import { clock } from "./format.js";

/** @typedef {import("./flame_data.js").Row} Row */

const MAX_RUNS = 50;
const WORDS = { alive: "Alive now", since: "Changed since the mark", runs: "Changed between two runs" };

/** @type {{what: "alive" | "since" | "runs", mark: {rows: Row[], at: Date} | null, turn: number}} */
const chosen = { what: "alive", mark: null, turn: 0 };
/** @type {Record<string, any>} */
const parts = {};
/** @type {(rows: Row[], problem: string) => void} */
let onRows = () => undefined;

/**
 * Return the controls.
 * @param {(rows: Row[], problem: string) => void} show is called with new rows, or with why there are none
 * @returns {HTMLElement[]}
 */
export function whatControls(show) {
  onRows = show;
  const select = (/** @type {string} */ label, /** @type {() => void} */ onchange) => element("select", { "aria-label": label, change: onchange });
  parts.what = select("what is shown", () => load({ what: parts.what.value }));
  parts.what.append(...Object.entries(WORDS).filter(([value]) => isOffered(value)).map(([value, text]) => element("option", { value }, text)));
  parts.job = select("job", () => load({ job: parts.job.value }));
  parts.run = select("run", () => load({ job: parts.job.value, run: parts.run.value, against: parts.against.value }));
  parts.against = select("compared with run", () => load({ job: parts.job.value, run: parts.run.value, against: parts.against.value }));
  parts.runs = element("span", { class: "tools", hidden: true }, parts.job, parts.run, "against", parts.against);
  const refresh = element("button", { type: "button", click: () => load({ job: parts.job.value, run: parts.run.value, against: parts.against.value }) }, "Refresh");
  const moments = [refresh, element("button", { type: "button", click: mark }, "Mark now")];
  return [parts.what, parts.runs, ...(hasService() ? moments : [])];
}

/**
 * Return whether there is something to show: a report has no mark, and may have no runs.
 * @param {string} what
 */
function isOffered(what) {
  return what === "alive" || (what === "since" ? hasService() : canAnswer("memory/runs?limit=1000"));
}

/** Return whether changes are shown. */
export function isChange() {
  return chosen.what !== "alive";
}

/**
 * Read what is chosen, unless another choice is made meanwhile.
 * @param {{what?: any, job?: string, run?: string, against?: string}} [wanted]
 */
export async function load(wanted = {}) {
  chosen.turn += 1;
  const turn = chosen.turn;
  parts.what.value = chosen.what = wanted.what || chosen.what;
  parts.runs.hidden = chosen.what !== "runs";
  try {
    const found = chosen.what === "runs" ? await readRuns(wanted) : { rows: await readStacks(), fill: () => undefined };
    if (turn === chosen.turn) {
      found.fill();
      onRows(found.rows, "");
    }
  } catch (error) {
    if (turn === chosen.turn) {
      onRows([], error instanceof Error ? error.message : String(error));
    }
  }
}

/** @returns {Promise<Row[]>} */
async function readStacks() {
  const now = rowsOfStacks(await json("memory/stacks"));
  if (!chosen.mark) {
    setMark(now);
  }
  return chosen.what === "since" && chosen.mark ? changed(chosen.mark.rows, now) : now;
}

async function mark() {
  setMark(rowsOfStacks(await json("memory/stacks")));
  await load();
}

/** @param {Row[]} rows */
function setMark(rows) {
  chosen.mark = { rows, at: new Date() };
  const option = parts.what.querySelector("option[value=since]");
  if (option) {
    option.text = `Changed since ${clock(chosen.mark.at, true)}`;
  }
}

/**
 * Return the change between two runs, and a function that shows the choice.
 * @param {{job?: string, run?: string, against?: string}} wanted
 */
async function readRuns(wanted) {
  const all = (await json("memory/runs?limit=1000")).runs;
  const names = /** @type {string[]} */ ([...new Set(all.map((/** @type {any} */ run) => run.job))].sort());
  const job = wanted.job || names[0] || "";
  const runs = all.filter((/** @type {any} */ run) => run.job === job).slice(0, MAX_RUNS);
  const run = wanted.run || String((runs[0] || {}).id || ""), against = wanted.against || String((runs[runs.length - 1] || {}).id || "");
  const fill = () => {
    parts.job.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    for (const select of [parts.run, parts.against]) {
      select.replaceChildren(...runs.map((/** @type {any} */ each) =>
        element("option", { value: each.id }, `#${each.id} at ${clock(new Date(each.started_at), true)}`)));
    }
    [parts.job.value, parts.run.value, parts.against.value] = [job, run, against];
  };
  fill();
  if (runs.length < 2) {
    throw new Error(job ? `${job} has fewer than two runs to compare` : "no job has run yet");
  }
  const query = new URLSearchParams({ job, run, against, limit: "1000" });
  return { rows: rowsOfDiff(await json(`memory/diff?${query}`)), fill };
}
