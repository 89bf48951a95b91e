// @ts-check
/** Text boxes keep their height when something comes onto their node: the node grows, until somebody resizes it. */

import { app } from "../../scripts/app.js";
import { isNodes2 } from "./nodes2.js";

export class HeldBoxes {
  /** @param {any} node */
  constructor(node) {
    this.node = node;
    /** What the node is to be saved with while its boxes are held. @type {number | null} */
    this.height = null;
    /** @type {[HTMLElement, string][]} the boxes, each with what the properties that hold it begin with */
    this.boxes = [];
    this.holding = new AbortController();
    const { onResize } = node;
    node.onResize = (/** @type {any[]} */ ...given) => {
      onResize?.apply(node, given);
      if (app.canvas?.resizing_node === node) this.release();
    };
  }

  /** @param {number} height of the node without what comes */
  hold(height) {
    if (this.height !== null) return;
    const found = isNodes2() ? this.onNodes2() : this.onCanvas();
    if (!found.length) return;
    this.height = height;
    for (const [box, of, is] of found) for (const end of ["min", "max"]) box.style.setProperty(`${of}${end}-height`, is);
    this.boxes = found.map(([box, of]) => [box, of]);
  }

  release() {
    this.height = null;
    for (const [box, of] of this.boxes) for (const end of ["min", "max"]) box.style.removeProperty(`${of}${end}-height`);
    this.boxes = [];
    this.holding.abort();
  }

  /** @returns {[HTMLElement, string, string][]} */
  onCanvas() {
    return (this.node.widgets ?? [])
      .filter((/** @type {any} */ { element, computedHeight }) => element instanceof HTMLTextAreaElement && computedHeight)
      .map((/** @type {any} */ { element, computedHeight }) => [element, "--comfy-widget-", `${computedHeight}`]);
  }

  /** @returns {[HTMLElement, string, string][]} */
  onNodes2() {
    const element = /** @type {HTMLElement | null} */ (document.querySelector(`[data-node-id="${CSS.escape(String(this.node.id))}"]`));
    if (!element) return [];
    this.holding = new AbortController();
    const taken = (/** @type {PointerEvent} */ { target }) => getComputedStyle(/** @type {Element} */ (target)).cursor.endsWith("-resize") && this.release();
    element.addEventListener("pointerdown", taken, { capture: true, signal: this.holding.signal });
    const boxes = [...element.querySelectorAll("textarea")].filter((box) => box.offsetHeight);
    return boxes.map((box) => [box, "", `${box.offsetHeight}px`]);
  }
}
