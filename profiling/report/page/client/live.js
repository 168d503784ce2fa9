// Updates by server-sent events, read by fetch, because an EventSource cannot send the token.

import { send } from "./api.js";

const FIRST_WAIT_MS = 1000, MAX_WAIT_MS = 15000;

/**
 * Call `onState` for each event for as long as the page is visible, and `onLink` when the service goes or comes back.
 * @param {(state: any) => boolean} onState returns false for a state of another process
 * @param {(isUp: boolean, why: string) => void} onLink
 */
export async function follow(onState, onLink) {
  let wait_ms = FIRST_WAIT_MS;
  for (;;) {
    await visible();
    try {
      wait_ms = await readOnce(onState, onLink);
    } catch (error) {
      onLink(false, error instanceof Error ? error.message : String(error));
      wait_ms = Math.min(MAX_WAIT_MS, wait_ms * 1.5);
    }
    await new Promise((resolve) => setTimeout(resolve, wait_ms));
  }
}

/**
 * Read one answer to its end, and return how long to wait before the next request.
 * @param {(state: any) => boolean} onState
 * @param {(isUp: boolean, why: string) => void} onLink
 * @returns {Promise<number>}
 */
async function readOnce(onState, onLink) {
  const leave = new AbortController();
  const leaveIfHidden = () => document.hidden && leave.abort();
  document.addEventListener("visibilitychange", leaveIfHidden);
  try {
    const response = await send("events", { signal: leave.signal });
    if (!response.ok || !response.body) {
      throw new Error(response.status === 403 ? "the token is no longer accepted" : `the service answers ${response.status}`);
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        return FIRST_WAIT_MS;
      }
      const events = (text + value).split("\n\n");
      text = events.pop() || "";
      for (const event of events) {
        const data = event.split("\n").find((line) => line.startsWith("data: "));
        if (data) {
          const isOurs = onState(JSON.parse(data.slice(6)));
          onLink(true, "");
          if (!isOurs) {
            leave.abort(); // the next request may meet the right one
          }
        }
      }
    }
  } catch (error) {
    if (leave.signal.aborted) {
      return FIRST_WAIT_MS;
    }
    throw error;
  } finally {
    document.removeEventListener("visibilitychange", leaveIfHidden);
  }
}

/** Return when the page is visible. */
function visible() {
  return new Promise((resolve) => {
    const look = () => {
      if (!document.hidden) {
        document.removeEventListener("visibilitychange", look);
        resolve(undefined);
      }
    };
    document.addEventListener("visibilitychange", look);
    look();
  });
}
