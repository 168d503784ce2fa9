// Stacks to a tree of frames, as pure functions: merged by line, function or file, alive or changed.

/**
 * @typedef {{name: string, file: string, path: string, line: number, kind: string, package: string}} Frame
 * @typedef {{scope: string, frames: Frame[], size: number, before: number, count: number}} Row
 * @typedef {{
 *   name: string, frame: Frame | null, parent: Tree | null, children: Map<string, Tree>, depth: number,
 *   size: number, before: number, count: number, ownSize: number, ownBefore: number,
 *   width: number, begin: number, order: Tree[],
 * }} Tree
 * @typedef {"line" | "function" | "file" | "scope"} Merge
 */

/**
 * Return the rows of an answer of /memory/stacks.
 * @param {any} live
 * @returns {Row[]}
 */
export function rowsOfStacks(live) {
  const { file, function: names, line } = live.frames;
  const frames = names.map((/** @type {string} */ name, /** @type {number} */ number) => {
    const of = live.files[file[number]];
    return { name, file: of.file, path: of.path, line: line[number], kind: of.kind, package: of.package };
  });
  return live.stacks.size_bytes.map((/** @type {number} */ size, /** @type {number} */ number) => ({
    scope: live.scopes[live.stacks.scope[number]],
    frames: live.stacks.frames[number].map((/** @type {number} */ frame) => frames[frame]),
    size,
    before: 0,
    count: live.stacks.count[number],
  }));
}

/**
 * Return the rows of an answer of /memory/diff, whose stacks are file, function and line.
 * @param {any} diff
 * @returns {Row[]}
 */
export function rowsOfDiff(diff) {
  return diff.sites.map((/** @type {any} */ site) => {
    const common = { file: site.file, path: site.path, kind: "user", package: site.file.split("/")[0] };
    return {
      scope: diff.job || "process",
      frames: [
        { ...common, name: site.file, line: 0 },
        { ...common, name: site.function || "(unknown function)", line: 0 },
        { ...common, name: site.source || `line ${site.line}`, line: site.line },
      ],
      size: site.size_bytes,
      before: site.size_bytes - site.size_diff_bytes,
      count: site.count_diff,
    };
  });
}

/**
 * Return rows that say what changed from `old` to `now`.
 * @param {Row[]} old
 * @param {Row[]} now
 * @returns {Row[]}
 */
export function changed(old, now) {
  return [...now, ...old.map((row) => ({ ...row, size: 0, before: row.size, count: -row.count }))];
}

/**
 * Return the tree of rows. Its widths are the bytes alive or, if `isChange`, the sum of all changes without their signs.
 * @param {Row[]} rows
 * @param {{merge: Merge, scope: string, isChange: boolean}} view
 * @returns {Tree}
 */
export function treeOf(rows, view) {
  const root = node("all", null, null);
  for (const row of rows) {
    if (view.scope && row.scope !== view.scope) {
      continue;
    }
    let at = root;
    add(at, row);
    if (view.merge === "scope") {
      at = child(at, row.scope, row.scope, null);
      add(at, row);
    }
    let last = "";
    for (const frame of row.frames) {
      const key = keyOf(frame, view.merge);
      if (view.merge === "file" && key === last) {
        continue; // calls within a file
      }
      last = key;
      at = child(at, key, labelOf(frame, view.merge), frame);
      add(at, row);
    }
    at.ownSize += row.size;
    at.ownBefore += row.before;
  }
  lay(root, view.isChange);
  return root;
}

/**
 * @param {Frame} frame
 * @param {Merge} merge
 */
function keyOf(frame, merge) {
  return merge === "file" ? frame.path : `${frame.path}\n${frame.name}${merge === "function" ? "" : `\n${frame.line}`}`;
}

/**
 * @param {Frame} frame
 * @param {Merge} merge
 */
function labelOf(frame, merge) {
  if (merge === "file") {
    return frame.file;
  }
  return merge === "function" || !frame.line ? frame.name : `${frame.name}  ${frame.file}:${frame.line}`;
}

/**
 * @param {string} name
 * @param {Frame | null} frame
 * @param {Tree | null} parent
 * @returns {Tree}
 */
function node(name, frame, parent) {
  return {
    name, frame, parent, children: new Map(), depth: parent ? parent.depth + 1 : 0,
    size: 0, before: 0, count: 0, ownSize: 0, ownBefore: 0, width: 0, begin: 0, order: [],
  };
}

/**
 * @param {Tree} parent
 * @param {string} key
 * @param {string} name
 * @param {Frame | null} frame
 * @returns {Tree}
 */
function child(parent, key, name, frame) {
  let found = parent.children.get(key);
  if (!found) {
    found = node(name, frame, parent);
    parent.children.set(key, found);
  }
  return found;
}

/**
 * @param {Tree} at
 * @param {Row} row
 */
function add(at, row) {
  at.size += row.size;
  at.before += row.before;
  at.count += row.count;
}

/**
 * Give each node its width and its place, the widest first.
 * @param {Tree} root
 * @param {boolean} isChange
 */
function lay(root, isChange) {
  const all = nodes(root);
  for (let number = all.length - 1; number >= 0; number -= 1) {
    const at = all[number];
    at.order = [...at.children.values()];
    at.width = isChange ? Math.abs(at.ownSize - at.ownBefore) : at.size;
    if (isChange) {
      at.width += at.order.reduce((sum, each) => sum + each.width, 0);
    }
    at.order.sort((a, b) => b.width - a.width || (a.name < b.name ? -1 : 1));
  }
  for (const at of all) {
    let begin = at.begin;
    for (const each of at.order) {
      each.begin = begin;
      begin += each.width;
    }
  }
}

/**
 * Return all nodes, parents first.
 * @param {Tree} root
 * @returns {Tree[]}
 */
export function nodes(root) {
  const found = [root];
  for (let number = 0; number < found.length; number += 1) {
    for (const each of found[number].children.values()) {
      found.push(each);
    }
  }
  return found;
}

/**
 * Return the nodes whose name has the text, and the width that they take without counting anything twice.
 * @param {Tree} root
 * @param {string} text
 * @returns {{found: Tree[], width: number}}
 */
export function search(root, text) {
  const wanted = text.toLowerCase(), found = /** @type {Tree[]} */ ([]);
  const isHit = (/** @type {Tree} */ at) =>
    at.name.toLowerCase().includes(wanted) || (at.frame !== null && at.frame.file.toLowerCase().includes(wanted));
  let width = 0;
  const walk = (/** @type {Tree} */ at, /** @type {boolean} */ isCounted) => {
    const hit = isHit(at);
    if (hit) {
      found.push(at);
      width += isCounted ? 0 : at.width;
    }
    for (const each of at.order) {
      walk(each, isCounted || hit);
    }
  };
  if (wanted) {
    for (const each of root.order) {
      walk(each, false);
    }
  }
  found.sort((a, b) => b.width - a.width);
  return { found, width };
}

/**
 * Return the nodes with the most of their own, for the table.
 * @param {Tree} root
 * @param {number} most
 * @returns {Tree[]}
 */
export function largestOwn(root, most) {
  const own = (/** @type {Tree} */ at) => Math.abs(at.ownSize - at.ownBefore);
  return nodes(root).filter((at) => own(at) > 0).sort((a, b) => own(b) - own(a)).slice(0, most);
}

/**
 * Return the way from the root to a node.
 * @param {Tree} at
 * @returns {Tree[]}
 */
export function path(at) {
  return at.parent ? [...path(at.parent), at] : [at];
}
