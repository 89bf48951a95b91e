// @ts-check
/** Signs of clips that are made where they aren't seen: on nodes that are folded up, and on subgraphs' own nodes. */

import { nodeOf } from "./actions.js";
import { addBadge, renewBadge } from "./badges.js";
import { isNodes2 } from "./nodes2.js";
import { signOf } from "./status_line.js";

/** @typedef {import("./status_line.js").NodeStatus} NodeStatus */

const SIGN = "data-remote-video-sign";
/** Letters. */
const MOST = 40;

/** By a node that shows no clip itself, what its badge says of them. @type {Map<any, string>} */
const outside = new Map();

/**
 * A subgraph's own node, and one that is folded up, say in a word how the clips inside are coming along.
 *
 * @param {NodeStatus[]} statuses of the open workflow
 */
export function showOutside(statuses) {
  /** @type {Map<any, NodeStatus[]>} */
  const inside = new Map([...outside.keys()].map((node) => [node, []]));
  for (const status of statuses) {
    const ids = status.node_id.split(":");
    for (let depth = 1; depth <= ids.length; depth++) {
      const node = nodeOf(ids.slice(0, depth).join(":"));
      if (node && (depth < ids.length || node.flags?.collapsed)) inside.set(node, [...(inside.get(node) ?? []), status]);
    }
  }
  for (const [node, its] of inside) if (outside.get(node) !== signOf(its)) sayOutside(node, signOf(its));
  signFolded();
}

/** Nodes 2.0 shows no such badge on a node that is folded up, nor on a subgraph's. */
function signFolded() {
  const signs = new Map([...outside].filter(([node, text]) => text && isNodes2() && (node.subgraph || node.flags?.collapsed)).map(([node, text]) => [String(node.id), text]));
  for (const element of document.querySelectorAll(".lg-node[data-node-id]")) {
    const text = signs.get(element.getAttribute("data-node-id") ?? "") ?? null;
    if (element.getAttribute(SIGN) === text) continue;
    if (text) element.setAttribute(SIGN, shortened(text));
    else element.removeAttribute(SIGN);
  }
}

/** @param {any} node @param {string} text */
function sayOutside(node, text) {
  if (!outside.has(node)) addBadge(node, () => ({ text: shortened(outside.get(node) ?? ""), fgColor: "#e0e0e0", bgColor: "#3a3f4b" }));
  outside.set(node, text);
  renewBadge(node);
}

/** @param {string} text */
const shortened = (text) => (text.length > MOST ? `${text.slice(0, MOST)}\u2026` : text);
