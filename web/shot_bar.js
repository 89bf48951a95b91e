// @ts-check
/** Under a node's shots: how long they last together, whether that is the clip's length, and a button that makes it so. */

import { button, make } from "./elements.js";
import { ownWidget, remember, setWidget } from "./own_widgets.js";
import { added, isUnwritten, roomFor, spread } from "./shots.js";
import { direction, t } from "./text.js";

/** @typedef {import("./shots.js").Group} Group */

const NAME = "$$shots";
const HEIGHT = 56;
const HEIGHT_WITH_WORDS = 76;

export class ShotBar {
  /**
   * @param {any} node
   * @param {() => {below: string, groups: Group[]}} asked what adds up on the node as it is set now
   */
  constructor(node, asked) {
    this.node = node;
    this.asked = asked;
    /** @type {any} */
    this.widget = null;
    this.shown = "";
    this.sum = make("output", {});
    this.even = button(t("Spread evenly"), () => this.spread());
    this.shared = make("p", {}, t("All shots share the main prompt."));
    this.element = make("div", { className: "remote-video remote-video-shots", dir: direction() }, this.sum, this.even, this.shared);
    /** The choices that are listened to. @type {WeakSet<any>} */
    this.heard = new WeakSet();
  }

  /** The shots there are, and what they have to add up to; null without any. */
  read() {
    const { below, groups } = this.asked();
    const named = new Map(this.node.widgets?.map((/** @type {any} */ widget) => [widget.name, widget]));
    const wired = new Set(
      this.node.inputs
        ?.filter((/** @type {any} */ { widget }, /** @type {number} */ slot) => widget && this.node.isInputConnected(slot))
        .map((/** @type {any} */ { widget }) => widget.name),
    );
    for (const group of groups) {
      const lengths = [];
      for (let n = 1; named.has(`${below}${group.group}.${group.one}_${n}_${group.part}`); n++) {
        lengths.push(named.get(`${below}${group.group}.${group.one}_${n}_${group.part}`));
      }
      const whole = named.get(`${below}${group.whole}`);
      const texts = group.words ? [`${below}`, ...lengths.map((_, n) => `${below}${group.group}.${group.one}_${n + 1}_`)].map((place) => named.get(place + group.words)) : [];
      const [main, ...prompts] = texts.every((text) => text && !wired.has(text.name)) ? texts : [];
      if (lengths.length && whole) return { group, lengths, whole, main, prompts, isWired: [whole, ...lengths].some(({ name }) => wired.has(name)) };
    }
    return null;
  }

  /** Another number of shots that somebody chooses begins as one that fits. Loading and Undo choose nothing. */
  hear() {
    const { below, groups } = this.asked();
    for (const { group } of groups) {
      const choice = this.node.widgets?.find((/** @type {any} */ { name }) => name === below + group);
      if (!choice || this.heard.has(choice)) continue;
      this.heard.add(choice);
      const { callback } = choice;
      choice.callback = (/** @type {any[]} */ ...given) => {
        callback?.apply(choice, given);
        this.begin();
      };
    }
  }

  /** What is written stays. */
  begin() {
    const found = this.read();
    if (!found) return;
    const { group, lengths, whole, main, prompts, isWired } = found;
    const written = lengths.map(({ value }) => Number(value));
    const even = !isWired && isUnwritten(written, Number(whole.value), group) && spread(Number(whole.value), lengths.length, group);
    if (even) lengths.forEach((widget, place) => setWidget(this.node, widget, even[place]));
    if (main?.value && prompts.every(({ value }) => !value)) setWidget(this.node, prompts[0], main.value);
  }

  /** Show what is set now. Cheap where nothing has changed. */
  renew() {
    this.hear();
    const found = this.read();
    if (!found) return this.remove();
    const lengths = found.lengths.map(({ value }) => Number(value));
    const whole = Number(found.whole.value);
    const now = JSON.stringify([lengths, whole, found.isWired, found.whole.label]);
    if (this.widget && now === this.shown) return;
    this.shown = now;
    if (!this.widget) this.add();
    const { sum, miss } = added(lengths, whole);
    const even = found.isWired ? null : spread(whole, lengths.length, found.group);
    this.element.dataset.fits = String(found.isWired || miss === 0);
    this.sum.textContent = found.isWired ? t("Shots: {sum} s together", { sum }) : words(sum, whole, miss);
    const room = this.room(found);
    this.even.disabled = room === null && (!even || even.every((one, place) => one === lengths[place]));
    this.even.textContent = room === null ? t("Spread evenly") : t("Make the clip {whole} s", { whole: room });
    this.even.title = even || found.isWired ? "" : tooMany(lengths.length, whole, found.group);
    this.shared.hidden = !found.main;
  }

  /** How long the clip has to be for its shots, s; null where it is long enough. @param {NonNullable<ReturnType<ShotBar["read"]>>} found */
  room({ group, lengths, whole, isWired }) {
    return isWired ? null : roomFor(Number(whole.value), lengths.length, group.least, whole.options?.max ?? Infinity);
  }

  spread() {
    const found = this.read();
    const room = found && this.room(found);
    if (found && room) setWidget(this.node, found.whole, room);
    const even = found && !found.isWired && spread(Number(found.whole.value), found.lengths.length, found.group);
    if (!even) return;
    found.lengths.forEach((widget, place) => setWidget(this.node, widget, even[place]));
    remember();
    this.renew();
  }

  add() {
    const { node } = this;
    const before = this.after();
    const made = node.addDOMWidget(NAME, "remote_video_shots", this.element, {
      getMinHeight: () => (this.shared.hidden ? HEIGHT : HEIGHT_WITH_WORDS),
      getMaxHeight: () => (this.shared.hidden ? HEIGHT : HEIGHT_WITH_WORDS),
      hideOnZoom: false,
    });
    this.widget = ownWidget(node, made, before);
    grow(node);
  }

  /** The widget that follows the shots. */
  after() {
    const found = this.read();
    const last = found ? this.node.widgets.indexOf(found.lengths.at(-1)) : -1;
    return last < 0 ? undefined : this.node.widgets[last + 1];
  }

  remove() {
    if (!this.widget) return;
    this.node.removeWidget(this.widget);
    this.widget = null;
    grow(this.node);
  }
}

/** @param {any} node */
function grow(node) {
  node.setSize([node.size[0], Math.max(node.size[1], node.computeSize()[1])]);
  node.setDirtyCanvas(true, true);
}

/** @param {number} sum @param {number} whole @param {number} miss */
function words(sum, whole, miss) {
  if (miss === 0) return t("Shots: {sum} s, as long as the clip", { sum });
  if (miss > 0) return t("Shots: {sum} of {whole} s, {miss} s too long", { sum, whole, miss });
  return t("Shots: {sum} of {whole} s, {miss} s too short", { sum, whole, miss: -miss });
}

/** @param {number} count @param {number} whole @param {Group} group */
function tooMany(count, whole, { least, most }) {
  return t("{count} shots of {least} to {most} s each can't last {whole} s together.", { count, least, most, whole });
}
