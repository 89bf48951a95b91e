// @ts-check
/** What a clip was made from, back on the canvas: its node with all that fed it, or its seed and words alone. */

import { app } from "../../scripts/app.js";
import { nodeOf, rootGraph } from "./actions.js";
import { GAP, addAsItIs, continueShot, lookAt } from "./continue_shot.js";
import { placeBeside } from "./next_shot.js";
import { remember, setWidget } from "./own_widgets.js";
import { isSeedOrWords, withSources } from "./saved_graph.js";
import { getOrigin } from "./server.js";
import { t } from "./text.js";

/** @typedef {import("./server.js").Job} Job */
/** @typedef {import("./server.js").Origin} Origin */

/** By node, the key of the job whose inputs it came with. @type {WeakMap<any, string>} */
const loadedFor = new WeakMap();

/**
 * Put the node of a job on the canvas as it was when it was asked, with all that fed it.
 *
 * @param {Job} job
 * @returns {Promise<any>} the node
 * @throws {Error} a sentence: it is not known what it was made from
 */
export async function loadInputs(job) {
  const node = put(await getOrigin(job.key));
  remember();
  lookAt(node);
  return node;
}

/** The next shot after a job's, beside its node; that is put on the canvas where it isn't there as it was. @param {Job} job */
export async function continueJob(job) {
  const origin = await getOrigin(job.key);
  continueShot(thereAs(origin) ?? put(origin));
}

/**
 * The node of a job, where it still asks for that clip.
 *
 * @param {Origin} origin
 * @returns {any} undefined where there is none
 */
function thereAs({ workflow, node_id, job }) {
  const saved = withSources(workflow, node_id ?? "")?.node;
  if (!saved || !job) return undefined;
  const as = valuesOf(saved, job);
  const isIt = (/** @type {any} */ node) =>
    node?.type === saved.type && node.widgets.every((/** @type {any} */ { name, value }) => !isSeedOrWords(name) || as?.get(name) === value);
  const loaded = app.canvas.graph.nodes.filter((/** @type {any} */ node) => loadedFor.get(node) === job.key);
  return [...loaded, ...(workflow.id === rootGraph().id ? [nodeOf(node_id ?? "")] : [])].find(isIt);
}

/** @param {Origin} origin */
function put({ workflow, node_id, job }) {
  const found = withSources(workflow, node_id ?? "");
  if (!found) throw new Error(t("What this clip was made from is not kept: its workflow was not saved with it."));
  const { node: saved, sources, wires } = found;
  const { graph, visible_area } = app.canvas;
  const all = [saved, ...sources];
  const [left, top] = [0, 1].map((axis) => Math.min(...all.map(({ pos }) => pos[axis])));
  const size = [0, 1].map((axis) => Math.max(...all.map(({ pos, size }) => pos[axis] + size[axis])) - [left, top][axis]);
  const middle = { pos: [0, 1].map((axis) => visible_area[axis] + (visible_area[axis + 2] - size[axis]) / 2), size: [-GAP, 0] };
  const [x, y] = placeBeside(middle, size, graph.nodes, GAP);
  /** @type {Map<any, any>} */
  const made = new Map();
  for (const one of all) {
    const node = copyOf(one);
    if (!node) continue;
    node.pos = [one.pos[0] - left + x, one.pos[1] - top + y];
    addAsItIs(graph, node);
    made.set(one.id, node);
  }
  for (const { from, output, to, input } of wires) made.get(from)?.connect(output, made.get(to), input);
  const node = made.get(saved.id);
  if (node && job) loadedFor.set(node, job.key);
  if (!node) throw new Error(t("There is no node of the type {type} here.", { type: saved.type }));
  return node;
}

/**
 * A node as it was saved, wired to nothing yet and in no graph.
 *
 * @param {import("./saved_graph.js").SavedNode} saved
 * @returns {any} null where there is no such type of node
 */
function copyOf(saved) {
  const info = structuredClone(saved);
  info.id = -1;
  for (const input of info.inputs ?? []) input.link = null;
  for (const output of info.outputs ?? []) output.links = null;
  const node = /** @type {any} */ (window).LiteGraph.createNode(saved.type);
  node?.configure(info);
  return node;
}

/** What its widgets hold, with the seed that was asked for. @param {import("./saved_graph.js").SavedNode} saved @param {Job} job */
function valuesOf(saved, job) {
  const node = copyOf(saved);
  if (!node) return null;
  /** @type {Map<string, any>} */
  const values = new Map((node.widgets ?? []).map((/** @type {any} */ { name, value }) => [name, value]));
  node.onRemoved?.();
  return values.set("seed", job.seed);
}

/**
 * Set the seed and the words of a take on a node. Nothing is submitted.
 *
 * @param {any} node
 * @param {Job} job
 * @returns {Promise<boolean>} false where only its seed is known
 */
export async function takeSeedAndWords(node, job) {
  const { workflow, node_id } = await getOrigin(job.key);
  const saved = withSources(workflow, node_id ?? "")?.node;
  const as = saved && valuesOf(saved, job);
  const values = as ?? new Map([["seed", job.seed]]);
  for (const widget of node.widgets.filter((/** @type {any} */ { name }) => isSeedOrWords(name) && values.has(name))) {
    if (widget.value !== values.get(widget.name)) setWidget(node, widget, values.get(widget.name));
  }
  remember();
  return !!as;
}
