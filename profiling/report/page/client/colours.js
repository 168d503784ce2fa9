// The colours of frames, taken from the style sheet.

const HUES = 5;

/** Return the colours of the style sheet as they are now, light or dark. */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const of = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: of("ink"), soft: of("soft"), paper: of("paper"), shade: of("shade"), line: of("line"), link: of("link"),
    rest: of("rest"), more: of("more"), gone: of("gone"), hues: Array.from({ length: HUES }, (_, hue) => of(`hue${hue}`)),
  };
}

/**
 * Return a number below HUES, the same for a name at every look.
 * @param {string} name
 * @returns {number}
 */
export function hueOf(name) {
  let sum = 7;
  for (let place = 0; place < name.length; place += 1) {
    sum = (sum * 31 + name.charCodeAt(place)) >>> 0;
  }
  return sum % HUES;
}

/**
 * Return a colour between two others.
 * @param {string} one "#rrggbb"
 * @param {string} other
 * @param {number} share of the other, from 0 to 1
 * @returns {string}
 */
export function mix(one, other, share) {
  const a = parts(one), b = parts(other);
  return `#${a.map((value, place) => Math.round(value + (b[place] - value) * share).toString(16).padStart(2, "0")).join("")}`;
}

/**
 * Return black or white, whichever reads better on a colour.
 * @param {string} colour
 * @returns {string}
 */
export function inkOn(colour) {
  const [red, green, blue] = parts(colour).map((value) => {
    const share = value / 255;
    return share <= 0.04 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000000" : "#ffffff";
}

/** @param {string} colour */
function parts(colour) {
  const text = colour.length === 4 ? [...colour.slice(1)].map((digit) => digit + digit).join("") : colour.slice(1);
  return [0, 2, 4].map((place) => parseInt(text.slice(place, place + 2), 16));
}
