// @ts-check
/** The next shot: a node of the same kind that begins with the last frame of another one's clip. */

import { app } from "../../scripts/app.js";
import { countedOn, placeBeside } from "./next_shot.js";
import { remember, setWidget } from "./own_widgets.js";

/** Between nodes, px. */
export const GAP = 60;

/** The input for the first picture, or -1. @param {any} node @returns {number} */
const pictureOf = (node) => node.inputs?.findIndex((/** @type {any} */ { type }) => String(type).includes("IMAGE")) ?? -1;

/** Whether its model can begin with a picture. @param {any} node */
export const canContinue = (node) => pictureOf(node) >= 0 && node.findOutputSlot("last_frame") >= 0;

/**
 * Put the next shot's node beside a node: as that is set, its prompt still to be written, its name counted on.
 *
 * @param {any} node
 * @returns {any} the new node
 */
export function continueShot(node) {
  const next = node.clone();
  next.id = -1; // the newest frontend makes a name of "no id"
  next.setSize([next.size[0], next.computeSize()[1]]); // without its player
  next.pos = placeBeside(node, next.size, node.graph.nodes, GAP);
  addAsItIs(node.graph, next);
  for (const widget of next.widgets) {
    const [name] = widget.name.split(".").slice(-1);
    if (name === "prompt") setWidget(next, widget, "");
    else if (name === "filename_prefix") setWidget(next, widget, countedOn(String(widget.value)));
  }
  node.connect(node.findOutputSlot("last_frame"), next, pictureOf(next));
  remember();
  lookAt(next);
  focusPrompt(next);
  return next;
}

/**
 * Frontend 1.48 gives a node what stood in the widgets of an earlier one with its id.
 *
 * @param {any} graph
 * @param {any} node that holds its values already
 */
export function addAsItIs(graph, node) {
  const values = node.widgets?.map((/** @type {any} */ { value }) => value) ?? [];
  graph.add(node);
  values.forEach((/** @type {any} */ value, /** @type {number} */ at) => {
    if (node.widgets[at].value !== value) node.widgets[at].value = value;
  });
}

/** Select a node, and have all of it in view. @param {any} node */
export function lookAt(node) {
  const { canvas } = app;
  if (canvas.graph !== node.graph) canvas.setGraph(node.graph);
  canvas.deselectAll?.();
  canvas.selectNode(node);
  const [x, y, width, height] = canvas.visible_area;
  const isSeen = node.pos[0] > x && node.pos[1] > y && node.pos[0] + node.size[0] < x + width && node.pos[1] + node.size[1] < y + height;
  if (!isSeen) canvas.centerOnNode(node);
  canvas.setDirty(true, true);
}

/** Once the page has made its field. @param {any} node */
function focusPrompt(node) {
  const isPrompt = (/** @type {any} */ { name }) => name.split(".").at(-1) === "prompt";
  const field = () => {
    const own = document.querySelector(`[data-node-id="${node.id}"] textarea`);
    return /** @type {HTMLElement | null | undefined} */ (own ?? node.widgets.find(isPrompt)?.element);
  };
  let tries = 20;
  const look = () => {
    const found = field();
    if (found?.isConnected) found.focus({ preventScroll: true });
    if (document.activeElement !== found && tries-- > 0) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
