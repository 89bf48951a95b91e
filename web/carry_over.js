// @ts-check
/** Widgets that ComfyUI builds anew, with defaults, when a choice above them changes: what was written comes back by name. */

/**
 * Carry over what is written into the widgets whose name begins with `prefix`, also by way of choices without them.
 *
 * @param {any} node
 * @param {string} prefix
 * @returns {{written: Map<string, any>, asSaved: boolean}} by name, what is written; with `asSaved` nothing is added to it,
 *   and a value that the new widget doesn't offer is kept for the server to refuse: never another one in its place, unasked
 */
export function carryOver(node, prefix) {
  const carried = { written: new Map(), asSaved: false };
  const add = node.addCustomWidget;
  node.addCustomWidget = function (/** @type {any[]} */ ...given) {
    const widget = add.apply(this, given);
    if (widget.name?.startsWith(prefix)) {
      const removed = widget.onRemove;
      widget.onRemove = function () {
        const isWritten = widget.value !== start || !carried.written.has(widget.name);
        if (isWritten && !carried.asSaved) carried.written.set(widget.name, widget.value);
        removed?.call(this);
      };
      if (carried.written.has(widget.name)) {
        const value = meant(widget, carried.written.get(widget.name), carried.asSaved);
        if (value !== undefined) widget.value = value;
      }
      const start = widget.value;
    }
    return widget;
  };
  return carried;
}

/**
 * What a value is in a widget that may be of another kind than the one it was written into; undefined for nothing.
 *
 * @param {any} widget
 * @param {any} value
 * @param {boolean} asSaved
 */
function meant(widget, value, asSaved) {
  const { values, min = -Infinity, max = Infinity } = widget.options ?? {};
  if (Array.isArray(values)) {
    const same = values.find((/** @type {any} */ one) => one === value || String(one) === String(value));
    return same ?? (asSaved && typeof value === typeof values.at(-1) ? value : undefined);
  }
  switch (typeof widget.value) {
    case "number": {
      const number = typeof value === "string" && value.trim() ? Number(value) : value;
      const fits = typeof number === "number" && (asSaved ? Number.isFinite(number) : number >= min && number <= max);
      return fits ? number : undefined;
    }
    case "boolean":
      return { true: true, false: false }[String(value)];
    default:
      return value === null || typeof value === "object" ? undefined : String(value);
  }
}
