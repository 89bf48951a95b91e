// @ts-check
/** A list of any length of which only the rows in view are on the page. All rows are of one height but the open one. */

import { make } from "./elements.js";
import { JobRow } from "./job_row.js";
import { t } from "./text.js";

/** @typedef {import("./jobs_model.js").JobsModel} JobsModel */

/** Rows made above and below what is in view. */
const BEYOND = 6;
/** More are asked for when so few are left below. */
const NEAR_THE_END = 40;
/** Pictures are asked for when the list has stood still so long, ms. */
const STILL_MS = 120;
const GAP = 6;
const USUAL_HEIGHT = 84;

export class JobsList {
  /**
   * @param {JobsModel} model
   * @param {import("./job_row.js").Act} act
   * @param {() => void} nearTheEnd
   */
  constructor(model, act, nearTheEnd) {
    this.model = model;
    this.act = act;
    this.nearTheEnd = nearTheEnd;
    /** @type {string | null} the key of the open row */
    this.open = null;
    this.height = USUAL_HEIGHT;
    this.openHeight = USUAL_HEIGHT;
    /** @type {Map<string, JobRow>} */
    this.rows = new Map();
    this.still = 0;
    /** Whether the end is wanted, and not all rows are here yet. */
    this.wantsEnd = false;
    /** Whether the open row was gone to, so that all of it is to be seen once its height is known. */
    this.isGoing = false;
    this.list = make("ul", { className: "jobs", "aria-label": t("Jobs") });
    this.root = make("div", { className: "scroller", onscroll: () => this.render(), onwheel: () => (this.wantsEnd = false), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) }, this.list);
    this.list.addEventListener("click", (event) => this.#click(event));
    this.list.addEventListener("focusin", (event) => this.#focused(event));
    /** The open row and another one, whose heights are as the style sheet, the width and the language make them. */
    this.sizes = new ResizeObserver((changes) => this.#measured(changes));
    this.sizes.observe(this.root);
  }

  /** The model has changed: show it, with what was in view where it was and the focus in place. */
  changed() {
    const { model } = this;
    const hadFocus = this.list.contains(document.activeElement);
    const anchor = this.#firstInView();
    const wasAt = this.place ?? 0;
    if (this.open !== null && model.indexOf(this.open) < 0) {
      this.open = model.rows[Math.min(wasAt, model.rows.length - 1)]?.key ?? null;
      this.openHeight = this.height;
    }
    if (this.open === null && model.rows.length) this.open = model.rows[0].key;
    this.render();
    if (anchor && this.root.scrollTop > 0) {
      const moved = model.indexOf(anchor.key);
      if (moved >= 0) this.root.scrollTop = this.#top(moved) + anchor.below;
      this.render();
    }
    if (hadFocus && !this.list.contains(document.activeElement)) this.focus();
    if (this.wantsEnd) this.#end();
  }

  /** Put the focus on the open row. */
  focus() {
    const place = this.#openPlace();
    if (place < 0 || this.open === null) return;
    this.isGoing = true;
    this.#reveal(place);
    this.rows.get(this.open)?.element.focus({ preventScroll: true });
  }

  /** Open a row and put the focus there. @param {number} place from 0 */
  go(place) {
    const { rows } = this.model;
    if (!rows.length) return;
    this.openRow(rows[Math.max(0, Math.min(place, rows.length - 1))].key);
    this.focus();
  }

  /** Say anew how old the jobs are. */
  tick() {
    for (const row of this.rows.values()) row.tick();
  }

  render() {
    const { model, root, list } = this;
    const place = this.#openPlace();
    this.place = place;
    const from = Math.max(0, this.#at(root.scrollTop) - BEYOND);
    const to = Math.min(model.rows.length - 1, this.#at(root.scrollTop + root.clientHeight) + BEYOND);
    const kept = this.#kept();
    const wanted = new Set(model.rows.slice(from, to + 1).map(({ key }) => key).concat(kept));
    for (const [key, row] of this.rows) {
      if (wanted.has(key) && model.byKey.has(key)) continue;
      row.stop();
      this.sizes.unobserve(row.element);
      row.element.remove();
      this.rows.delete(key);
    }
    const places = [...wanted].map((key) => model.indexOf(key)).filter((at) => at >= 0).sort((a, b) => a - b);
    const count = model.next === null ? model.rows.length : model.total;
    /** @type {Element | null} */
    let after = list.firstElementChild;
    for (const at of places) {
      const job = model.rows[at];
      let row = this.rows.get(job.key);
      if (!row) {
        this.rows.set(job.key, (row = new JobRow(job, this.act)));
        this.sizes.observe(row.element);
      }
      row.update(job, at === place, at, count);
      if (row.element === after) after = after.nextElementSibling;
      else list.insertBefore(row.element, after);
    }
    for (const at of places) {
      const row = /** @type {JobRow} */ (this.rows.get(model.rows[at].key));
      const where = `translateY(${this.#top(at)}px)`;
      if (row.element.style.transform !== where) row.element.style.transform = where;
    }
    const height = `${Math.max(0, this.#top(model.rows.length) - GAP)}px`;
    if (list.style.height !== height) list.style.height = height;
    clearTimeout(this.still);
    this.still = setTimeout(() => this.#pictures(), STILL_MS);
    if (model.next !== null && to > model.rows.length - NEAR_THE_END) this.nearTheEnd();
  }

  #pictures() {
    for (const row of this.rows.values()) row.showPicture();
  }

  /** Rows that stay on the page out of view: that with the focus, with a selection in it, or one that plays. */
  #kept() {
    const inside = [document.activeElement, getSelection()?.isCollapsed ? null : getSelection()?.anchorNode];
    return [...this.rows].filter(([, row]) => row.video || inside.some((node) => node && row.element.contains(node))).map(([key]) => key);
  }

  /** @param {ResizeObserverEntry[]} changes */
  #measured(changes) {
    for (const { target, borderBoxSize } of changes) {
      const height = borderBoxSize[0].blockSize;
      if (target === this.root || !height || !target.isConnected) continue;
      if (target.classList.contains("open")) this.openHeight = height;
      else this.height = height;
    }
    if (this.list.contains(document.activeElement) && this.#openPlace() >= 0 && this.isGoing) this.#reveal(this.#openPlace());
    else this.render();
    this.isGoing = false;
  }

  #openPlace() {
    return this.open === null ? -1 : this.model.indexOf(this.open);
  }

  /** @param {number} place */
  #top(place) {
    const isBelowOpen = this.#openPlaceNow >= 0 && place > this.#openPlaceNow;
    return place * (this.height + GAP) + (isBelowOpen ? this.openHeight - this.height : 0);
  }

  get #openPlaceNow() {
    return this.place ?? -1;
  }

  /** The row at a height. @param {number} y */
  #at(y) {
    const open = this.#openPlaceNow;
    const each = this.height + GAP;
    if (open < 0 || y < open * each) return Math.floor(y / each);
    return Math.max(open, Math.floor((y - this.openHeight + this.height) / each));
  }

  #firstInView() {
    const at = this.#at(this.root.scrollTop);
    const row = [...this.rows.values()].find(({ element }) => Number(element.getAttribute("aria-posinset")) === at + 1);
    return row && { key: row.job.key, below: this.root.scrollTop - this.#top(at) };
  }

  /** @param {number} place */
  #reveal(place) {
    const { root } = this;
    this.render();
    const top = this.#top(place);
    const bottom = top + (place === this.#openPlaceNow ? this.openHeight : this.height);
    if (top < root.scrollTop || bottom - top > root.clientHeight) root.scrollTop = top;
    else if (bottom > root.scrollTop + root.clientHeight) root.scrollTop = bottom - root.clientHeight;
    this.render();
  }

  /** Open a row where it stands: what is above it may get lower by that. @param {string} key */
  openRow(key) {
    if (this.open === key) return;
    const at = this.model.indexOf(key);
    const y = this.#top(at) - this.root.scrollTop;
    if (this.open !== null) this.rows.get(this.open)?.stop();
    this.open = key;
    this.render();
    if (y >= 0 && y < this.root.clientHeight) this.root.scrollTop = this.#top(at) - y;
  }

  /** @param {Event} event @returns {JobRow | undefined} */
  #rowOf(event) {
    const element = /** @type {Element} */ (event.target).closest?.("li.job");
    return this.rows.get(/** @type {HTMLElement | null} */ (element)?.dataset.key ?? "");
  }

  /** @param {Event} event */
  #click(event) {
    const row = this.#rowOf(event);
    if (row && getSelection()?.isCollapsed !== false) this.#openWhole(row.job.key);
  }

  /** @param {Event} event */
  #focused(event) {
    const row = this.#rowOf(event);
    if (row && event.target === row.element) this.#openWhole(row.job.key);
  }

  /** Open a row, and have all of it in view once its height is known. @param {string} key */
  #openWhole(key) {
    if (this.open === key) return;
    this.isGoing = true;
    this.openRow(key);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const row = this.#rowOf(event);
    if (!row || event.target !== row.element || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.model.indexOf(row.job.key);
    const page = Math.max(1, Math.floor(this.root.clientHeight / (this.height + GAP)) - 1);
    /** @type {Record<string, () => void>} */
    const does = {
      ArrowDown: () => this.go(at + 1),
      ArrowUp: () => this.go(at - 1),
      PageDown: () => this.go(at + page),
      PageUp: () => this.go(at - page),
      Home: () => this.go(0),
      End: () => this.#end(),
      Enter: () => row.do("play"),
      Delete: () => row.job.forgettable && row.do("forget"),
    };
    if (!does[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    this.wantsEnd = false;
    does[event.key]();
  }

  /** To the last row there is: those that are not here yet are asked for on the way. */
  #end() {
    this.wantsEnd = this.model.next !== null;
    this.go(this.model.rows.length - 1);
  }
}
