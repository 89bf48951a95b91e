// @ts-check
/** Between the jobs panel and the graph: a clip put into it, the node of a job shown, what a Run of it will cost. */

import { app } from "../../scripts/app.js";
import { CLIP_NODES } from "./badges.js";
import { DRAGGED } from "./job_row.js";
import { Latest } from "./jobs_model.js";
import { getRunPrice, listenTo } from "./server.js";

/** @typedef {import("./server.js").ShownAt} ShownAt */

const LOADER = "LoadVideo";
/** How long the graph has to be left alone before its price is asked for, ms. */
const PRICE_AFTER_MS = 500;
/** Core's nodes that record or upload while a graph is made into a prompt: with one of them nothing is asked. */
const RECORDERS = new Set(["WebcamCapture", "RecordAudio", "Load3D", "Load3DAnimation", "Load3DAdvanced"]);

/**
 * Put a Load Video node on the canvas.
 *
 * @param {ShownAt} shownAt
 * @param {[number, number]} [place] on the canvas; without it in the middle of what is seen
 */
export function placeClip({ filename, subfolder, type }, place) {
  const { LiteGraph } = /** @type {any} */ (window);
  const node = LiteGraph.createNode(LOADER);
  const [x, y, width, height] = app.canvas.visible_area;
  node.pos = place ?? [x + (width - node.size[0]) / 2, y + (height - node.size[1]) / 2];
  app.canvas.graph.add(node);
  const file = node.widgets?.find((/** @type {any} */ widget) => widget.name === "file");
  const name = `${subfolder ? `${subfolder}/` : ""}${filename} [${type}]`;
  if (Array.isArray(file?.options?.values) && !file.options.values.includes(name)) file.options.values.push(name);
  if (file) {
    file.value = name;
    file.callback?.(name);
  }
  app.canvas.selectNode(node);
  app.canvas.setDirty(true, true);
}

/** Let clips that are dragged out of the panel be dropped on the canvas. */
export function takeDroppedClips() {
  const isOurs = (/** @type {DragEvent} */ event) =>
    event.dataTransfer?.types.includes(DRAGGED) && !(/** @type {Element} */ (event.target).closest?.(".remote-video-panel"));
  window.addEventListener("dragover", (event) => isOurs(event) && event.preventDefault(), true);
  window.addEventListener(
    "drop",
    (event) => {
      if (!isOurs(event)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      placeClip(JSON.parse(event.dataTransfer?.getData(DRAGGED) ?? ""), app.clientPosToCanvasPos([event.clientX, event.clientY]));
    },
    true,
  );
}

/**
 * Show the node of a job, in its subgraph too.
 *
 * @param {string} nodeId as a prompt names it: "3:12" is node 12 in the subgraph of node 3
 * @returns {boolean} whether the open graph has such a node that makes clips
 */
export function showNode(nodeId) {
  const path = nodeId.split(":");
  let graph = app.rootGraph ?? app.graph;
  let node = null;
  for (const [at, id] of path.entries()) {
    node = graph?.getNodeById(id) ?? graph?.getNodeById(Number(id));
    if (at < path.length - 1) graph = node?.subgraph;
  }
  if (!node || !CLIP_NODES.has(node.comfyClass)) return false;
  if (app.canvas.graph !== graph) app.canvas.setGraph(graph);
  app.canvas.deselectAll?.();
  app.canvas.selectNode(node);
  app.canvas.centerOnNode(node);
  return true;
}

/** Asks what a Run of the open graph costs: when the graph changed, once it is left alone, one question at a time. */
export class RunPriceWatch {
  /** @param {(price: import("./server.js").RunPrice | null) => void} show null: there is nothing to say */
  constructor(show) {
    this.show = show;
    this.isOn = false;
    this.timer = 0;
    this.asked = "";
    /** @type {Latest<object, import("./server.js").RunPrice>} */
    this.questions = new Latest(getRunPrice, show, () => show(null));
    for (const event of ["graphChanged", "promptQueued"]) listenTo(event, () => this.soon());
  }

  /** @param {boolean} isOn */
  turn(isOn) {
    this.isOn = isOn;
    clearTimeout(this.timer);
    if (isOn) this.again();
  }

  /** Something else than the graph has changed: what is in the ledger, or whether the sandbox is on. */
  again() {
    this.asked = "";
    this.soon();
  }

  soon() {
    if (!this.isOn) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), PRICE_AFTER_MS);
  }

  async look() {
    const prompt = hasRecorder(app.rootGraph ?? app.graph) ? {} : clipsOf((await app.graphToPrompt()).output);
    const text = JSON.stringify(prompt);
    if (!this.isOn || text === this.asked) return;
    this.asked = text;
    if (text === "{}") this.show(null);
    else this.questions.want(prompt);
  }
}

/** The clip nodes of a prompt, with what they are wired to. @param {Record<string, any>} prompt */
function clipsOf(prompt) {
  /** @type {Record<string, any>} */
  const kept = {};
  for (const [id, node] of Object.entries(prompt)) {
    if (!CLIP_NODES.has(node.class_type)) continue;
    kept[id] = node;
    for (const value of Object.values(node.inputs)) {
      if (Array.isArray(value) && prompt[value[0]]) kept[value[0]] = prompt[value[0]];
    }
  }
  return kept;
}

/** @param {any} graph @returns {boolean} */
const hasRecorder = (graph) =>
  (graph?.nodes ?? []).some((/** @type {any} */ node) => RECORDERS.has(node.comfyClass) || (node.subgraph && hasRecorder(node.subgraph)));
