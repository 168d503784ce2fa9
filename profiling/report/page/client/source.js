// The source around a line.

import { json } from "./api.js";
import { element } from "./dom.js";

/**
 * Show the source around a line in an element.
 * @param {HTMLElement} into
 * @param {string} path
 * @param {number} line
 */
export async function showSource(into, path, line) {
  into.replaceChildren();
  if (!line || !path.endsWith(".py")) {
    return;
  }
  try {
    const told = await json(`source?path=${encodeURIComponent(path)}&line=${line}`);
    const lines = told.lines.map((/** @type {string} */ text, /** @type {number} */ number) =>
      element("span", { class: told.first + number === line ? "hit" : "" }, `${String(told.first + number).padStart(5)}  ${text}\n`));
    into.replaceChildren(element("pre", { class: "source", tabindex: 0, "aria-label": `${told.file}, around line ${line}` }, ...lines));
  } catch (error) {
    into.replaceChildren(element("p", { class: "soft" }, error instanceof Error ? error.message : String(error)));
  }
}
