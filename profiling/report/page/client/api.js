// Requests to the debug routes. The token is in the memory of this script and nowhere else.

const MAX_TRIES = 12;

/** @type {{root: string, token: string, process: string, answers: Record<string, any> | null}} */
const session = { root: "./", token: "", process: "", answers: null };

/**
 * Say where the debug routes are, and the token that they need, if any.
 * @param {string} root
 * @param {string} [token]
 */
export function useRoutes(root, token = session.token) {
  session.root = root;
  session.token = token;
}

/**
 * Take all answers from a report, in which there is no service to ask.
 * @param {Record<string, any>} answers by the path of the request
 */
export function useAnswers(answers) {
  session.answers = answers;
}

/** Return whether there is a service to ask, as there is none in a report. */
export function hasService() {
  return session.answers === null;
}

/**
 * Return whether an answer can be asked for: always of a service; of a report only if the answer is in it.
 * @param {string} path
 */
export function canAnswer(path) {
  return session.answers === null || path in session.answers;
}

/**
 * Say which process the page is about.
 * @param {string} process
 */
export function useProcess(process) {
  session.process = process;
}

/**
 * Return the response to a request, of the process that the page is about, if one of a few tries meets it: a server may
 * have several workers, of which each knows only its own memory.
 * @param {string} path relative to the debug routes
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
export async function request(path, options = {}) {
  for (let tries = 1; ; tries += 1) {
    const response = await send(path, options), process = response.headers.get("X-Profiler-Process");
    const isIt = !session.process || !process || process === session.process;
    if (isIt || !response.ok || tries === MAX_TRIES) {
      return response;
    }
    await response.body?.cancel();
  }
}

/**
 * Return the response to a request, of whichever process answers.
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<Response>}
 */
export function send(path, options) {
  const headers = new Headers(options.headers);
  if (session.token) {
    headers.set("Authorization", `Bearer ${session.token}`);
  }
  return fetch(session.root + path, { ...options, headers, cache: "no-store", credentials: "same-origin" });
}

/**
 * Return the JSON of an answer. Throws an Error with what the service says if it refuses.
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function json(path, options = {}) {
  if (session.answers) {
    if (!(path in session.answers)) {
      throw new Error("this is not in the report");
    }
    return session.answers[path];
  }
  const response = await request(path, { ...options, headers: { Accept: "application/json" } });
  const body = await response.json();
  if (!response.ok) {
    throw new Error(body.detail || `${response.status}`);
  }
  return body;
}

/**
 * Change something. A POST needs the header even if reading is open; then any token does.
 * @param {string} path
 * @returns {Promise<any>}
 */
export function post(path) {
  /** @type {Record<string, string>} */
  const headers = session.token ? {} : { Authorization: "Bearer page" };
  return send(path, { method: "POST", headers }).then(async (response) => {
    const body = await response.json();
    if (!response.ok) {
      throw new Error(body.detail || `${response.status}`);
    }
    return body;
  });
}
