// @ts-check
/** A saved workflow, and what of it one clip was made from. No page and no ComfyUI here. */

/** @typedef {{id: any, type: string, pos: any, size: any, inputs?: any[], outputs?: any[]}} SavedNode */
/** @typedef {{from: any, output: number, to: any, input: number}} Wire between nodes by id, at their slots */

/**
 * A node of a saved workflow with all that feeds it, as far as that lies in the same graph.
 *
 * @param {any} workflow
 * @param {string} nodeId as a prompt names it: "3:12" is node 12 in the subgraph of node 3
 * @returns {{node: SavedNode, sources: SavedNode[], wires: Wire[]} | null} null where there is no such node
 */
export function withSources(workflow, nodeId) {
  const ids = nodeId.split(":");
  let graph = workflow;
  for (const id of ids.slice(0, -1)) {
    const type = nodeIn(graph, id)?.type;
    graph = workflow?.definitions?.subgraphs?.find((/** @type {any} */ one) => one.id === type);
  }
  const node = nodeIn(graph, /** @type {string} */ (ids.at(-1)));
  if (!node) return null;
  const all = (graph.links ?? []).map(wireOf);
  /** @type {Map<any, SavedNode>} */
  const found = new Map([[node.id, node]]);
  /** @type {Wire[]} */
  const wires = [];
  for (const { id } of found.values()) {
    for (const wire of all.filter((/** @type {Wire} */ { to }) => to === id)) {
      const source = nodeIn(graph, String(wire.from));
      if (!source) continue;
      found.set(source.id, source);
      wires.push(wire);
    }
  }
  return { node, sources: [...found.values()].slice(1), wires };
}

/** Whether it is as the page saves it, and not as a prompt has it. @param {any} workflow */
export const isGraph = (workflow) => Array.isArray(workflow?.nodes);

/** What a widget is for, by its name: the seed and the words, those of shots, too. @param {string} name */
export const isSeedOrWords = (name) => /^seed$|(^|_)prompt(_?\d+)?$/.test(/** @type {string} */ (name.split(".").at(-1)));

/** @param {any} graph @param {string} id @returns {SavedNode | undefined} */
const nodeIn = (graph, id) => graph?.nodes?.find((/** @type {any} */ node) => String(node.id) === id);

/** A graph keeps its links as lists, a subgraph's definition as objects. @param {any} link @returns {Wire} */
const wireOf = (link) =>
  Array.isArray(link)
    ? { from: link[1], output: link[2], to: link[3], input: link[4] }
    : { from: link.origin_id, output: link.origin_slot, to: link.target_id, input: link.target_slot };
