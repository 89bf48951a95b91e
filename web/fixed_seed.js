// @ts-check
/**
 * The seed of this pack's nodes starts fixed. Frontends of the oldest ComfyUI this pack supports read the schema's
 * "fixed" as a name and start every seed at "randomize"; a random seed is another clip to pay for at every Run.
 */

import { app } from "../../scripts/app.js";

const NODES = new Set(["Veo3I2V", "RunwayGen3Turbo", "Kling3I2V", "Dreamina3Pro", "CometVeo"]);

app.registerExtension({
  name: "RemoteVideo.FixedSeed",
  /** Runs before a saved workflow's own values are put in. */
  nodeCreated(/** @type {any} */ node) {
    if (!NODES.has(node.comfyClass)) return;
    const seed = node.widgets?.find((/** @type {any} */ widget) => widget.name === "seed");
    const control = seed?.linkedWidgets?.[0];
    if (control) control.value = "fixed";
  },
});
