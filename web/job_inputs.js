// @ts-check
/** What a clip was made from, back on the canvas: its node with all that fed it, or its seed and words alone. */

import { app } from "../../scripts/app.js";
import { continueShot, lookAt } from "./continue_shot.js";
import { remember, setWidget } from "./own_widgets.js";
import { isSeedOrWords, withSources } from "./saved_graph.js";
import { getOrigin } from "./server.js";
import { t } from "./text.js";

/** @typedef {import("./server.js").Job} Job */
/** @typedef {import("./server.js").Origin} Origin */

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

/** The same, and the next shot beside it. @param {Job} job */
export async function continueJob(job) {
  continueShot(put(await getOrigin(job.key)));
}

/** @param {Origin} origin */
function put({ workflow, node_id }) {
  const found = withSources(workflow, node_id ?? "");
  if (!found) throw new Error(t("What this clip was made from is not kept: its workflow was not saved with it."));
  const { node: saved, sources, wires } = found;
  const [x, y, width, height] = app.canvas.visible_area;
  const by = [x + (width - saved.size[0]) / 2 - saved.pos[0], y + (height - saved.size[1]) / 2 - saved.pos[1]];
  const { graph } = app.canvas;
  /** @type {Map<any, any>} */
  const made = new Map();
  for (const one of [saved, ...sources]) {
    const node = copyOf(one);
    if (!node) continue;
    node.pos = [one.pos[0] + by[0], one.pos[1] + by[1]];
    graph.add(node);
    made.set(one.id, node);
  }
  for (const { from, output, to, input } of wires) made.get(from)?.connect(output, made.get(to), input);
  const node = made.get(saved.id);
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
  const as = saved ? copyOf(saved) : null;
  const values = new Map((as?.widgets ?? []).map((/** @type {any} */ { name, value }) => [name, value]));
  values.set("seed", job.seed);
  for (const widget of node.widgets.filter((/** @type {any} */ { name }) => isSeedOrWords(name) && values.has(name))) {
    if (widget.value !== values.get(widget.name)) setWidget(node, widget, values.get(widget.name));
  }
  as?.onRemoved?.();
  remember();
  return !!as;
}
