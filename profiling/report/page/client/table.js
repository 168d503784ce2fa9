// The table of jobs and scopes: it sorts, and a row opens to its lines.

import { json, post } from "./api.js";
import { byId, element } from "./dom.js";
import { size } from "./format.js";

const MAX_LINES = 12;

/** @type {{column: number, isDown: boolean, open: string}} */
const view = { column: -1, isDown: true, open: "" };
/** @type {HTMLTableRowElement | null} */
let opened = null;

/**
 * Make the table sort and open.
 * @param {(text: string) => void} say tells the reader about a change
 */
export function startTable(say) {
  const table = byId("owners");
  table.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const sorts = target.closest("button[data-sorts]"), link = target.closest("a.open"), verb = target.closest("button[data-verb]");
    if (sorts) {
      sortBy(/** @type {HTMLTableCellElement} */ (sorts.closest("th")).cellIndex);
    } else if (link && !(/** @type {MouseEvent} */ (event).ctrlKey || /** @type {MouseEvent} */ (event).metaKey)) {
      event.preventDefault();
      toggle(nameOf(link));
    } else if (verb) {
      steer(/** @type {HTMLButtonElement} */ (verb), nameOf(verb), say);
    }
  });
  decorate();
}

/**
 * Show newer rows, in the chosen order, with the opened row and the focus where they were.
 * @param {string} html from the service, escaped there
 */
export function showRows(html) {
  const rows = byId("rows"), focused = document.activeElement;
  const kept = focused && rows.contains(focused) ? focusOf(focused) : null;
  const template = document.createElement("template");
  template.innerHTML = html;
  rows.replaceChildren(template.content);
  decorate();
  if (kept) {
    const again = rows.querySelector(kept);
    /** @type {HTMLElement | null} */ (again)?.focus({ preventScroll: true });
  }
}

function decorate() {
  for (const link of byId("rows").querySelectorAll("a.open")) {
    link.setAttribute("aria-expanded", String(nameOf(link) === view.open));
  }
  if (view.column >= 0) {
    order();
  }
  const row = view.open && rowOf(view.open);
  if (row && opened) {
    row.after(opened);
  }
}

/** @param {Element} inside */
function nameOf(inside) {
  return /** @type {HTMLElement} */ (inside.closest("tr[data-name]")).dataset.name || "";
}

/** @param {string} name */
function rowOf(name) {
  const rows = /** @type {NodeListOf<HTMLTableRowElement>} */ (byId("rows").querySelectorAll("tr[data-name]"));
  return [...rows].find((row) => row.dataset.name === name);
}

/** @param {Element} focused */
function focusOf(focused) {
  const row = focused.closest("tr[data-name]");
  const verb = focused.getAttribute("data-verb");
  return row ? `#${CSS.escape(row.id)} ${verb ? `[data-verb="${verb}"]` : "a.open"}` : null;
}

/** @param {number} column */
function sortBy(column) {
  view.isDown = view.column === column ? !view.isDown : column !== 0;
  view.column = column;
  for (const head of byId("owners").querySelectorAll("thead th")) {
    const isIt = /** @type {HTMLTableCellElement} */ (head).cellIndex === column;
    isIt ? head.setAttribute("aria-sort", view.isDown ? "descending" : "ascending") : head.removeAttribute("aria-sort");
  }
  decorate();
}

function order() {
  const rows = byId("rows"), sign = view.isDown ? -1 : 1;
  const found = /** @type {HTMLTableRowElement[]} */ ([...rows.querySelectorAll(":scope > tr[data-name]")]);
  const key = (/** @type {HTMLTableRowElement} */ row) => {
    const cell = /** @type {HTMLElement} */ (row.cells[view.column]);
    return cell.dataset.sort === undefined ? (cell.textContent || "").trim() : Number(cell.dataset.sort);
  };
  found.sort((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0));
  rows.append(...found);
}

/** @param {string} name */
async function toggle(name) {
  opened?.remove();
  opened = null;
  view.open = view.open === name ? "" : name;
  if (view.open) {
    const cell = element("td", { colspan: 8 }, "…");
    opened = /** @type {HTMLTableRowElement} */ (element("tr", { class: "lines" }, cell));
    try {
      cell.replaceChildren(...lines(await json(`scopes/${encodeURIComponent(name)}?limit=${MAX_LINES}`)));
    } catch (error) {
      cell.replaceChildren(String(error instanceof Error ? error.message : error));
    }
  }
  decorate();
}

/**
 * @param {any} scope
 * @returns {Node[]}
 */
function lines(scope) {
  const verdict = scope.verdict, parts = [];
  if (verdict) {
    parts.push(element("p", {}, verdict.reason));
    for (const suspect of verdict.suspects) {
      const frames = suspect.stack.map((/** @type {string} */ frame) => element("li", {}, element("code", {}, frame)));
      const told = `${suspect.site.file}:${suspect.site.line} keeps ${size(suspect.bytes_per_run)}; how it is reached`;
      parts.push(element("details", {}, element("summary", {}, told), element("ol", { class: "stack" }, ...frames)));
    }
  }
  const rows = scope.sites.map((/** @type {any} */ site) =>
    element("tr", {},
      element("td", { class: "number" }, size(site.size_bytes)),
      element("td", { class: "number" }, `±${size(site.error_bytes)}`),
      element("td", {}, element("code", {}, `${site.file}:${site.line}`)),
      element("td", {}, element("code", {}, site.source || ""))));
  const head = element("tr", {}, ...["alive", "error", "line", "source"].map((name) => element("th", { scope: "col" }, name)));
  parts.push(element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
  return parts;
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} job
 * @param {(text: string) => void} say
 */
async function steer(button, job, say) {
  button.disabled = true;
  try {
    const told = await post(`jobs/${encodeURIComponent(job)}/${button.dataset.verb}`);
    say(`${job} is ${told.state}`);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
  button.disabled = false;
}
