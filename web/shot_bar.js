// @ts-check
/** Under a node's shots: how long they last together, whether that is the clip's length, and a button that makes it so. */

import { button, make } from "./elements.js";
import { ownWidget, remember, setWidget } from "./own_widgets.js";
import { added, spread } from "./shots.js";
import { direction, t } from "./text.js";

/** @typedef {import("./shots.js").Group} Group */

const NAME = "$$shots";
const HEIGHT = 56;

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
    this.element = make("div", { className: "remote-video remote-video-shots", dir: direction() }, this.sum, this.even);
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
      if (lengths.length && whole) return { group, lengths, whole, isWired: [whole, ...lengths].some(({ name }) => wired.has(name)) };
    }
    return null;
  }

  /** Show what is set now. Cheap where nothing has changed. */
  renew() {
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
    this.even.disabled = !even || even.every((one, place) => one === lengths[place]);
    this.even.title = even || found.isWired ? "" : tooMany(lengths.length, whole, found.group);
  }

  spread() {
    const found = this.read();
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
      getMinHeight: () => HEIGHT,
      getMaxHeight: () => HEIGHT,
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
