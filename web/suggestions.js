// @ts-check
/** A wire that is drawn from a picture to an empty place offers the clip nodes, below what ComfyUI offers there. */

const BEGIN_WITH_A_PICTURE = ["Veo3I2V", "Kling3I2V", "RunwayGen3Turbo", "Dreamina3Pro", "CometVeo"];

/** ComfyUI makes its list anew when the setting of how long it is changes. */
export function offerOnWires() {
  const { slot_types_default_out: offered, registered_node_types: known } = /** @type {any} */ (window).LiteGraph;
  const ours = BEGIN_WITH_A_PICTURE.filter((type) => type in known && !offered.IMAGE?.includes(type));
  if (ours.length) offered.IMAGE = [...(offered.IMAGE ?? []), ...ours];
}
