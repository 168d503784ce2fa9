// A report of the page, to keep: the service makes the file, and the browser saves it.

import { request } from "./api.js";
import { element } from "./dom.js";

/**
 * Return a button that saves a report. A link could not send the token.
 * @param {(text: string) => void} say tells the reader what happened
 */
export function keepButton(say) {
  const button = /** @type {HTMLButtonElement} */ (element("button", { type: "button", click: () => keep(button, say) }, "Save a report"));
  return button;
}

/**
 * @param {HTMLButtonElement} button
 * @param {(text: string) => void} say
 */
async function keep(button, say) {
  button.disabled = true;
  try {
    const response = await request("report");
    if (!response.ok) {
      throw new Error(`the service answers ${response.status}`);
    }
    const named = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") || "");
    const url = URL.createObjectURL(await response.blob());
    element("a", { href: url, download: named ? named[1] : "memory.html" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000); // by then the browser has saved it
    say("the report is saved");
  } catch (error) {
    say(`no report: ${error instanceof Error ? error.message : String(error)}`);
  }
  button.disabled = false;
}
