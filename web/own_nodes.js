// @ts-check
/** Which nodes are this pack's, and of which kind: what the server says of each when ComfyUI learns of it. */

import { app } from "../../scripts/app.js";

const CATEGORY = "Remote Video";
/** The last of the outputs that every node has whose clips cost money. */
const PAID = "request_id";
const CHOICE_WITH_INPUTS = "COMFY_DYNAMICCOMBO_V3";

/** All of them. @type {Set<string>} */
export const OWN_NODES = new Set();
/** Those whose clips cost money. @type {Set<string>} */
export const CLIP_NODES = new Set();
/** Those that show a player. @type {Set<string>} */
export const VIDEO_NODES = new Set();
/** The clip nodes that take a picture. @type {Set<string>} */
export const PICTURE_NODES = new Set();
/** It makes films of clips, here and for nothing: it has no account, no price and no model. */
export const JOIN = "JoinClips";
/** The node of every model that has none of its own. */
export const ANY_MODEL = "RunComfyVideo";
/** By class, the inputs that are a choice with inputs of its own below it. @type {Map<string, string[]>} */
const choices = new Map();

/** @param {any} node @returns {string[]} */
export const choicesOf = (node) => choices.get(node.comfyClass) ?? [];

/** @param {{name: string, category: string, input: Record<string, Record<string, any[]>>, output?: string[], output_name?: string[]}} said */
function learn({ name, category, input, output = [], output_name = [] }) {
  if (category !== CATEGORY) return;
  const inputs = Object.entries({ ...input.required, ...input.optional });
  OWN_NODES.add(name);
  if (output.includes("VIDEO")) VIDEO_NODES.add(name);
  if (output_name.includes(PAID)) CLIP_NODES.add(name);
  if (CLIP_NODES.has(name) && inputs.some(([, [type]]) => type === "IMAGE")) PICTURE_NODES.add(name);
  choices.set(name, inputs.filter(([, [type]]) => type === CHOICE_WITH_INPUTS).map(([own]) => own));
}

app.registerExtension({
  name: "RemoteVideo.OwnNodes",
  beforeRegisterNodeDef(/** @type {any} */ _type, /** @type {any} */ said) {
    learn(said);
  },
});
