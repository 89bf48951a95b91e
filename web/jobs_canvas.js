// @ts-check
/** Between the jobs panel and the graph: a clip put into it, the node of a job shown. */

import { app } from "../../scripts/app.js";
import { DRAGGED } from "./job_row.js";
import { CLIP_NODES } from "./own_nodes.js";

/** @typedef {import("./server.js").ShownAt} ShownAt */

const LOADER = "LoadVideo";
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
