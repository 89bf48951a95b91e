// @ts-check
/** A clip that nobody waited for is here: said once, and heard where the user wants it. */

import { app } from "../../scripts/app.js";
import { nodeOf, rootGraph } from "./actions.js";
import { t } from "./text.js";

/** @typedef {import("./status_line.js").NodeStatus} NodeStatus */

export const SOUND_WHEN_HERE = "RemoteVideo.SoundWhenHere";
const SHOWN_MS = 10_000;
const TONE_S = 0.4;
/** Keys of jobs that were told of. @type {Set<string>} */
const told = new Set();

/** @param {NodeStatus} status */
export function tellLanded(status) {
  const { phase, key } = status;
  const isUnseen = phase === "made" && document.hidden;
  if ((phase !== "here" && !isUnseen) || told.has(key)) return;
  told.add(key);
  if (phase === "here") app.extensionManager.toast.add({ severity: "success", summary: "Remote Video", detail: where(status), life: SHOWN_MS });
  if (app.extensionManager.setting.get(SOUND_WHEN_HERE)) sound();
}

/** @param {NodeStatus} status */
function where({ file, node_id, workflow_id }) {
  const node = workflow_id === rootGraph()?.id ? nodeOf(node_id) : null;
  const clip = file ?? t("The clip");
  if (!node) return t("{clip} is here. It belongs to another workflow and is in the jobs panel.", { clip });
  return t("{clip} is here. Run again to use it at the node {node}.", { clip, node: `${node.title} #${node_id}` });
}

/** Two soft tones, the second one higher. */
function sound() {
  const context = new AudioContext();
  const [tone, volume, now] = [context.createOscillator(), context.createGain(), context.currentTime];
  tone.frequency.setValueAtTime(660, now);
  tone.frequency.setValueAtTime(880, now + TONE_S / 3);
  volume.gain.setValueAtTime(0.08, now);
  volume.gain.exponentialRampToValueAtTime(0.001, now + TONE_S);
  tone.connect(volume).connect(context.destination);
  tone.onended = () => context.close();
  tone.start(now);
  tone.stop(now + TONE_S);
}
