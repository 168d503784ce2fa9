// Requests to the debug routes. The token is in the memory of this script and nowhere else.

/** @type {{root: string, token: string, answers: Record<string, any> | null}} */
const session = { root: "./", token: "", answers: null };

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

/**
 * Return the response to a request.
 * @param {string} path relative to the debug routes
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
export function request(path, options = {}) {
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
  return request(path, { method: "POST", headers }).then(async (response) => {
    const body = await response.json();
    if (!response.ok) {
      throw new Error(body.detail || `${response.status}`);
    }
    return body;
  });
}
