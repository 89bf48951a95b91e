// @ts-check
/** What the clip nodes need of the browser's frontends, each where it falls short; the others find it as they want it. */

import { app } from "../../scripts/app.js";
import { askWhatIsOffered, lastOffered, renewBadges, showBadges } from "./badges.js";
import { carryOver } from "./carry_over.js";
import { makeEditable, renewShots } from "./editing.js";
import { keepLabels } from "./labels.js";
import { SOUND_WHEN_HERE } from "./landing.js";
import { RUN_WHEN_HERE, showStatus, watchNodes } from "./node_status.js";
import { playClips } from "./playing.js";
import { ModelNode } from "./runcomfy_video.js";
import { isNodes2 } from "./nodes2.js";
import { ANY_MODEL, CLIP_NODES, JOIN, VIDEO_NODES, choicesOf } from "./own_nodes.js";
import { onOffered, onSandbox, renewModels } from "./server.js";
import { offerOnWires } from "./suggestions.js";

const LOOK_EVERY_MS = 400;

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

/**
 * On the canvas a node with growing inputs keeps the height it had, and the player hangs out below it: it comes with the
 * output, and has its height with the clip's first frame.
 */
function growAroundPlayers(/** @type {any} */ graph) {
  if (isNodes2()) return;
  for (const node of graph?.nodes ?? []) {
    if (!VIDEO_NODES.has(node.comfyClass) || node.flags?.collapsed) continue;
    const needed = node.computeSize()[1];
    if (node.size[1] >= needed) continue;
    node.setSize([node.size[0], needed]);
    node.setDirtyCanvas(true, true);
  }
}

let renewing = false;

/** "R" reads the models that are known here; the provider is asked what is new, and then they are read once more. */
async function renew(isNew = async () => (await renewModels()).changed) {
  if (renewing) return;
  renewing = true;
  try {
    if (await isNew()) await app.refreshComboInNodes();
  } catch (error) {
    console.warn("Remote Video: what is offered was not looked up anew.", error);
  } finally {
    renewing = false;
  }
}

app.registerExtension({
  name: "RemoteVideo.ClipNodes",
  settings: [
    {
      id: RUN_WHEN_HERE,
      name: "Run the graph again when its clips are here",
      category: ["Remote Video", "Nodes", "RunWhenHere"],
      tooltip: "For nodes whose `wait` is off: once for each clip, and nothing is submitted again.",
      type: "boolean",
      defaultValue: false,
    },
    {
      id: SOUND_WHEN_HERE,
      name: "A short sound when a clip is here",
      category: ["Remote Video", "Nodes", "SoundWhenHere"],
      tooltip: "For clips that no node waited for, and for clips made while you are in another tab.",
      type: "boolean",
      defaultValue: false,
    },
  ],
  setup() {
    watchNodes();
    askWhatIsOffered();
    onSandbox(askWhatIsOffered);
    onOffered(() => renew(async () => true));
    setInterval(() => {
      renewBadges(app.canvas?.graph);
      renewShots(app.canvas?.graph);
      growAroundPlayers(app.canvas?.graph);
      playClips(app.canvas?.graph);
      offerOnWires();
    }, LOOK_EVERY_MS);
  },
  refreshComboInNodes() {
    renew();
    return askWhatIsOffered();
  },
  /** Runs before a saved workflow's own values are put in. */
  nodeCreated(/** @type {any} */ node) {
    keepLabels(node);
    if (node.comfyClass === JOIN) {
      showPlayer(node);
      showStatus(node);
    }
    if (!CLIP_NODES.has(node.comfyClass)) return;
    startSeedFixed(node);
    showPlayer(node);
    showBadges(node);
    showStatus(node);
    if (node.comfyClass === ANY_MODEL) new ModelNode(node);
    else for (const choice of choicesOf(node)) carryOver(node, `${choice}.`);
    makeEditable(node, lastOffered);
  },
});
