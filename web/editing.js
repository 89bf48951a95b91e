// @ts-check
/** What makes the clip nodes easier to fill in: pickers for models, the sum of shots, names of files. */

import { app } from "../../scripts/app.js";
import { ANY_MODEL } from "./own_nodes.js";
import { MODEL } from "./runcomfy_video.js";
import { openPicker, priceWords } from "./model_picker.js";
import { ownWidget, remember, setWidget } from "./own_widgets.js";
import { allNodes, filled } from "./prefix.js";
import { getAliases, getOffered } from "./server.js";
import { ShotBar } from "./shot_bar.js";
import { language, t } from "./text.js";

/** @typedef {import("./server.js").AllOffered} AllOffered */

/** On the canvas, the arrows at both ends of a choice, px. */
const ARROW = 40;

/** Kinds of models that are the same to an artist. */
const EDITS = new Set(["edit", "edit-video", "video-edit", "video-editing"]);

/** By node, what shows the sum of its shots. @type {WeakMap<any, ShotBar>} */
const bars = new WeakMap();

/**
 * @param {any} node that was just made
 * @param {() => AllOffered} offered what was last heard of models
 */
export function makeEditable(node, offered) {
  fillPrefix(node);
  const isAny = node.comfyClass === ANY_MODEL;
  if (isAny) {
    addPicker(node, () => chooseModel(node));
    openByClick(node);
  }
  if (node.comfyClass === "CometVeo") addPicker(node, () => chooseAlias(node));
  const asked = () =>
    isAny
      ? { below: `${MODEL}.`, groups: offered().models[named(node, MODEL).value]?.shots ?? [] }
      : { below: "", groups: offered().shots[node.comfyClass] ?? [] };
  bars.set(node, new ShotBar(node, asked));
}

/** Nothing tells of every way a widget gets its value. @param {any} graph the one that is looked at */
export function renewShots(graph) {
  for (const node of graph?.nodes ?? []) bars.get(node)?.renew();
}

/** @param {any} node @param {string} name */
const named = (node, name) => node.widgets.find((/** @type {any} */ widget) => widget.name === name);

/** A wired prefix comes as it is. @param {any} node */
function fillPrefix(node) {
  const widget = named(node, "filename_prefix");
  if (widget) widget.serializeValue = () => filled(String(widget.value ?? ""), allNodes(app.rootGraph ?? app.graph), new Date());
}

/** A button above the choice, for Nodes 2.0 and the keyboard; on the canvas the choice itself opens the list, too. */
function addPicker(/** @type {any} */ node, /** @type {() => void} */ open) {
  const words = t("Choose a model…");
  const made = node.addWidget("button", "$$choose", null, open, { serialize: false });
  made.label = words;
  ownWidget(node, made, named(node, MODEL));
}

/** Have the canvas open the window in place of a menu, also where the choice is built anew. @param {any} node */
function openByClick(node) {
  const { addCustomWidget } = node;
  node.addCustomWidget = function (/** @type {any[]} */ ...given) {
    const widget = addCustomWidget.apply(this, given);
    if (widget.name === MODEL) taken(widget);
    return widget;
  };
  taken(named(node, MODEL));

  /** @param {any} widget */
  function taken(widget) {
    widget.onPointerDown = (/** @type {any} */ pointer) => {
      const { button, canvasX } = pointer.eDown;
      const x = canvasX - node.pos[0];
      if (button !== 0 || x < ARROW || x > node.size[0] - ARROW) return false;
      pointer.onClick = () => chooseModel(node);
      return true;
    };
  }
}

/** @param {any} node */
function chooseModel(node) {
  const widget = named(node, MODEL);
  openPicker({
    title: t("Choose a model"),
    current: widget.value,
    load: async () => {
      const { models } = await getOffered();
      return { rows: widget.options.values.map((/** @type {string} */ id) => row(id, models[id])) };
    },
    choose: (id) => {
      setWidget(node, named(node, MODEL), id);
      remember();
    },
  });
}

/** @param {string} id @param {import("./server.js").OfferedModel | undefined} about @returns {import("./model_list.js").Row} */
function row(id, about) {
  return {
    id,
    name: about?.name ?? id,
    vendor: about?.vendor ?? id.split("/")[0],
    kinds: [...new Set(about?.kinds.map((kind) => (EDITS.has(kind) ? "edit" : kind)))],
    retired: about?.retired ?? false,
    gone: !about,
    price: about ? priceWords(about) : "",
  };
}

/** @param {any} node */
function chooseAlias(node) {
  const widget = named(node, MODEL);
  openPicker({
    title: t("Choose a model of CometAPI"),
    current: widget.value,
    isFree: true,
    load: async () => {
      const { names, asked_at } = await getAliases();
      const rows = names.map((id) => ({ id, name: id, vendor: "", kinds: [], retired: false, gone: false, price: "" }));
      return { rows, note: asked_at === null ? t("CometAPI's own list can't be had now: enter a key, or write a name as its pages have it.") : listedAt(asked_at) };
    },
    choose: (id) => {
      setWidget(node, widget, id);
      remember();
    },
  });
}

/** @param {number} seconds since 1970 */
function listedAt(seconds) {
  const date = new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(seconds * 1000);
  return t("As CometAPI listed them on {date}. Any other name can be written, too.", { date });
}
