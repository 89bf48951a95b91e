// @ts-check
/** Widgets of the page's own on a node: no part of the workflow that is saved, nor of what is asked. */

import { app } from "../../scripts/app.js";

/** @type {WeakSet<any>} */
const keeping = new WeakSet();

/**
 * Put a widget that is the page's own in its place on a node.
 *
 * @param {any} node
 * @param {any} widget added last already
 * @param {any} [before] the widget that it is to stand above; without one it stays last
 * @returns {any} the widget
 */
export function ownWidget(node, widget, before) {
  widget.serialize = false;
  widget.options = Object.assign(widget.options ?? {}, { serialize: false });
  if (before) {
    node.widgets.splice(node.widgets.indexOf(widget), 1);
    node.widgets.splice(node.widgets.indexOf(before), 0, widget);
  }
  if (!keeping.has(node)) keepOut(node);
  return widget;
}

/** Saving leaves a hole for such a widget, and loading closes it: values after it would be in another's place. */
function keepOut(/** @type {any} */ node) {
  keeping.add(node);
  const { onSerialize } = node;
  node.onSerialize = (/** @type {any} */ info) => {
    onSerialize?.call(node, info);
    // A filter passes over holes; the newest frontends leave none.
    if (Array.isArray(info.widgets_values)) info.widgets_values = info.widgets_values.filter(() => true);
  };
}

/**
 * Set a widget as if somebody had chosen the value on the node: what hangs on it follows, and Undo takes it back.
 *
 * @param {any} node
 * @param {any} widget
 * @param {any} value
 */
export function setWidget(node, widget, value) {
  if (widget.setValue) widget.setValue(value, { e: {}, node, canvas: app.canvas });
  else {
    widget.value = value;
    widget.callback?.(value, app.canvas, node);
  }
  node.setDirtyCanvas(true, true);
}

/** Have Undo remember what stands on the page now. */
export function remember() {
  const tracker = app.extensionManager.workflow?.activeWorkflow?.changeTracker;
  // The newest frontends have another name for it.
  (tracker?.captureCanvasState ?? tracker?.checkState)?.call(tracker);
}
