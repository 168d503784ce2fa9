// The form for the token: it fetches the page with the header, and puts it in place of the form.

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("#sign-in"));

/**
 * Show the page that the token opens.
 * @param {string} root
 * @param {string} token
 */
async function open(root, token) {
  const headers = { Authorization: `Bearer ${token}`, Accept: "text/html" };
  const [page, program] = await Promise.all(
    [root, `${root}static/page.js`].map((path) => fetch(path, { headers, cache: "no-store" })),
  );
  const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
  if (!page.ok || !program.ok) {
    const refused = parsed.querySelector("#refused");
    throw new Error((refused && refused.textContent) || `the service answers ${page.status}`);
  }
  document.title = parsed.title;
  document.body.replaceChildren(...parsed.body.childNodes);
  const script = document.createElement("script");
  script.textContent = await program.text(); // allowed by its hash
  script.id = "sign-in-script"; // it waits for the token
  document.body.append(script);
  document.dispatchEvent(new CustomEvent("signed-in", { detail: { root, token } }));
}

if (form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = /** @type {HTMLInputElement} */ (document.querySelector("#token"));
    const told = /** @type {HTMLElement} */ (document.querySelector("#refused"));
    try {
      await open(form.dataset.root || "./", field.value.trim());
    } catch (error) {
      told.textContent = error instanceof Error ? error.message : String(error);
      field.select();
    }
  });
}
