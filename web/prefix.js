// @ts-check
/**
 * What ComfyUI's own Save nodes take in their `filename_prefix`, filled in as its frontend does for them, and for them
 * alone (its extension Comfy.SaveImageExtraOutput): %date:yyyy-MM-dd% and %Node.widget%. Anything else stays as it is, for
 * the server. No page here.
 */

const PLACE = /%([^%]+)%/g;
const TIME = /dd?|MM?|hh?|mm?|ss?|yyy?y?/g;
const NOT_IN_NAMES = /[/?<>\\:*|"\x00-\x1F\x7F]/g;
const NODE_NAME = "Node name for S&R";

/**
 * @param {string} prefix
 * @param {any[]} nodes all nodes of the workflow
 * @param {Date} now
 * @returns {string}
 */
export function filled(prefix, nodes, now) {
  return prefix.replace(PLACE, (whole, /** @type {string} */ inner) => {
    const [first, second, ...more] = inner.split(".");
    if (second === undefined || more.length) return first.startsWith("date:") ? timed(first.slice("date:".length), now) : whole;
    const node = nodes.find(({ properties }) => properties?.[NODE_NAME] === first) ?? nodes.find(({ title }) => title === first);
    const widget = node?.widgets?.find((/** @type {any} */ one) => one.name === second);
    return widget ? String(widget.value ?? "").replaceAll(NOT_IN_NAMES, "_") : whole;
  });
}

/** @param {string} form @param {Date} now */
function timed(form, now) {
  /** @type {Record<string, number>} */
  const parts = { d: now.getDate(), M: now.getMonth() + 1, h: now.getHours(), m: now.getMinutes(), s: now.getSeconds() };
  return form.replace(TIME, (word) => {
    if (word === "yyyy") return String(now.getFullYear());
    if (word === "yy") return String(now.getFullYear()).slice(2);
    return word[0] in parts ? String(parts[word[0]]).padStart(word.length, "0") : word;
  });
}

/** The nodes of a graph, those of its subgraphs too. @param {any} graph @returns {any[]} */
export const allNodes = (graph) =>
  (graph?.nodes ?? []).flatMap((/** @type {any} */ node) => [node, ...(node.subgraph ? allNodes(node.subgraph) : [])]);
