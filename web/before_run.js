// @ts-check
/** What stands on a node before its Run: what the Run will do, and what of the picture will be lost. */

import { make } from "./elements.js";
import { sentence } from "./said.js";

/** @typedef {import("./server.js").BeforeRun} BeforeRun */

/** Part of a side whose loss is drawn. */
const SEEN = 0.005;

/**
 * Whether there is something to say beside the clips that were run: only where another Run would ask for another clip.
 *
 * @param {BeforeRun | undefined} told
 * @param {import("./status_line.js").NodeStatus[]} statuses
 */
export const isWorthSaying = (told, statuses) =>
  !!told?.line && statuses.every(({ is_over }) => is_over) && (!statuses.length || (told.is_known && !told.made_before));

/**
 * The first picture of which something is lost, and what is left of it.
 *
 * @param {BeforeRun} told
 * @returns {{input: string, kept: number[]} | null}
 */
export function cutOf({ kept }) {
  const isCut = (/** @type {number[]} */ [left, top, right, bottom]) => Math.max(left, top, 1 - right, 1 - bottom) > SEEN;
  const found = Object.entries(kept).find(([, box]) => isCut(box));
  return found ? { input: found[0], kept: found[1] } : null;
}

/**
 * @param {BeforeRun} told
 * @param {(input: string) => string} stillOf the address of the picture that an input has; "" where it isn't known
 */
export function beforeItem(told, stillOf) {
  const cut = cutOf(told);
  const still = cut && stillOf(cut.input);
  const words = sentence(told.line).split(" | ").join("\u00a0\u00b7 ");
  return make(
    "section",
    { className: "item", "data-tone": "quiet", "data-phase": "before" },
    cut && still && cutPicture(still, cut.kept),
    make("div", { className: "body" }, make("p", { className: "quiet", dir: "auto" }, words)),
  );
}

/** A small picture whose lost parts are dim. @param {string} still @param {number[]} kept */
function cutPicture(still, [left, top, right, bottom]) {
  const part = (/** @type {number} */ share) => `${(100 * share).toFixed(2)}%`;
  const frame = make("span", { className: "kept" });
  Object.assign(frame.style, { left: part(left), top: part(top), width: part(right - left), height: part(bottom - top) });
  const picture = make("span", { className: "cut", "aria-hidden": "true" }, make("img", { src: still, alt: "", draggable: false, onerror: () => picture.remove() }), frame);
  return picture;
}
