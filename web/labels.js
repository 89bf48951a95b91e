// @ts-check
/** Words on sockets and widgets in place of names. The names stay what workflows and prompts have. */

import { OWN_NODES } from "./own_nodes.js";
import { outputWording, wording } from "./wording.js";

/**
 * Keep the words on a node, whatever is built on it later. They follow the page's language, so they are not saved; what
 * somebody called a socket is theirs and stays.
 *
 * @param {any} node
 */
export function keepLabels(node) {
  if (!OWN_NODES.has(node.comfyClass)) return;
  /** Before a saved workflow brings those of another language. @type {Map<string, string>} */
  const outputWords = new Map((node.outputs ?? []).map((/** @type {any} */ output) => [output.name, wordsOfOutput(output)]));
  /** By name, what somebody called a socket, which may be built anew. @type {Map<string, string>} */
  const called = new Map();
  const label = () => labelAll(node, outputWords, called);
  const { addInput, onConfigure, onConnectionsChange, onSerialize } = node;
  node.addInput = function (/** @type {any[]} */ ...given) {
    const input = addInput.apply(this, given);
    labelSocket(node, input, called);
    // A widget below a choice is there before its socket, with the label that the frontend gave it.
    const widget = input.widget && node.widgets.find((/** @type {any} */ { name }) => name === input.name);
    if (widget?.name.includes(".")) labelWidget(widget, wording(widget.name));
    return input;
  };
  node.onConfigure = (/** @type {any} */ info) => {
    for (const input of info.inputs ?? []) if (!isOurs(node, input, inputWords(node, input))) called.set(input.name, input.label);
    onConfigure?.call(node, info);
    label();
    queueMicrotask(label);
  };
  node.onConnectionsChange = (/** @type {any[]} */ ...given) => {
    onConnectionsChange?.apply(node, given);
    queueMicrotask(label);
  };
  node.onSerialize = (/** @type {any} */ info) => {
    onSerialize?.call(node, info);
    for (const input of info.inputs ?? []) if (input.label === inputWords(node, input)) delete input.label;
    for (const output of info.outputs ?? []) output.localized_name = output.name;
  };
  label();
}

/** @param {any} node @param {Map<string, string>} outputWords @param {Map<string, string>} called */
function labelAll(node, outputWords, called) {
  for (const input of node.inputs ?? []) labelSocket(node, input, called);
  // Nodes 2.0 of frontend 1.37 shows no output's label.
  for (const output of node.outputs ?? []) output.localized_name = outputWords.get(output.name) ?? output.localized_name;
  for (const widget of node.widgets ?? []) {
    const words = widget.name.includes(".") ? wording(widget.name) : widget.label;
    if (words && isOurs(node, widget, words)) labelWidget(widget, words);
  }
}

/** @param {any} widget @param {string} words */
function labelWidget(widget, words) {
  widget.label = words;
  // On the canvas a text box shows its whole name, whatever its label is.
  if (widget.element?.placeholder) widget.element.placeholder = words;
}

/** @param {any} node @param {any} input @param {Map<string, string>} called */
function labelSocket(node, input, called) {
  const words = inputWords(node, input);
  if (!words || input.widget) return;
  if (isOurs(node, input, words)) input.label = called.get(input.name) ?? words;
  else called.set(input.name, input.label);
}

/**
 * Whether a label may be replaced: there is none, or it is the bare name, or one that ComfyUI gave.
 * @param {any} node @param {any} slot @param {string} words
 */
function isOurs(node, slot, words) {
  const given = [undefined, null, "", words, slot.name, slot.name.split(".").at(-1), slot.display_name, ofSchema(node, slot)];
  return given.includes(slot.label);
}

/** @param {any} node @param {any} slot @returns {string} "" where ComfyUI's own label does */
function inputWords(node, slot) {
  if (slot.name.includes(".")) return wording(slot.name);
  return isTranslated(slot) ? slot.localized_name : ofSchema(node, slot);
}

/** @param {any} node @param {any} slot @returns {string} the English words, "" where there are none */
const ofSchema = (node, slot) => node.constructor.nodeData?.inputs?.[slot.name]?.display_name ?? "";

/** @param {any} output @returns {string} */
const wordsOfOutput = (output) => (isTranslated(output) ? output.localized_name : outputWording(output.name));

/** @param {any} slot */
const isTranslated = (slot) => Boolean(slot.localized_name) && slot.localized_name !== slot.name;
