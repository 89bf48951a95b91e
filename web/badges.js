// @ts-check
/** Badges on the clip nodes: the model's name, what a clip costs, and whether the model is still offered. */

import { ANY_MODEL } from "./own_nodes.js";
import { priceOf } from "./price.js";
import { getOffered } from "./server.js";
import { t } from "./text.js";

const GOOD = { fgColor: "#e8f5e9", bgColor: "#2e5a3c" };
const BAD = { fgColor: "#fff3e0", bgColor: "#8a4b08" };
/** The sandbox's own colours, as its stripe and its switch have them. */
const SANDBOX = { fgColor: "#221a00", bgColor: "#f2b705" };
const QUIET = { fgColor: "#e0e0e0", bgColor: "#3a3f4b" };

/** @type {import("./server.js").AllOffered} */
let offered = { models: {}, nodes: {}, shots: {}, providers: {}, sandbox: true };
let asked = false;

/** What was last heard of models. */
export const lastOffered = () => offered;

/** Ask what is offered; badges that are there show it from then on. */
export async function askWhatIsOffered() {
  offered = await getOffered();
  asked = true;
}

/** What is known of the model that a node asks, and what its clip costs as it is set. @param {any} node */
function askedOf(node) {
  const named = (/** @type {any[]} */ all, /** @type {string} */ name) => all?.find((one) => one.name === name);
  const value = (/** @type {string} */ name) => named(node.widgets, name)?.value;
  const isAny = node.comfyClass === ANY_MODEL;
  const about = isAny ? offered.models[value("model")] : offered.nodes[node.comfyClass];
  const below = isAny ? "model." : "";
  const isWired = (/** @type {string} */ name) =>
    node.inputs?.some(
      (/** @type {any} */ input, /** @type {number} */ slot) =>
        node.isInputConnected(slot) && [below + name, name].some((one) => input.name === one || input.name.startsWith(`${one}.`)),
    ) ?? false;
  const price = about && !offered.sandbox ? priceOf(about, (name) => value(below + name) ?? value(name), isWired) : null;
  return { isAny, about, price };
}

/**
 * The badges of a node, as they are now.
 *
 * @param {any} node
 * @returns {{text: string, fgColor: string, bgColor: string}[]}
 */
export function badgesOf(node) {
  const { isAny, about, price } = askedOf(node);
  const where = asked && offered.sandbox ? [{ text: t("sandbox"), ...SANDBOX }] : [];
  if (!about) return isAny && asked ? [...where, { text: t("no longer offered"), ...BAD }] : where;
  return [
    ...where,
    ...(about.name ? [{ text: about.name, ...QUIET }] : []),
    ...(about.retired ? [{ text: t("retired"), ...BAD }] : []),
    ...(price === null ? [] : [{ text: price.isFrom ? t("from {cost}", { cost: dollars(price.usd) }) : dollars(price.usd), ...GOOD }]),
  ];
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
  for (let place = 0; place < MOST; place++) addBadge(node, () => badgesOf(node)[place] ?? { text: "" });
  shown.set(node, "");
}

/**
 * Put a badge on a node, which `renewBadge` has drawn anew.
 *
 * @param {any} node
 * @param {() => {text: string, fgColor?: string, bgColor?: string}} read what it says now
 */
export function addBadge(node, read) {
  const { LGraphBadge } = /** @type {any} */ (window);
  if (!LGraphBadge) return;
  node.badges.push(() => {
    // Nodes 2.0 of frontends from 1.48 draws a badge anew when what it has read changes: of 1.48 a widget, of 1.58 the node, too.
    void [node.title, node.widgets?.[0]?.label];
    return new LGraphBadge(read());
  });
}

/** By node, the badges that Nodes 2.0 shows. @type {WeakMap<any, string>} */
const shown = new WeakMap();

/**
 * The canvas draws badges anew with each picture; Nodes 2.0 does when a name on the node has changed.
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
    renewBadge(node);
  }
}

/** Have the badges of a node drawn anew. @param {any} node */
export function renewBadge(node) {
  const { id: nodeId, title, graph } = node;
  // Changed, and back before anybody sees it; frontend 1.37 wants to be told.
  node.title = `${title} `;
  node.title = title;
  const [widget] = node.widgets ?? [];
  if (widget) {
    const { label } = widget;
    widget.label = `${label} `;
    widget.label = label;
  }
  graph?.trigger?.("node:property:changed", { type: "node:property:changed", nodeId, property: "title", oldValue: title, newValue: title });
  node.setDirtyCanvas(true, true);
}
