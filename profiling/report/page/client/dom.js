// Elements, made without markup, so that no text is ever taken for HTML.

/**
 * Return a new element.
 * @param {string} name
 * @param {Record<string, string | number | boolean | ((event: any) => void)>} [attributes] a function is a listener of that event
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  return fill(made, attributes, children);
}

/**
 * Return a new element of a drawing.
 * @param {string} name
 * @param {Record<string, string | number | boolean | ((event: any) => void)>} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElement}
 */
export function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  return fill(made, attributes, children);
}

/**
 * Return the element with that id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`the page has no element ${id}`);
  }
  return found;
}

/**
 * @template {Element} E
 * @param {E} made
 * @param {Record<string, string | number | boolean | ((event: any) => void)>} attributes
 * @param {(Node | string)[]} children
 * @returns {E}
 */
function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      made.addEventListener(name, value);
    } else if (name.startsWith("aria-")) {
      made.setAttribute(name, String(value)); // "false" says something there
    } else if (value !== false) {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
  made.append(...children);
  return made;
}
