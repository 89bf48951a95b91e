// @ts-check
/** What a Run of the open graph will do and cost: asked once for all who show it. */

import { app } from "../../scripts/app.js";
import { Latest } from "./jobs_model.js";
import { CLIP_NODES } from "./own_nodes.js";
import { getRunPrice, listenTo } from "./server.js";

/** @typedef {import("./server.js").RunPrice} RunPrice */

/** How long the graph has to be left alone before it is asked about, ms. */
const AFTER_MS = 500;
/** Core's nodes that record or upload while a graph is made into a prompt: with one of them nothing is asked. */
const RECORDERS = new Set(["WebcamCapture", "RecordAudio", "Load3D", "Load3DAnimation", "Load3DAdvanced"]);

/** Asks when the graph changed, once it is left alone, one question at a time. */
class RunPriceWatch {
  constructor() {
    /** @type {((price: RunPrice | null) => void)[]} */
    this.shows = [];
    this.timer = 0;
    this.asked = "";
    /** @type {Latest<object, RunPrice>} */
    this.questions = new Latest(getRunPrice, (price) => this.tell(price), () => this.tell(null));
  }

  /** @param {(price: RunPrice | null) => void} show null: there is nothing to say */
  watch(show) {
    if (!this.shows.length) for (const event of ["graphChanged", "promptQueued"]) listenTo(event, () => this.soon());
    this.shows.push(show);
  }

  /** @param {RunPrice | null} price */
  tell(price) {
    for (const show of this.shows) show(price);
  }

  /** Something else than the graph has changed: what is in the ledger, or whether the sandbox is on. */
  again() {
    this.asked = "";
    this.soon();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), AFTER_MS);
  }

  async look() {
    const graph = app.rootGraph ?? app.graph;
    const isAsked = has(graph, CLIP_NODES) && !has(graph, RECORDERS);
    const prompt = isAsked ? clipsOf((await app.graphToPrompt().catch(() => null))?.output ?? {}) : {};
    const text = JSON.stringify(prompt);
    if (text === this.asked) return;
    this.asked = text;
    if (text === "{}") this.tell(null);
    else this.questions.want(prompt);
  }
}

export const runPrice = new RunPriceWatch();

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

/** Whether a graph, or one inside it, has a node of these kinds. @param {any} graph @param {Set<string>} kinds @returns {boolean} */
const has = (graph, kinds) => (graph?.nodes ?? []).some((/** @type {any} */ node) => kinds.has(node.comfyClass) || (node.subgraph && has(node.subgraph, kinds)));
