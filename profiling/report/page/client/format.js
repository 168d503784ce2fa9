// Sizes and times as text, as the server writes them.

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/**
 * Return a size such as "40 KB" or "1.1 MB"; an MB has 2**20 bytes.
 * @param {number} bytes
 * @returns {string}
 */
export function size(bytes) {
  let value = Math.abs(bytes), unit = 0;
  while (Math.round(value * 10) / 10 >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit >= 2 && Math.round(value * 10) / 10 < 100 ? 1 : 0;
  return `${bytes < 0 ? "-" : ""}${value.toFixed(digits)} ${UNITS[unit]}`;
}

/**
 * Return a size that always has a sign.
 * @param {number} bytes
 * @returns {string}
 */
export function change(bytes) {
  return bytes > 0 ? `+${size(bytes)}` : size(bytes);
}

/**
 * Return a share in per cent.
 * @param {number} part
 * @param {number} whole
 * @returns {string}
 */
export function percent(part, whole) {
  const value = whole ? (100 * part) / whole : 0;
  return `${value.toFixed(Math.abs(value) < 10 ? 1 : 0)} %`;
}

/**
 * Return the time of day in the reader's zone.
 * @param {Date} at
 * @param {boolean} [withSeconds]
 * @returns {string}
 */
export function clock(at, withSeconds = false) {
  const text = [at.getHours(), at.getMinutes(), ...(withSeconds ? [at.getSeconds()] : [])];
  return text.map((part) => String(part).padStart(2, "0")).join(":");
}
