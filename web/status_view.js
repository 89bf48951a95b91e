// @ts-check
/** What stands on one clip node: a widget with a card for each of its clips, the next step, and the takes. */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { openAccountsDialog } from "./accounts_dialog.js";
import { anotherSeed, handOn, makeList, openHelp, runAgain, takeSuccessor, useSandbox } from "./actions.js";
import { lastOffered } from "./badges.js";
import { beforeItem, isWorthSaying } from "./before_run.js";
import { canContinue, continueShot } from "./continue_shot.js";
import { copyButton } from "./copying.js";
import { button, make } from "./elements.js";
import { HeldBoxes } from "./held_boxes.js";
import { showJob } from "./jobs_panel.js";
import { isNodes2 } from "./nodes2.js";
import { announcedOf, clock, guessed, lineOf } from "./status_line.js";
import { TakesStrip } from "./takes.js";
import { direction, t } from "./text.js";

/** @typedef {import("./status_line.js").NodeStatus} NodeStatus */
/** @typedef {import("./status_line.js").Offer} Offer */

/**
 * A name for each: Nodes 2.0 keeps what it shows under a node's id and a widget's name, also when the node is cleared
 * away and another one gets its id.
 */
const WIDGET = "$$remote_video_status_";
let widgets = 0;
/** Into a widget of this name frontends put a node's progress text; some save it, and some take it away at the end. */
const TEXT = "$$node-text-preview";
const MARGIN = 10;
/** Letters. */
const MOST_IN_TITLE = 240;

/** @typedef {{accounts: {provider: string, name: string, set: boolean}[], sandbox: boolean} | null} Accounts */

/** @type {WeakMap<any, {model: string, instead: string[]}>} by node, its model that is not offered any more */
const gone = new WeakMap();

/** @param {NodeStatus} status @param {any} node @returns {Record<string, [string, (value?: string) => unknown]>} label and act, by offer */
const acts = (status, node) => ({
  accounts: [t("Enter a key"), () => openAccountsDialog(status.provider)],
  sandbox: [t("Try the sandbox"), useSandbox],
  budget: [t("Change the budget"), () => openAccountsDialog()],
  job: [t("Show the job"), () => showJob(status.key)],
  run: [t("Run again"), runAgain],
  hand_on: [t("Run"), async () => (await handOn(status.prompt_id, status.node_id)) || runAgain()],
  seed: [t("Use another seed"), () => anotherSeed(node)],
  list: [t("Make it a list"), () => makeList(node, status.error?.what ?? "")],
  successor: ["", (model) => takeSuccessor(node, model ?? "")],
  ...(canContinue(node) && { continue: [t("Continue this shot"), () => continueShot(node)] }),
  help: [t("See the settings"), () => openHelp()],
});

/** The status of one node: a widget of its own, which no workflow keeps. */
export class StatusView {
  /** @param {any} node */
  constructor(node) {
    this.node = node;
    /** @type {Accounts} */
    this.accounts = null;
    this.height = 0;
    this.boxes = new HeldBoxes(node);
    /** @type {NodeStatus[]} */
    this.statuses = [];
    this.shown = "";
    this.announced = "";
    this.items = make("div", { className: "items" });
    this.live = make("p", { className: "read-out", role: "status" });
    this.takes = new TakesStrip(node, () => this.statuses.map(({ key }) => key), attempt, () => this.fit());
    this.content = make("div", { className: "content" }, this.items, this.takes.root, this.live);
    this.root = make("div", { className: "remote-video remote-video-node nothing", dir: direction(), role: "group", "aria-label": t("Remote Video: the clip") }, this.content);
    // Over the canvas the wheel zooms, as beside it.
    this.root.addEventListener("wheel", (event) => !isNodes2() && app.canvas.processMouseWheel(event), { passive: false });
    const widget = node.addDOMWidget(`${WIDGET}${++widgets}`, "remote_video_status", this.root, {
      serialize: false,
      hideOnZoom: false,
      margin: MARGIN,
      getValue: () => "",
      setValue: () => {},
    });
    widget.serialize = false;
    widget.computeLayoutSize = () => ({ minHeight: this.height, maxHeight: this.height, minWidth: 0 });
    new ResizeObserver(() => this.fit()).observe(this.content);
    this.leaveOutOfSaves();
    this.hideText();
  }

  /** The frontend's own text says nothing that isn't said here. */
  hideText() {
    const { node } = this;
    const { addCustomWidget } = node;
    node.addCustomWidget = function (/** @type {any} */ widget) {
      if (widget.name === TEXT) {
        Object.assign(widget, { serialize: false, hidden: true });
        Object.assign(widget.options, { serialize: false, hidden: true, canvasOnly: true });
      }
      return addCustomWidget.call(this, widget);
    };
  }

  /** A saved node has the height it has without this. */
  leaveOutOfSaves() {
    const { node } = this;
    const { onSerialize } = node;
    node.onSerialize = (/** @type {any} */ info) => {
      onSerialize?.call(node, info);
      if (info.size) info.size = [info.size[0], this.boxes.height ?? info.size[1] - this.height];
    };
  }

  /** On the canvas the node grows and shrinks with what it shows, and its other widgets stay as they are. */
  fit() {
    const isEmpty = !this.items.childElementCount && this.takes.root.hidden;
    this.root.classList.toggle("nothing", isEmpty);
    const wanted = isEmpty ? 0 : this.content.offsetHeight;
    if (isNodes2() || (!isEmpty && !wanted)) return;
    const height = wanted ? wanted + 2 * MARGIN : 0;
    const { node } = this;
    const by = height - this.height;
    if (!by) return;
    this.height = height;
    node.setSize([node.size[0], Math.max(node.size[1] + by, node.computeSize()[1])]);
    node.setDirtyCanvas(true, true);
  }

  /**
   * @param {NodeStatus[]} statuses
   * @param {Accounts} accounts a new node says where a key is lacking
   * @param {import("./server.js").BeforeRun} [before] what a Run of it will do
   */
  show(statuses, accounts, before) {
    this.statuses = statuses;
    this.accounts = accounts;
    const told = isWorthSaying(before, statuses) ? before : undefined;
    const lines = statuses.map((status) => ({ status, line: lineOf(status, statuses.length > 1) }));
    const now = JSON.stringify([lines.map(({ line }) => line), this.needsKey(), this.gone(), told]);
    if (now !== this.shown) {
      this.shown = now;
      if (lines.length || (told && isNodes2())) this.boxes.hold(this.node.size[1] - this.height);
      else this.boxes.release();
      const focused = /** @type {HTMLElement | null} */ (this.root.contains(document.activeElement) ? document.activeElement : null)?.dataset.act;
      this.items.replaceChildren(...(lines.length ? lines.map(({ status, line }) => this.item(status, line)) : this.hint()), ...(told ? [beforeItem(told, (input) => stillOf(this.node, input))] : []), ...this.goneItem());
      if (focused) /** @type {HTMLElement | null} */ (this.items.querySelector(`[data-act="${CSS.escape(focused)}"]`))?.focus({ preventScroll: true });
      this.fit();
    }
    const announced = statuses.map(announcedOf).join();
    if (announced !== this.announced) {
      this.announced = announced;
      this.live.textContent = lines.map(({ line }) => line.title).join(". ");
    }
    this.tick();
  }

  tick() {
    for (const place of this.items.querySelectorAll(".clock")) {
      const { began } = /** @type {HTMLElement} */ (place).dataset;
      const text = clock((Date.now() - Number(began)) / 1000);
      if (place.textContent !== text) place.textContent = text;
    }
    for (const bar of /** @type {NodeListOf<HTMLProgressElement>} */ (this.items.querySelectorAll("progress.guess"))) {
      bar.value = guessed((Date.now() - Number(bar.dataset.began)) / 1000, Number(bar.dataset.usually));
    }
  }

  /** @param {NodeStatus} status @param {import("./status_line.js").Line} line */
  item(status, line) {
    const still = line.tone === "working" && stillOf(this.node);
    const labels = acts(status, this.node);
    return make(
      "section",
      { className: "item", "data-tone": line.tone, "data-phase": status.phase },
      still && make("img", { className: "still", src: still, alt: "", draggable: false, onerror: hide }),
      make(
        "div",
        { className: "body" },
        make(
          "p",
          { className: "title" },
          words(line.title),
          line.ticks && make("span", { className: "clock", "data-began": status.began_at, "aria-hidden": "true" }),
        ),
        line.progress !== null && make("progress", { max: 1, value: line.progress, "aria-label": t("Progress") }),
        line.usually !== null && this.guess(line.usually, status.began_at),
        line.next && make("p", { className: "next", dir: "auto" }, line.next),
        line.offers.length > 0 &&
          make("div", { className: "offers" }, ...line.offers.filter(({ name }) => labels[name]).map((offer, place) => this.offer(offer, labels, place))),
        line.facts.length > 0 && make("p", { className: "quiet" }, line.facts.join(" \u00b7 ")),
        ...line.notes.map((note) => make("p", { className: "quiet note", dir: "auto" }, note)),
        line.requestId && copyable(line.requestId),
      ),
    );
  }

  /** A bar that nobody has said. @param {number} usually s @param {number | undefined} began ms */
  guess(usually, began) {
    const words = t("A guess, from how long such clips took before");
    return make("progress", { className: "guess", max: 1, value: 0, title: words, "aria-label": words, "data-began": began, "data-usually": usually });
  }

  /** @param {Offer} offer @param {ReturnType<typeof acts>} labels @param {number} place */
  offer({ name, value }, labels, place) {
    const [label, act] = labels[name];
    return button(value ? t("Take {model}", { model: value }) : label, () => attempt(() => act(value)), {
      className: place || name === "continue" ? "" : "primary",
      "data-act": `${name} ${value ?? ""}`,
    });
  }

  needsKey() {
    return this.accounts !== null && providerOf(this.node) !== "" && !this.accounts.sandbox && !this.account()?.set;
  }

  account() {
    return this.accounts?.accounts.find(({ provider }) => provider === providerOf(this.node));
  }

  /** A new node says what it lacks. */
  hint() {
    if (!this.needsKey()) return [];
    const text = t("There is no {provider} key yet. The sandbox makes free clips for trying out.", { provider: this.account()?.name ?? "" });
    return this.said("no key", text, [{ name: "accounts" }, { name: "sandbox" }]);
  }

  /** The node's model, where it is not offered any more. */
  gone() {
    const found = gone.get(this.node);
    return found && this.node.widgets.some((/** @type {any} */ { name, value }) => name === "model" && value === found.model) ? found : null;
  }

  goneItem() {
    const found = this.gone();
    if (!found) return [];
    const { model, instead } = found;
    const text = instead.length
      ? t("{model} is no longer offered. In its place: {models}.", { model, models: instead.join(", ") })
      : t("{model} is no longer offered.", { model });
    return this.said("gone", text, instead.map((value) => ({ name: "successor", value })));
  }

  /** Something that is not of a clip. @param {string} phase @param {string} text @param {Offer[]} offers */
  said(phase, text, offers) {
    const labels = acts(/** @type {NodeStatus} */ ({ provider: providerOf(this.node) }), this.node);
    const buttons = offers.map((offer, place) => this.offer(offer, labels, place));
    const body = make("div", { className: "body" }, make("p", { className: "quiet" }, text), buttons.length > 0 && make("div", { className: "offers" }, ...buttons));
    return [make("section", { className: "item", "data-tone": "quiet", "data-phase": phase }, body)];
  }
}

/** @param {any} node */
const providerOf = (node) => lastOffered().providers[node.comfyClass] ?? "";
/** @param {Event} event */
const hide = ({ target }) => /** @type {HTMLElement} */ (target).remove();

/** A small picture of what a node's clip begins with, or of one input, where a LoadImage has it. @param {any} node @param {string} [name] */
function stillOf(node, name) {
  const isIt = (/** @type {any} */ input) => (name === undefined ? input.type?.includes("IMAGE") : input.name === name);
  const slot = node.inputs?.findIndex((/** @type {any} */ input, /** @type {number} */ place) => isIt(input) && node.isInputConnected(place));
  const source = slot >= 0 ? node.getInputNode(slot) : null;
  if (source?.comfyClass !== "LoadImage") return "";
  const [, path, type = "input"] = /^(.*?)(?: \[(input|output|temp)\])?$/.exec(String(source.widgets?.[0]?.value)) ?? [];
  if (!path) return "";
  const cut = path.lastIndexOf("/");
  const query = new URLSearchParams({ filename: path.slice(cut + 1), subfolder: path.slice(0, Math.max(0, cut)), type, preview: "webp;60" });
  return api.apiURL(`/view?${query}`);
}

/** A provider's long words stand behind a click, and the next step is seen. @param {string} text */
function words(text) {
  const kind = { className: "words", dir: "auto" };
  return text.length > MOST_IN_TITLE ? make("details", kind, make("summary", {}, `${text.slice(0, MOST_IN_TITLE)}\u2026`), text) : make("span", kind, text);
}

/** @param {string} id */
function copyable(id) {
  const text = make("code", {}, id);
  const copy = copyButton(text, t("Copy the request id {id}", { id }), { "data-act": `copy ${id}` });
  return make("details", { className: "request" }, make("summary", { className: "quiet" }, t("Request id")), make("p", {}, text, copy));
}

/** What fails is said in a toast. @param {() => unknown} act */
export async function attempt(act) {
  try {
    await act();
  } catch (error) {
    app.extensionManager.toast.add({ severity: "error", summary: "Remote Video", detail: /** @type {Error} */ (error).message, life: 15000 });
  }
}

/**
 * A node's model is not offered any more.
 *
 * @param {any} node
 * @param {string} model
 * @param {string[]} instead what is offered in its place
 */
export const noteGone = (node, model, instead) => gone.set(node, { model, instead });
