// @ts-check
/** Badges on the clip nodes: the model's name, what a clip costs, and whether the model is still offered. */

import { getOffered } from "./server.js";
import { t } from "./text.js";

/** @typedef {import("./server.js").Offered} Offered */

/** The nodes whose clips cost money. */
export const CLIP_NODES = new Set(["Veo3I2V", "RunwayGen3Turbo", "Kling3I2V", "Dreamina3Pro", "CometVeo", "RunComfyVideo"]);

const GOOD = { fgColor: "#e8f5e9", bgColor: "#2e5a3c" };
const BAD = { fgColor: "#fff3e0", bgColor: "#8a4b08" };
/** The sandbox's own colours, as its stripe and its switch have them. */
const SANDBOX = { fgColor: "#221a00", bgColor: "#f2b705" };
const QUIET = { fgColor: "#e0e0e0", bgColor: "#3a3f4b" };

/** @type {Awaited<ReturnType<typeof getOffered>>} */
let offered = { models: {}, nodes: {}, sandbox: true };
let asked = false;

/** Ask what is offered; badges that are there show it from then on. */
export async function askWhatIsOffered() {
  offered = await getOffered();
  asked = true;
}

/** What is known of the model that a node asks, and the length its clip is set to. @param {any} node */
function askedOf(node) {
  const value = (/** @type {string} */ name) => node.widgets?.find((/** @type {any} */ one) => one.name === name)?.value;
  const isAny = node.comfyClass === "RunComfyVideo";
  const about = isAny ? offered.models[value("model")] : offered.nodes[node.comfyClass];
  return { isAny, about, length: about?.length ? value(isAny ? `model.${about.length}` : about.length) : undefined };
}

/** LiteGraph's modes of nodes that don't run: muted, bypassed. */
const NOT_RUN = new Set([2, 4]);

/**
 * What the clips of a graph cost, in a sentence; empty without such nodes, or in the sandbox.
 *
 * @param {any} graph
 */
export function priceOfGraph(graph) {
  const nodes = clipsIn(graph);
  if (!nodes.length || offered.sandbox) return "";
  const prices = nodes.map((node) => askedOf(node)).map(({ about, length }) => ({ about, usd: about ? cost(about, length) : null }));
  const known = prices.filter(({ usd }) => usd !== null);
  const unknown = nodes.length - known.length;
  const clips = `${nodes.length} clip${nodes.length > 1 ? "s" : ""}`;
  if (!known.length) return `This graph: ${clips}, of a price that isn't known.`;
  const isFrom = known.some(({ about }) => about?.is_from);
  const sum = dollars(known.reduce((all, { usd }) => all + Number(usd), 0));
  const rest = unknown ? `, and ${unknown} of a price that isn't known` : "";
  return `This graph: ${isFrom ? "from" : "about"} ${sum} for ${clips}${rest}, less what was made before.`;
}

/** @param {any} graph @returns {any[]} those that run, in subgraphs too */
function clipsIn(graph) {
  return (graph?.nodes ?? [])
    .filter((/** @type {any} */ node) => !NOT_RUN.has(node.mode))
    .flatMap((/** @type {any} */ node) =>
      node.subgraph ? clipsIn(node.subgraph) : CLIP_NODES.has(node.comfyClass) ? [node] : [],
    );
}

/**
 * The badges of a node, as they are now.
 *
 * @param {any} node
 * @returns {{text: string, fgColor: string, bgColor: string}[]}
 */
export function badgesOf(node) {
  const { isAny, about, length } = askedOf(node);
  const where = asked && offered.sandbox ? [{ text: t("sandbox"), ...SANDBOX }] : [];
  if (!about) return isAny && asked ? [...where, { text: "no longer offered", ...BAD }] : where;
  const price = offered.sandbox ? null : cost(about, length);
  return [
    ...where,
    ...(about.name ? [{ text: about.name, ...QUIET }] : []),
    ...(about.retired ? [{ text: "retired", ...BAD }] : []),
    ...(price === null ? [] : [{ text: `${about.is_from ? "from " : ""}${dollars(price)}`, ...GOOD }]),
  ];
}

/**
 * What one clip costs, USD; null when that can't be said.
 *
 * @param {Offered} about
 * @param {unknown} length of the clip, s, as its input has it
 */
function cost({ price_usd, price_unit }, length) {
  if (price_usd === null) return null;
  if (price_unit === "output") return price_usd;
  const seconds = /^\s*(\d+(?:\.\d+)?)\s*s?\s*$/.exec(String(length))?.[1];
  return price_unit === "second" && Number(seconds) > 0 ? price_usd * Number(seconds) : null;
}

/** @param {number} usd */
function dollars(usd) {
  return `$${usd.toFixed(4).replace(/(\.\d\d\d?)0+$/, "$1").replace(/(\.\d\d)0$/, "$1")}`;
}

/** Most badges a node can have. */
const MOST = 3;

/**
 * Show the badges of a node, and keep them as they should be.
 *
 * @param {any} node
 */
export function showBadges(node) {
  const { LGraphBadge } = /** @type {any} */ (window);
  if (!LGraphBadge) return;
  for (let place = 0; place < MOST; place++) {
    node.badges.push(() => new LGraphBadge(badgesOf(node)[place] ?? { text: "" }));
  }
  shown.set(node, "");
}

/** By node, the badges that Nodes 2.0 shows. @type {WeakMap<any, string>} */
const shown = new WeakMap();

/**
 * The canvas draws badges anew with each picture; Nodes 2.0 does when a property of the node is said to have changed.
 * Nothing tells of every way a widget gets its value, so this is to be called again and again.
 *
 * @param {any} graph the one that is looked at
 */
export function renewBadges(graph) {
  for (const node of graph?.nodes ?? []) {
    if (!shown.has(node)) continue;
    const now = JSON.stringify(badgesOf(node));
    if (now === shown.get(node)) continue;
    shown.set(node, now);
    const { id: nodeId, title } = node;
    graph.trigger?.("node:property:changed", { type: "node:property:changed", nodeId, property: "title", oldValue: title, newValue: title });
    node.setDirtyCanvas(true, true);
  }
}
