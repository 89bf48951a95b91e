// @ts-check
/** The next shot after one: what its clip is called, and where its node stands. No page and no ComfyUI here. */

const COUNTED = /^(.*?)(?:([-_. ])(\d+)|(0\d+))$/s;
/** Above a node's place, px. */
const TITLE = 30;

/**
 * The prefix of the next clip: the number at its end goes on, or a second one begins. Its folders stay.
 *
 * @param {string} prefix "film/shot_01"
 * @returns {string} "film/shot_02"
 */
export function countedOn(prefix) {
  const [, folders, name, ending] = /** @type {string[]} */ (/^(.*[\\/])?(.*?)(\.mp4)?$/is.exec(prefix));
  const [, stem, parted = "", number, zeros] = COUNTED.exec(name) ?? [];
  const digits = number ?? zeros;
  const next = digits ? stem + parted + String(BigInt(digits) + 1n).padStart(digits.length, "0") : `${name}_02`;
  return (folders ?? "") + next + (ending ?? "");
}

/** @typedef {ArrayLike<number> & Iterable<number>} Numbers */
/** @typedef {{pos: Numbers, size: Numbers}} Box */

/**
 * A place at the right of a node, below whatever stands there already.
 *
 * @param {Box} node
 * @param {Numbers} size of the new one
 * @param {Iterable<Box>} others
 * @param {number} gap
 * @returns {[number, number]}
 */
export function placeBeside(node, size, others, gap) {
  const x = node.pos[0] + node.size[0] + gap;
  let y = node.pos[1];
  const inTheWay = () =>
    [...others].filter(({ pos, size: [width, height] }) => x < pos[0] + width && pos[0] < x + size[0] && y - TITLE < pos[1] + height && pos[1] - TITLE < y + size[1]);
  for (let found = inTheWay(); found.length; found = inTheWay()) {
    y = Math.max(...found.map(({ pos, size: [, height] }) => pos[1] + height)) + TITLE + gap;
  }
  return [x, y];
}
