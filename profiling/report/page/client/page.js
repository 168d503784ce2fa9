// The page: wires its parts together.

import { canAnswer, useAnswers, useProcess, useRoutes } from "./api.js";
import { byId } from "./dom.js";
import { clock } from "./format.js";
import { showRuns, startFlame } from "./flame.js";
import { keepButton } from "./keep.js";
import { follow } from "./live.js";
import { showRows, startTable } from "./table.js";
import { refreshTimeline, startTimeline } from "./timeline.js";

/**
 * Start everything that the server has rendered.
 * @param {string} [root]
 * @param {string} [token]
 */
function start(root = byId("page").dataset.root || "./", token = "") {
  const kept = document.querySelector("#answers");
  kept ? useAnswers(JSON.parse(kept.textContent || "{}")) : useRoutes(root, token);
  useProcess(document.querySelector("#process")?.textContent || "");
  localTimes();
  startTable(say);
  listenToBar();
  if (canAnswer("timeline?span=10m")) {
    startTimeline(showRuns);
  }
  if (canAnswer("memory/stacks") || canAnswer("memory/runs?limit=1000")) {
    startFlame();
  }
  if (!kept) {
    document.querySelector("footer")?.append(keepButton(say));
    follow(show, showLink);
  }
}

const PATIENCE_MS = 20000; // for which the states of other workers are ignored
let seenAt = Date.now();

/**
 * @param {any} state
 * @returns {boolean} whether it is of the process that the page is about
 */
function show(state) {
  if (String(state.process) !== byId("process").textContent && Date.now() - seenAt < PATIENCE_MS) {
    return false;
  }
  seenAt = Date.now();
  const now = byId("now"), target = /** @type {HTMLElement | null} */ (document.activeElement);
  const label = target && now.contains(target) ? target.getAttribute("aria-label") || target.textContent : null;
  const before = document.querySelector("#sentence")?.textContent;
  now.innerHTML = state.now; // from the service, escaped there
  document.title = state.title;
  byId("process").textContent = String(state.process);
  useProcess(String(state.process));
  localTimes();
  showRows(state.rows);
  refreshTimeline();
  if (label) {
    const links = /** @type {NodeListOf<HTMLElement>} */ (now.querySelectorAll("a"));
    [...links].find((link) => sameHolder(link.getAttribute("aria-label") || link.textContent || "", label))?.focus();
  }
  const after = document.querySelector("#sentence")?.textContent || "";
  if (before && causeOf(before) !== causeOf(after)) {
    say(after);
  }
  return true;
}

/**
 * Return whether two labels name the same part of the bar, whose size changes.
 * @param {string} one
 * @param {string} other
 */
function sameHolder(one, other) {
  return one.split(": ")[0] === other.split(": ")[0];
}

/** @param {string} sentence */
function causeOf(sentence) {
  return sentence.replace(/[\d.,]+/g, "");
}

/**
 * @param {boolean} isUp
 * @param {string} why
 */
function showLink(isUp, why) {
  const link = byId("link");
  const text = isUp ? `Live, ${clock(new Date(), true)}` : `No connection since ${link.dataset.since || clock(new Date())}: ${why}. Trying again.`;
  seenAt = isUp ? seenAt : 0; // whoever comes back may be another process
  if (isUp) {
    delete link.dataset.since;
  } else {
    link.dataset.since = link.dataset.since || clock(new Date());
  }
  link.className = isUp ? "" : "lost";
  link.setAttribute("aria-live", isUp ? "off" : "polite");
  link.textContent = text;
}

/** Tell the times of the forecast in the reader's time zone. */
function localTimes() {
  const end = document.querySelector("#deadline");
  if (!(end instanceof HTMLElement) || !/ at about /.test(end.textContent || "")) {
    return;
  }
  const { at, earliest, latest } = end.dataset;
  const told = (/** @type {string} */ text) => clock(new Date(text));
  const interval = at && earliest ? (latest ? ` (${told(earliest)} to ${told(latest)})` : ` (${told(earliest)} at the earliest)`) : "";
  end.textContent = `Full at about ${told(at || "")}${interval}.`;
}

function listenToBar() {
  const now = byId("now"), usual = () => document.querySelector("#told");
  const tell = (/** @type {Event} */ event) => {
    const segment = /** @type {Element} */ (event.target).closest("a.segment"), told = usual();
    if (segment && told) {
      told.textContent = segment.getAttribute("aria-label");
    }
  };
  for (const kind of ["mouseover", "focusin", "click"]) {
    now.addEventListener(kind, tell);
  }
}

/** @param {string} text */
function say(text) {
  let told = document.querySelector("#said");
  if (!told) {
    told = document.createElement("p");
    told.id = "said";
    told.className = "unseen";
    told.setAttribute("role", "status");
    document.body.append(told);
  }
  told.textContent = text;
}

document.addEventListener("signed-in", (event) => {
  const { root, token } = /** @type {CustomEvent} */ (event).detail;
  start(root, token);
});
if (document.querySelector("#page") && !document.querySelector("#sign-in-script")) {
  start();
}
