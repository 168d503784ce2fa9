// The flame graph with its controls: what is alive by stack, or what changed since a moment or between two runs.

import { byId, element } from "./dom.js";
import { largestOwn, path, search, treeOf } from "./flame_data.js";
import { Icicle } from "./flame_draw.js";
import { isChange, load, whatControls } from "./flame_what.js";
import { change, percent, size } from "./format.js";
import { showSource } from "./source.js";

/** @typedef {import("./flame_data.js").Tree} Tree */
/** @typedef {import("./flame_data.js").Row} Row */

const MAX_TABLE_ROWS = 50;

/** @type {{merge: any, scope: string, text: string, hit: number}} */
const chosen = { merge: "line", scope: "", text: "", hit: 0 };
/** @type {{rows: Row[], root: Tree, zoom: Tree, selected: Tree | null, found: Tree[]}} */
const shown = { rows: [], root: /** @type {any} */ (null), zoom: /** @type {any} */ (null), selected: null, found: [] };
/** @type {Record<string, any>} */
const parts = {};
/** @type {Icicle} */
let icicle;

/** Show the flame graph. */
export async function startFlame() {
  build();
  byId("flame").hidden = false;
  await load();
}

/**
 * Show what changed between two runs of a job.
 * @param {string} job
 * @param {number} run
 * @param {number} against
 */
export async function showRuns(job, run, against) {
  await load({ what: "runs", job, run: String(run), against: String(against) });
  byId("flame").scrollIntoView({ block: "nearest" });
}

function build() {
  const options = (/** @type {[string, string][]} */ pairs) => pairs.map(([value, text]) => element("option", { value }, text));
  const select = (/** @type {string} */ label, /** @type {any} */ onchange, /** @type {Node[]} */ ...children) =>
    element("select", { "aria-label": label, change: onchange }, ...children);
  parts.merge = select("merged by", () => set("merge", parts.merge.value), ...options([["line", "by line"], ["function", "by function"], ["file", "by file"], ["scope", "by scope, then line"]]));
  parts.scope = select("job or scope", () => set("scope", parts.scope.value), ...options([["", "all jobs and scopes"]]));
  parts.search = element("input", { type: "search", placeholder: "Search ( / )", "aria-label": "search frames", input: onSearch, keydown: onSearchKey });
  parts.sum = element("span", { class: "end", role: "status" });
  parts.crumbs = element("ol", { class: "crumbs", "aria-label": "way to the frame" });
  parts.canvas = element("canvas", { tabindex: 0, role: "img", "aria-describedby": "flame-told", "aria-label": "flame graph; arrow keys walk, Enter zooms, Escape goes back",
    click: onClick, mousemove: onMove, keydown: onKey });
  parts.told = element("p", { id: "flame-told", class: "told", "aria-live": "polite" });
  parts.source = element("div");
  parts.table = element("details", { toggle: table }, element("summary", {}, "The same as a table"), element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "frames as a table" }));
  byId("flame").append(
    element("div", { class: "tools" }, ...whatControls(showRows), parts.merge, parts.scope, parts.search, parts.sum),
    parts.crumbs, element("figure", {}, parts.canvas), parts.told, parts.source, parts.table);
  icicle = new Icicle(parts.canvas);
  new ResizeObserver(() => shown.root && draw()).observe(byId("flame"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown.root && draw());
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      parts.search.focus();
    }
  });
}

/**
 * @param {Row[]} rows
 * @param {string} problem why there are none
 */
function showRows(rows, problem) {
  shown.rows = rows;
  listScopes();
  redraw();
  if (problem) {
    parts.told.textContent = problem;
  }
}

function listScopes() {
  const sums = new Map();
  for (const row of shown.rows) {
    sums.set(row.scope, (sums.get(row.scope) || 0) + Math.abs(row.size - row.before));
  }
  const names = [...sums.keys()].sort((a, b) => sums.get(b) - sums.get(a));
  parts.scope.replaceChildren(element("option", { value: "" }, "all jobs and scopes"), ...names.map((name) => element("option", { value: name }, name)));
  chosen.scope = names.includes(chosen.scope) ? chosen.scope : "";
  parts.scope.value = chosen.scope;
}

/**
 * @param {"merge" | "scope"} what
 * @param {string} value
 */
function set(what, value) {
  chosen[what] = value;
  redraw();
}

function redraw() {
  const before = shown.zoom ? path(shown.zoom).map((at) => at.name) : [];
  shown.root = treeOf(shown.rows, { merge: chosen.merge, scope: chosen.scope, isChange: isChange() });
  shown.root.name = isChange() ? "all changes" : "all";
  shown.zoom = shown.root;
  for (const name of before.slice(1)) { // the same place, as far as it is still there
    shown.zoom = shown.zoom.order.find((at) => at.name === name) || shown.zoom;
  }
  shown.selected = null;
  find();
  draw();
  tell(shown.zoom);
  table();
  byId("flame-title").textContent = isChange() ? "What changed" : "What is alive";
}

function draw() {
  const found = chosen.text ? new Set(shown.found.flatMap(path)) : null;
  icicle.draw({ zoom: shown.zoom, selected: shown.selected, found, isChange: isChange() });
  const crumbs = path(shown.zoom).map((at) => element("li", {}, element("button", { type: "button", "aria-current": at === shown.zoom, click: () => zoom(at) }, at.name)));
  parts.crumbs.replaceChildren(...crumbs);
}

/** @param {Tree} at */
function zoom(at) {
  shown.zoom = at;
  select(at);
}

/** @param {Tree | null} at */
function select(at) {
  shown.selected = at;
  draw();
  tell(at || shown.zoom);
}

/** @param {Tree} at */
function tell(at) {
  const place = at.frame ? `${at.frame.file}${at.frame.line ? `:${at.frame.line}` : ""} ` : "";
  const { root } = shown;
  parts.told.textContent = isChange()
    ? `${at.name}: ${change(at.size - at.before)}, from ${size(at.before)} to ${size(at.size)}. ${place}Red grew, blue shrank; the width is the bytes that changed.`
    : `${at.name}: ${size(at.size)}, ${percent(at.size, root.size)} of all, in about ${at.count.toLocaleString("en")} blocks. ${place}`;
}

/** @param {MouseEvent} event */
function hovered(event) {
  const box = parts.canvas.getBoundingClientRect();
  return icicle.at(event.clientX - box.left, event.clientY - box.top);
}

/** @param {MouseEvent} event */
function onMove(event) {
  tell(hovered(event) || shown.selected || shown.zoom);
}

/** @param {MouseEvent} event */
function onClick(event) {
  const at = hovered(event);
  if (at) {
    open(at);
  }
}

/** @param {Tree} at */
function open(at) {
  zoom(at);
  if (at.frame) {
    showSource(parts.source, at.frame.path, at.frame.line);
  } else {
    parts.source.replaceChildren();
  }
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const at = shown.selected || shown.zoom, beside = at.parent ? at.parent.order : [at];
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowDown: () => select(at.order[0] || at),
    ArrowUp: () => select(at.parent || at),
    ArrowRight: () => select(beside[beside.indexOf(at) + 1] || at),
    ArrowLeft: () => select(beside[beside.indexOf(at) - 1] || at),
    Enter: () => open(at),
    Escape: () => zoom(shown.zoom.parent || shown.root),
    Home: () => zoom(shown.root),
  };
  if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
}

function onSearch() {
  chosen.text = parts.search.value.trim();
  chosen.hit = -1;
  find();
  draw();
}

function find() {
  const { found, width } = search(shown.root, chosen.text);
  shown.found = found;
  parts.sum.textContent = chosen.text
    ? `${found.length} ${found.length === 1 ? "match" : "matches"}: ${size(width)}, ${percent(width, shown.root.width)}`
    : `${isChange() ? change(shown.root.size - shown.root.before) : size(shown.root.size)} in all`;
}

/** @param {KeyboardEvent} event */
function onSearchKey(event) {
  if (event.key === "Enter" && shown.found.length) {
    chosen.hit = (chosen.hit + (event.shiftKey ? -1 : 1) + shown.found.length) % shown.found.length;
    select(shown.found[chosen.hit]);
  } else if (event.key === "Escape") {
    parts.search.value = "";
    onSearch();
    parts.canvas.focus();
  }
}

function table() {
  if (!parts.table.open) {
    return;
  }
  const heads = ["own", "with callees", "blocks", "frame", "file"].map((name) => element("th", { scope: "col" }, name));
  const text = isChange() ? (/** @type {number} */ now, /** @type {number} */ was) => change(now - was) : (/** @type {number} */ now) => size(now);
  const rows = largestOwn(shown.root, MAX_TABLE_ROWS).map((at) => element("tr", {},
    element("td", {}, text(at.ownSize, at.ownBefore)), element("td", {}, text(at.size, at.before)), element("td", {}, String(at.count)),
    element("td", {}, at.frame ? at.frame.name : at.name), element("td", {}, at.frame ? `${at.frame.file}${at.frame.line ? `:${at.frame.line}` : ""}` : "")));
  parts.table.lastChild.replaceChildren(element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)));
}
