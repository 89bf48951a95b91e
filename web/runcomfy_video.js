// @ts-check
/** The node for every model: what its browsers' frontends lose, it keeps by name. */

import { app } from "../../scripts/app.js";
import { carryOver } from "./carry_over.js";
import { sayModelGone } from "./node_status.js";
import { getInstead } from "./server.js";

export const MODEL = "model";
const BELOW = "model.";
const TYPE = "COMFY_DYNAMICCOMBO_V3";
/** Under which property of a saved node its model and that model's inputs stand, by name. */
const SAVED = "remote_video";

/** @typedef {{key: string, inputs: {required?: Record<string, any>, optional?: Record<string, any>}}} Option */

export class ModelNode {
  /** @param {any} node */
  constructor(node) {
    this.node = node;
    this.carried = carryOver(node, BELOW);
    /** @type {Map<string, {id: any, slot: number}>} by input, the output it was wired to when its model went away */
    this.wires = new Map();
    /** The model as it was set last: frontend 1.48 gives a new node that of an earlier one with its id. */
    this.chosen = this.widget.value;
    this.keepWires();
    const { onSerialize, onConfigure, onAdded, onWidgetChanged } = node;
    node.onSerialize = (/** @type {any} */ info) => {
      onSerialize?.call(node, info);
      (info.properties ??= {})[SAVED] = this.state();
    };
    node.onConfigure = (/** @type {any} */ info) => {
      onConfigure?.call(node, info);
      this.restore(info);
    };
    node.onAdded = (/** @type {any[]} */ ...given) => {
      onAdded?.apply(node, given);
      this.begin();
    };
    node.onWidgetChanged = (/** @type {any[]} */ ...given) => {
      onWidgetChanged?.apply(node, given);
      this.chosen = this.widget.value;
    };
    node.refreshComboInNode = (/** @type {any} */ definitions) => {
      const input = definitions[node.comfyClass]?.input.optional[MODEL];
      if (input) this.keeping(this.state().values, () => this.offer(input[1].options, this.widget.value, node.inputs));
    };
  }

  get widget() {
    return this.node.widgets.find((/** @type {any} */ widget) => widget.name === MODEL);
  }

  get own() {
    return this.node.widgets.filter((/** @type {any} */ widget) => widget.name.startsWith(BELOW));
  }

  /** What a saved workflow holds: the model, and what is written into its inputs. */
  state() {
    const values = Object.fromEntries(this.own.map((/** @type {any} */ { name, value }) => [name.slice(BELOW.length), value]));
    return { model: this.widget.value, values };
  }

  /** A node that is new on the canvas shows its own model. */
  begin() {
    if (this.widget.value !== this.chosen) this.widget.value = this.chosen;
  }

  /**
   * Values are saved by position: with another order, one property more or one less, each would be in another's place.
   * @param {any} info the saved node
   */
  restore(info) {
    const saved = info.properties?.[SAVED];
    delete this.node.properties?.[SAVED];
    const model = saved?.model ?? this.widget.value;
    const isOffered = this.widget.options.values.includes(model);
    this.keeping(saved?.values ?? {}, () => {
      if (!isOffered) this.offer(this.definition().options, model, info.inputs ?? []);
      else if (saved) {
        this.bringBack(info.inputs ?? []);
        this.widget.value = model;
      }
    });
    this.chosen = model;
  }

  /**
   * Put just these values into the widgets that are built meanwhile, and none of those that go.
   * @param {Record<string, any>} values
   * @param {() => void} act
   */
  keeping(values, act) {
    this.carried.written = new Map(Object.entries(values).map(([name, value]) => [BELOW + name, value]));
    this.carried.asSaved = true;
    act();
    this.carried.asSaved = false;
  }

  definition() {
    const { nodeData } = this.node.constructor;
    const input = nodeData.inputs?.[MODEL];
    return input?.options ? input : nodeData.input.optional[MODEL][1];
  }

  /**
   * Put another list of models into the node; wires and values stay, also those of a model that isn't in it.
   *
   * @param {Option[]} options
   * @param {string} model
   * @param {any[]} inputs the sockets it has had
   */
  offer(options, model, inputs) {
    const { node } = this;
    const old = this.widget;
    const place = node.widgets.indexOf(old);
    const chosen = options.find(({ key }) => key === model) ?? this.gone(model, inputs);
    const others = options.filter(({ key }) => key !== model);
    this.bringBack(inputs);
    node.widgets.splice(place, 1);
    // The first option is what a new widget begins with: any other one would take the wires of this one's inputs away.
    const { widget } = app.widgets[TYPE](node, MODEL, [TYPE, { options: [chosen, ...others] }], app);
    if (widget.value !== model) widget.value = model;
    node.widgets.splice(place, 0, ...node.widgets.splice(node.widgets.indexOf(widget)));
    widget.options.values = options.includes(chosen) ? options.map(({ key }) => key) : [...options.map(({ key }) => key), model];
    widget.tooltip = old.tooltip;
    if (!options.includes(chosen)) this.sayGone(model);
  }

  /**
   * Sockets that are gone, for the next list of inputs to take their wires.
   * @param {any[]} inputs
   */
  bringBack(inputs) {
    const there = new Set(this.node.inputs.map((/** @type {any} */ { name }) => name));
    this.node.inputs.push(...inputs.filter(({ name, link }) => name.startsWith(BELOW) && link != null && !there.has(name)));
  }

  /**
   * A model that is not offered any more, as far as the saved node tells what it took.
   * @param {string} model
   * @param {any[]} inputs
   * @returns {Option}
   */
  gone(model, inputs) {
    const sockets = inputs
      .filter(({ name, widget }) => name.startsWith(BELOW) && !widget)
      .map(({ name, type }) => [name.slice(BELOW.length), [type, {}]]);
    const values = [...this.carried.written].map(([name, value]) => [name.slice(BELOW.length), widgetFor(value)]);
    return { key: model, inputs: { optional: Object.fromEntries([...sockets, ...values]) } };
  }

  /** @param {string} model */
  async sayGone(model) {
    const { instead } = await getInstead(model).catch(() => ({ instead: [] }));
    sayModelGone(this.node, model, instead);
  }

  /** Another model takes the wires of the inputs it doesn't have; they come back with them. */
  keepWires() {
    const { node, wires } = this;
    const { removeInput, addInput, onConnectionsChange } = node;
    const keep = (/** @type {string} */ name, /** @type {any} */ wire) => {
      if (name.startsWith(BELOW) && wire) wires.set(name, { id: wire.origin_id, slot: wire.origin_slot });
    };
    node.removeInput = function (/** @type {number} */ slot) {
      keep(this.inputs[slot].name, this.graph && this.getInputLink(slot));
      return removeInput.apply(this, arguments);
    };
    // The newest frontends remove no input by itself: they tell of the wire when its socket is gone.
    node.onConnectionsChange = (/** @type {any[]} */ ...given) => {
      onConnectionsChange?.apply(node, given);
      const [, , isConnected, wire, socket] = given;
      if (!isConnected && socket?.name && !node.inputs.some((/** @type {any} */ { name }) => name === socket.name)) keep(socket.name, wire);
    };
    node.addInput = function (/** @type {string} */ name) {
      if (wires.has(name)) queueMicrotask(() => rewire(this, name, wires));
      return addInput.apply(this, arguments);
    };
  }
}

/** @param {any} node @param {string} name @param {Map<string, {id: any, slot: number}>} wires */
function rewire(node, name, wires) {
  const wire = wires.get(name);
  const slot = node.inputs.findIndex((/** @type {any} */ input) => input.name === name);
  if (!wire || slot < 0) return;
  wires.delete(name);
  if (!node.isInputConnected(slot)) node.graph?.getNodeById(wire.id)?.connect(wire.slot, node, slot);
}

/** @param {any} value @returns {[string, object]} the input that holds it */
function widgetFor(value) {
  const own = { default: value };
  if (typeof value === "boolean") return ["BOOLEAN", own];
  if (typeof value !== "number") return ["STRING", { default: String(value ?? ""), multiline: String(value).length > 40 }];
  const reach = { min: -(2 ** 31), max: 2 ** 31 };
  return Number.isInteger(value) ? ["INT", { ...own, ...reach }] : ["FLOAT", { ...own, ...reach, step: 0.01 }];
}
