// An answer of /timeline as layers to stack, with the forecast: pure functions.

import { hueOf } from "./colours.js";

const MAX_OWNERS = 5, MIN_SHARE = 0.1;

/**
 * @typedef {{name: string, colour: string, values: number[]}} Layer bottom first
 * @typedef {{
 *   step: number, at: number[], rss: number[], limit: number[], layers: Layer[], events: any[], begin: number, end: number,
 * }} Picture
 */

/**
 * Return the layers of a timeline; their sum is never above the RSS of the step.
 * @param {any} told
 * @param {Record<string, string>} colours of jobs and scopes, as the bar has them
 * @returns {Picture}
 */
export function pictureOf(told, colours) {
  const size = told.at.length, left = told.rss_bytes.map((/** @type {number | null} */ value) => value || 0);
  const rss = [...left], layers = /** @type {Layer[]} */ ([]);
  const take = (/** @type {string} */ name, /** @type {string} */ colour, /** @type {(number | null)[]} */ wanted) => {
    const values = new Array(size);
    let isAny = false;
    for (let step = 0; step < size; step += 1) {
      values[step] = Math.max(0, Math.min(left[step], wanted[step] || 0));
      left[step] -= values[step];
      isAny = isAny || values[step] > 0;
    }
    if (isAny) {
      layers.push({ name, colour, values });
    }
  };
  const sum = new Array(size).fill(0), others = new Array(size).fill(0);
  for (const [number, held] of told.held.entries()) {
    for (let step = 0; step < size; step += 1) {
      sum[step] += held.bytes[step] || 0;
      others[step] += number < MAX_OWNERS ? 0 : held.bytes[step] || 0;
    }
  }
  for (const held of told.held.slice(0, MAX_OWNERS)) {
    take(held.scope, colours[held.scope] || `hue${hueOf(held.scope)}`, held.bytes);
  }
  take("other jobs and scopes", "others", others);
  take("rest of Python's heap", "python", told.python_bytes.map((/** @type {number | null} */ value, /** @type {number} */ step) => (value || 0) - sum[step]));
  take("C heap", "c_heap", told.c_heap_bytes);
  take("free in the C allocator", "free", told.free_bytes);
  take("everything else", "rest", [...left]);
  const now = Date.parse(told.now) / 1000, spans = /** @type {Record<string, number>} */ ({ "10m": 600, "2h": 7200, "7d": 604800 });
  const span = spans[told.span], young = size ? now - told.at[0] : span; // the past of a young process fills the picture too
  const begin = now - Math.min(span, Math.max(span * MIN_SHARE, young));
  return { step: told.step_s, at: told.at, rss, limit: told.limit_bytes, layers, events: told.events, begin, end: now };
}

/**
 * Return the stretches of steps between which the process did not run.
 * @param {Picture} picture
 * @returns {[number, number][]} first and last step of each
 */
export function stretches(picture) {
  const found = /** @type {[number, number][]} */ ([]);
  for (let step = 0; step < picture.at.length; step += 1) {
    const last = found[found.length - 1];
    if (last && picture.at[step] - picture.at[step - 1] <= 2 * picture.step) {
      last[1] = step;
    } else {
      found.push([step, step]);
    }
  }
  return found;
}

/**
 * Return the step nearest to a moment.
 * @param {Picture} picture
 * @param {number} at seconds since the epoch
 */
export function stepAt(picture, at) {
  let low = 0, high = picture.at.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    picture.at[middle] + picture.step / 2 < at ? (low = middle + 1) : (high = middle);
  }
  return low;
}

/**
 * Return how much each layer changed between two moments, the largest change first.
 * @param {Picture} picture
 * @param {number} begin
 * @param {number} end
 */
export function changeBetween(picture, begin, end) {
  const first = stepAt(picture, begin), last = stepAt(picture, end);
  const parts = picture.layers.map(({ name, values }) => ({ name, bytes: values[last] - values[first] }));
  parts.sort((a, b) => Math.abs(b.bytes) - Math.abs(a.bytes));
  return { rss: picture.rss[last] - picture.rss[first], parts: parts.filter(({ bytes }) => bytes !== 0) };
}

/**
 * Return the soonest forecast of accused jobs and scopes.
 * @param {{verdict: any}[]} owners
 * @returns {{at: number, earliest: number, latest: number | null} | null} in seconds since the epoch
 */
export function soonestForecast(owners) {
  let soonest = null;
  for (const { verdict } of owners) {
    const forecast = verdict && verdict.accusation && verdict.forecast;
    if (forecast && forecast.full_at) {
      const at = Date.parse(forecast.full_at) / 1000, [early, late] = forecast.interval_s || [forecast.full_in_s, forecast.full_in_s];
      if (!soonest || at < soonest.at) {
        soonest = { at, earliest: at + early - forecast.full_in_s, latest: late === null ? null : at + late - forecast.full_in_s };
      }
    }
  }
  return soonest;
}
