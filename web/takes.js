// @ts-check
/** The takes of a node: a strip of what it made before, to be looked at and taken up again. Nothing is submitted here. */

import { api } from "../../scripts/api.js";
import { idOf, rootGraph } from "./actions.js";
import { button, make } from "./elements.js";
import { takeSeedAndWords } from "./job_inputs.js";
import { factsOfTake, nameOfTake } from "./jobs_words.js";
import { fetchClip, getTakes, starTake, thumbnailOf } from "./server.js";
import { t } from "./text.js";

/** @typedef {import("./server.js").Job} Job */

/** Several clips may come at once, ms. */
const SETTLE_MS = 250;
/** That are asked for by name, of one node. */
const MOST_KEYS = 24;

/** @type {Set<TakesStrip>} */
const asking = new Set();
let timer = 0;

export class TakesStrip {
  /**
   * @param {any} node
   * @param {() => string[]} shownKeys of the jobs that stand on the node now
   * @param {(act: () => unknown) => unknown} attempt says what fails
   * @param {() => void} resized
   */
  constructor(node, shownKeys, attempt, resized) {
    this.node = node;
    this.shownKeys = shownKeys;
    this.attempt = attempt;
    this.resized = resized;
    /** @type {Job[]} */
    this.jobs = [];
    /** The keys of all that stood on the node while this page was open: made for another node first, they are its takes, too. @type {Set<string>} */
    this.seen = new Set();
    /** The key of the one that was looked at. */
    this.chosen = "";
    this.drawn = "";
    this.strip = make("div", { className: "strip", role: "radiogroup", "aria-label": t("Takes"), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) });
    this.strip.addEventListener("wheel", (event) => this.#scroll(event), { passive: false });
    this.about = make("div", { className: "about" });
    this.root = make("div", { className: "takes", hidden: true }, this.strip, this.about);
  }

  /** Ask for them, with those of other nodes, once nothing more is heard for a moment. */
  askSoon() {
    asking.add(this);
    clearTimeout(timer);
    timer = setTimeout(askTogether, SETTLE_MS);
  }

  /** The player shows what was made last. */
  madeAnother() {
    this.chosen = "";
    this.askSoon();
  }

  /** @param {string} key */
  has(key) {
    return this.jobs.some((job) => job.key === key);
  }

  /** @param {Job[]} jobs */
  show(jobs) {
    this.jobs = jobs;
    const isWorthIt = jobs.length > 1 || jobs.some(({ shown_at }) => !shown_at);
    const now = JSON.stringify([isWorthIt && jobs, this.#marked(), this.chosen]);
    if (now === this.drawn) return;
    this.drawn = now;
    const focused = /** @type {HTMLElement | null} */ (this.root.contains(document.activeElement) ? document.activeElement : null)?.dataset;
    this.root.hidden = !isWorthIt;
    this.strip.replaceChildren(...(isWorthIt ? jobs.map((job) => this.#take(job)) : []));
    this.about.replaceChildren(...(isWorthIt ? this.#aboutChosen() : []));
    if (focused?.key || focused?.act) {
      const same = focused.key ? `[data-key="${CSS.escape(focused.key)}"]` : `[data-act="${CSS.escape(focused.act ?? "")}"]`;
      (/** @type {HTMLElement | null} */ (this.root.querySelector(same)) ?? this.#stop())?.focus({ preventScroll: true });
    }
    this.resized();
  }

  /** The one that the node's player shows, as far as that is known. */
  #marked() {
    return this.chosen || (this.shownKeys().findLast((key) => this.has(key)) ?? "");
  }

  /** Where Tab leads. @returns {HTMLElement | null} */
  #stop() {
    return this.strip.querySelector('[tabindex="0"]');
  }

  /** @param {Job} job */
  #take(job) {
    const marked = this.#marked();
    const isStop = job.key === (marked || this.jobs[0].key);
    return make(
      "button",
      {
        type: "button",
        role: "radio",
        className: job.shown_at ? "take" : "take gone",
        tabIndex: isStop ? 0 : -1,
        title: nameOfTake(job, Date.now() / 1000),
        "aria-label": nameOfTake(job, Date.now() / 1000),
        "aria-checked": job.key === marked,
        "data-key": job.key,
        onclick: () => this.choose(job),
      },
      job.shown_at && make("img", { src: thumbnailOf(job), alt: "", draggable: false, loading: "lazy", onerror: (/** @type {Event} */ { target }) => /** @type {HTMLElement} */ (target).remove() }),
      job.starred && make("span", { className: "star pi pi-star-fill", "aria-hidden": "true" }),
    );
  }

  #aboutChosen() {
    const job = this.jobs.find(({ key }) => key === this.chosen);
    if (!job) return [];
    const act = (/** @type {string} */ label, /** @type {string} */ name, /** @type {() => unknown} */ does, more = {}) =>
      button(label, () => this.attempt(does), { "data-act": name, ...more });
    return [
      make("p", { className: "quiet" }, factsOfTake(job, Date.now() / 1000)),
      make("p", { className: "words", dir: "auto" }, job.prompt ?? ""),
      make(
        "div",
        { className: "offers" },
        !job.shown_at && job.fetchable && act(t("Fetch"), "fetch", () => this.fetch(job), { className: "primary", title: t("Ask the provider for the clip that was paid for. Nothing is submitted.") }),
        act(t("Use its seed and words"), "use", () => this.use(job)),
        act(t("Star"), "star", () => this.star(job), { "aria-pressed": job.starred, title: t("Keep this take above the others") }),
      ),
    ];
  }

  /** Show a take in the node's own player. @param {Job} job */
  choose(job) {
    this.chosen = job.key;
    this.show(this.jobs);
    /** @type {HTMLElement | null} */ (this.strip.querySelector(`[data-key="${CSS.escape(job.key)}"]`))?.focus({ preventScroll: true });
    const id = idOf(this.node);
    if (job.shown_at && id) api.dispatchCustomEvent("executed", { node: id, display_node: id, output: { images: [job.shown_at], animated: [true] }, prompt_id: "" });
  }

  /** @param {Job} job */
  async use(job) {
    if (!(await takeSeedAndWords(this.node, job))) throw new Error(t("Only its seed is known: its workflow was not saved with it."));
  }

  /** @param {Job} job */
  async star(job) {
    await starTake(job.key, !job.starred);
    await ask([this]);
  }

  /** @param {Job} job */
  async fetch(job) {
    const { begun } = await fetchClip(job.key);
    if (!begun) throw new Error(t("That clip can't be downloaded with the keys that are set here: it was made with another key, or elsewhere."));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const at = this.jobs.findIndex(({ key }) => key === /** @type {HTMLElement} */ (event.target).dataset.key);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: this.jobs.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.choose(this.jobs[Math.max(0, Math.min(to, this.jobs.length - 1))]);
    document.activeElement?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** A wheel turned over the strip moves it, where there is more than is seen. @param {WheelEvent} event */
  #scroll(event) {
    const { strip } = this;
    if (strip.scrollWidth <= strip.clientWidth || event.ctrlKey) return;
    event.preventDefault();
    event.stopPropagation();
    strip.scrollLeft += event.deltaX || event.deltaY;
  }
}

async function askTogether() {
  const strips = [...asking];
  asking.clear();
  await ask(strips).catch(() => {}); // what is on the page stays
}

/** @param {TakesStrip[]} strips */
async function ask(strips) {
  const wanted = strips.flatMap((strip) => {
    const id = strip.node.graph && idOf(strip.node);
    const prefix = strip.node.widgets.find((/** @type {any} */ { name }) => name === "filename_prefix")?.value;
    for (const key of strip.shownKeys()) strip.seen.add(key);
    return id ? [{ strip, id, filename_prefix: String(prefix ?? ""), keys: [...strip.seen].filter(Boolean).slice(-MOST_KEYS) }] : [];
  });
  if (!wanted.length) return;
  const { takes } = await getTakes(
    String(rootGraph()?.id ?? ""),
    wanted.map(({ id, filename_prefix, keys }) => ({ id, filename_prefix, keys })),
  );
  for (const { strip, id } of wanted) strip.show(takes[id] ?? []);
}
