// Requests to the debug routes. The token is in the memory of this script and nowhere else.

/** @type {{root: string, token: string}} */
const session = { root: "./", token: "" };

/**
 * Say where the debug routes are, and the token that they need, if any.
 * @param {string} root
 * @param {string} [token]
 */
export function useRoutes(root, token = session.token) {
  session.root = root;
  session.token = token;
}

/** Return whether there is a token. */
export function hasToken() {
  return session.token !== "";
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
  const headers = session.token ? {} : { Authorization: "Bearer page" };
  return request(path, { method: "POST", headers }).then(async (response) => {
    const body = await response.json();
    if (!response.ok) {
      throw new Error(body.detail || `${response.status}`);
    }
    return body;
  });
}
