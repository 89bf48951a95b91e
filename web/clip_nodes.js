// @ts-check
/** What the clip nodes need of the browsers' older frontends; newer ones find it as they want it. */

import { app } from "../../scripts/app.js";

const NODES = new Set(["Veo3I2V", "RunwayGen3Turbo", "Kling3I2V", "Dreamina3Pro", "CometVeo"]);

/**
 * Frontend 1.37 reads the schema's "fixed" as a name and starts every seed at "randomize"; a random seed is another
 * clip to pay for at every Run.
 */
function startSeedFixed(/** @type {any} */ node) {
  const seed = node.widgets?.find((/** @type {any} */ widget) => widget.name === "seed");
  const control = seed?.linkedWidgets?.[0];
  if (control) control.value = "fixed";
}

/** Nodes 2.0 of frontend 1.37 shows a player only on nodes that say so, or that have a VIDEO input. */
function showPlayer(/** @type {any} */ node) {
  node.previewMediaType = "video";
}

app.registerExtension({
  name: "RemoteVideo.ClipNodes",
  /** Runs before a saved workflow's own values are put in. */
  nodeCreated(/** @type {any} */ node) {
    if (!NODES.has(node.comfyClass)) return;
    startSeedFixed(node);
    showPlayer(node);
  },
});
