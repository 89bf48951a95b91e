// @ts-check
/** A wire that is drawn from a picture to an empty place offers the clip nodes, below what ComfyUI offers there. */

import { PICTURE_NODES } from "./own_nodes.js";

/** ComfyUI makes its list anew when the setting of how long it is changes. */
export function offerOnWires() {
  const { slot_types_default_out: offered, registered_node_types: known } = /** @type {any} */ (window).LiteGraph;
  const ours = [...PICTURE_NODES].filter((type) => type in known && !offered.IMAGE?.includes(type));
  if (ours.length) offered.IMAGE = [...(offered.IMAGE ?? []), ...ours];
}
