// @ts-check
/** The next steps that an error or a state offers as buttons. */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { ANY_MODEL } from "./own_nodes.js";
import { remember } from "./own_widgets.js";
import { setSandbox } from "./sandbox.js";
import { asksTheSame } from "./status_store.js";

const HELP = "https://github.com/remote-video/remote-video/blob/main/docs/settings.md#how-an-image-reaches-runcomfy";
const MOST_SEED = 2 ** 31 - 1;
const BESIDE = 60;
const LIST_OF_A_BATCH = "RebatchImages";

/** The outermost graph. */
export const rootGraph = () => app.rootGraph ?? app.graph;

/**
 * A node by its id in a prompt, "12:5" for one inside a subgraph.
 *
 * @param {string} executionId
 * @returns {any} undefined where there is none
 */
export function nodeOf(executionId) {
  const ids = executionId.split(":");
  let graph = rootGraph();
  for (const id of ids.slice(0, -1)) graph = graph?.getNodeById(id)?.subgraph;
  return graph?.getNodeById(ids.at(-1)) ?? undefined;
}

/**
 * The id of a node as a prompt names it, "12:5" for one inside a subgraph.
 *
 * @param {any} node
 * @returns {string} empty where it is in no graph
 */
export function idOf(node) {
  /** @type {(graph: any, before: string) => string} */
  const look = (graph, before) => {
    for (const one of graph?.nodes ?? []) {
      if (one === node) return `${before}${one.id}`;
      const inside = one.subgraph && look(one.subgraph, `${before}${one.id}:`);
      if (inside) return inside;
    }
    return "";
  };
  return look(rootGraph(), "");
}

/** Make clips in the sandbox from now on. */
export const useSandbox = () => setSandbox(true);

/** Run the graph as it is now. */
export const runAgain = () => app.queuePrompt(0);

/**
 * Run once more what asked for a clip, so that it is handed on and never paid for again: as the graph is now, where its
 * node still asks for the same clip; else as it was asked.
 *
 * @param {string} promptId
 * @param {string} nodeId
 * @returns {Promise<boolean>} false when ComfyUI doesn't know that prompt any more
 */
export async function handOn(promptId, nodeId) {
  const answer = await api.fetchApi(`/history/${encodeURIComponent(promptId)}`);
  const [, , output, more] = (await answer.json())[promptId]?.prompt ?? [];
  if (!output) return false;
  const now = await app.graphToPrompt();
  const asked = { output, workflow: more?.extra_pnginfo?.workflow };
  await api.queuePrompt(0, asksTheSame(output, now.output, nodeId) ? now : asked);
  return true;
}

/** @param {string} [url] */
export const openHelp = (url = HELP) => void open(url, "_blank", "noopener,noreferrer");

/**
 * Set the model that is offered in the place of one that is gone; a node of one model gets a node for it at its side.
 *
 * @param {any} nodeOrId or its id in a prompt
 * @param {string} model
 */
export function takeSuccessor(nodeOrId, model) {
  const node = typeof nodeOrId === "string" ? nodeOf(nodeOrId) : nodeOrId;
  if (!node) return;
  if (node.comfyClass === ANY_MODEL) return set(node, "model", model);
  const other = /** @type {any} */ (window).LiteGraph.createNode(ANY_MODEL);
  other.pos = [node.pos[0] + node.size[0] + BESIDE, node.pos[1]];
  node.graph.add(other);
  set(other, "model", model);
  for (const { name, value } of node.widgets) if (name === "prompt" || name === "seed") set(other, name, value);
  const takesImage = (/** @type {any} */ input) => String(input.type).includes("IMAGE");
  const from = node.inputs.findIndex((/** @type {any} */ input, /** @type {number} */ slot) => takesImage(input) && node.isInputConnected(slot));
  const to = other.inputs.findIndex(takesImage);
  if (from >= 0 && to >= 0) node.getInputNode(from)?.connect(node.getInputLink(from).origin_slot, other, to);
}

/**
 * Put ComfyUI's own node that makes a list of a batch onto the wire that brings one.
 *
 * @param {any} node
 * @param {string} what the error's words: they name the input
 */
export function makeList(node, what) {
  const images = node.inputs.filter((/** @type {any} */ { type }, /** @type {number} */ slot) => String(type).includes("IMAGE") && node.isInputConnected(slot));
  const input = images.find((/** @type {any} */ { name }) => what.includes(` ${name.split(".").at(-1)} holds `)) ?? images[0];
  const slot = node.inputs.indexOf(input);
  const [source, wire] = slot < 0 ? [] : [node.getInputNode(slot), node.getInputLink(slot)];
  if (!source) return;
  const list = /** @type {any} */ (window).LiteGraph.createNode(LIST_OF_A_BATCH);
  list.pos = [node.pos[0] - list.size[0] - BESIDE, node.pos[1] + node.size[1] + BESIDE];
  node.graph.add(list);
  set(list, "batch_size", 1);
  source.connect(wire.origin_slot, list, 0);
  list.connect(0, node, slot);
  remember();
}

/** @param {any} node or its id in a prompt */
export const anotherSeed = (node) => set(node, "seed", Math.floor(Math.random() * MOST_SEED));

/** Write into a widget as a user does. @param {any} nodeOrId @param {string} name @param {any} value */
function set(nodeOrId, name, value) {
  const node = typeof nodeOrId === "string" ? nodeOf(nodeOrId) : nodeOrId;
  const widget = node?.widgets?.find((/** @type {any} */ one) => one.name === name);
  if (!widget) return;
  widget.value = value;
  widget.callback?.(value, app.canvas, node);
  node.setDirtyCanvas(true, true);
}
