// @ts-check
/** Which of ComfyUI's two ways of showing nodes is on. */

/** Nodes 2.0: nodes are elements of the page, and not drawn on the canvas. */
export const isNodes2 = () => /** @type {any} */ (window).LiteGraph?.vueNodesMode === true;
