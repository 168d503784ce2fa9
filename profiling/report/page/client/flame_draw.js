// An icicle on a canvas: the root on top, the width of a frame is its bytes.

import { hueOf, inkOn, mix, palette } from "./colours.js";

/** @typedef {import("./flame_data.js").Tree} Tree */

const ROW = 20, FONT_PX = 12, PAD = 4, MIN_LABEL = 24, MIN_WIDTH = 0.4;

/**
 * @typedef {{
 *   zoom: Tree, selected: Tree | null, found: Set<Tree> | null, isChange: boolean,
 * }} View
 */

export class Icicle {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    /** @type {{left: number, width: number, at: Tree}[][]} */
    this.rows = [];
    this.letter = 7;
    this.fills = /** @type {Map<string, string>} */ (new Map());
  }

  /**
   * Draw the frames below the zoomed one, and the way to it.
   * @param {View} view
   */
  draw(view) {
    const width = this.canvas.clientWidth || 300;
    this.rows = this.place(view.zoom, width);
    const height = Math.max(1, this.rows.length) * ROW, ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = `${height}px`;
    const context = this.context, colours = palette();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = `${FONT_PX}px ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = "middle";
    this.letter = context.measureText("abcdefgh_.py0").width / 13;
    this.fills.clear();
    for (const [depth, row] of this.rows.entries()) {
      for (const { left, width: wide, at } of row) {
        const isDim = view.found !== null && !view.found.has(at);
        const fill = this.fill(at, colours, view.isChange, isDim);
        context.fillStyle = fill;
        context.fillRect(left, depth * ROW, Math.max(wide - 0.5, MIN_WIDTH), ROW - 1);
        if (wide >= MIN_LABEL) {
          context.fillStyle = inkOn(fill);
          this.label(at.name, left, depth * ROW + ROW / 2, wide);
        }
      }
    }
    if (view.selected) {
      this.outline(view.selected, colours.ink);
    }
  }

  /**
   * Return the frames that are wide enough to be seen, row by row.
   * @param {Tree} zoom
   * @param {number} width of the canvas
   */
  place(zoom, width) {
    const scale = zoom.width ? width / zoom.width : 0;
    /** @type {{left: number, width: number, at: Tree}[][]} */
    const rows = [];
    for (let at = zoom.parent; at; at = at.parent) {
      rows.unshift([{ left: 0, width, at }]);
    }
    let level = [zoom];
    while (level.length) {
      const row = [], below = [];
      for (const at of level) {
        const wide = at.width * scale;
        if (wide >= MIN_WIDTH || at === zoom) {
          row.push({ left: (at.begin - zoom.begin) * scale, width: wide, at });
          below.push(...at.order);
        }
      }
      if (row.length) {
        rows.push(row);
      }
      level = below;
    }
    return rows;
  }

  /**
   * @param {Tree} at
   * @param {ReturnType<typeof palette>} colours
   * @param {boolean} isChange
   * @param {boolean} isDim
   */
  fill(at, colours, isChange, isDim) {
    const change = at.width ? (at.size - at.before) / at.width : 0;
    const key = isChange ? `${Math.round(change * 20)} ${isDim}` : `${at.frame?.kind} ${at.frame?.package} ${isDim}`;
    let fill = this.fills.get(key);
    if (!fill) {
      fill = isChange ? mix(colours.shade, change > 0 ? colours.more : colours.gone, Math.min(1, Math.abs(change))) : own(at, colours);
      fill = isDim ? mix(fill, colours.paper, 0.75) : fill;
      this.fills.set(key, fill);
    }
    return fill;
  }

  /**
   * @param {string} name
   * @param {number} left
   * @param {number} middle
   * @param {number} wide
   */
  label(name, left, middle, wide) {
    const fits = Math.floor((wide - 2 * PAD) / this.letter);
    if (fits >= 3) {
      this.context.fillText(name.length > fits ? `${name.slice(0, fits - 1)}…` : name, left + PAD, middle);
    }
  }

  /**
   * @param {Tree} selected
   * @param {string} ink
   */
  outline(selected, ink) {
    const depth = this.rows.findIndex((row) => row.some(({ at }) => at === selected));
    const box = depth < 0 ? undefined : this.rows[depth].find(({ at }) => at === selected);
    if (box) {
      this.context.strokeStyle = ink;
      this.context.lineWidth = 2;
      this.context.strokeRect(box.left + 1, depth * ROW + 1, Math.max(2, box.width - 2.5), ROW - 3);
    }
  }

  /**
   * Return the frame at a place of the canvas.
   * @param {number} left in pixels of CSS
   * @param {number} top
   * @returns {Tree | null}
   */
  at(left, top) {
    const row = this.rows[Math.floor(top / ROW)] || [];
    let low = 0, high = row.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1, box = row[middle];
      if (left < box.left) {
        high = middle - 1;
      } else if (left > box.left + box.width) {
        low = middle + 1;
      } else {
        return box.at;
      }
    }
    return null;
  }
}

/**
 * @param {Tree} at
 * @param {ReturnType<typeof palette>} colours
 */
function own(at, colours) {
  if (!at.frame) {
    return colours.rest;
  }
  if (at.frame.kind === "interpreter") {
    return mix(colours.rest, colours.paper, 0.45);
  }
  const hue = colours.hues[hueOf(at.frame.package)];
  return at.frame.kind === "user" ? hue : mix(hue, colours.paper, 0.7);
}
