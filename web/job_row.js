// @ts-check
/** One job in the panel's list: made once, and changed in place, so that no focus and no selection is lost. */

import { copyButton } from "./copying.js";
import { button, make } from "./elements.js";
import { age, factsOf, moment, nameOf, standing, takeOf } from "./jobs_words.js";
import { said } from "./said.js";
import { clipAt, thumbnailOf } from "./server.js";
import { t } from "./text.js";

/** @typedef {import("./server.js").Job} Job */
/** @typedef {"play" | "place" | "inputs" | "continue" | "node" | "fetch" | "cancel" | "path" | "forget"} Action */
/** @typedef {(action: Action, job: Job, row: JobRow) => void} Act */

/** What a dragged clip is to whoever it is dropped on. */
export const DRAGGED = "application/x-remote-video-clip";
/** What stands in place of a picture, by state. @type {Record<string, string>} */
const ICONS = { intent: "pi-upload", submitted: "pi-hourglass", finished: "pi-download", uncertain: "pi-question", expired: "pi-exclamation-triangle", refused: "pi-ban", failed: "pi-times", cancelled: "pi-ban" };
/** Thumbnails that could not be had; they are not asked for again. */
const without = new Set();

export class JobRow {
  /** @param {Job} job @param {Act} act */
  constructor(job, act) {
    this.job = job;
    this.act = act;
    this.image = make("img", { alt: "", decoding: "async", onerror: () => this.#noPicture(), onload: () => this.image.classList.add("there") });
    this.icon = make("span", { "aria-hidden": "true" });
    this.thumb = make("button", { type: "button", className: "thumb", tabIndex: -1, onclick: () => this.do("play"), ondragstart: (/** @type {DragEvent} */ event) => this.#drag(event) }, this.image, this.icon);
    this.model = make("strong", {});
    this.time = make("time", {});
    this.state = make("p", { className: "state", dir: "auto" });
    this.prompt = make("p", { className: "words", dir: "auto" });
    this.facts = make("p", { className: "quiet" });
    this.element = make(
      "li",
      { className: "job", tabIndex: -1, "data-key": job.key },
      this.thumb,
      make("div", { className: "about" }, make("div", { className: "title" }, this.model, this.time), this.state, this.prompt, this.facts),
    );
    /** @type {ReturnType<typeof this.makeMore> | null} */
    this.more = null;
    /** @type {HTMLVideoElement | null} */
    this.video = null;
    /** @type {HTMLVideoElement | null} */
    this.measuring = null;
    /** @type {number | null} of the clip, once it is known */
    this.seconds = null;
    this.isOpen = false;
    this.isDrawn = false;
  }

  /** @param {Action} action */
  do(action) {
    this.act(action, this.job, this);
  }

  /** Ask for the picture; rows that only pass by while the list is scrolled never do. */
  showPicture() {
    const { job, image } = this;
    const address = job.shown_at && !without.has(job.key) ? thumbnailOf(job) : "";
    if (address && image.getAttribute("src") !== address) image.src = address;
  }

  /**
   * @param {Job} job
   * @param {boolean} isOpen whether it is the one that is looked at
   * @param {number} place from 0
   * @param {number | null} count how many there are; null when that isn't known
   */
  update(job, isOpen, place, count) {
    const { element, thumb } = this;
    put(element, "aria-posinset", String(place + 1));
    put(element, "aria-setsize", String(count ?? -1));
    if (this.isDrawn && job === this.job && isOpen === this.isOpen) return;
    this.isDrawn = true;
    this.job = job;
    this.isOpen = isOpen;
    element.dataset.state = job.state;
    element.classList.toggle("open", isOpen);
    element.tabIndex = isOpen ? 0 : -1;
    put(this.state, "data-state", job.state);
    write(this.model, job.model);
    write(this.state, standing(job));
    write(this.prompt, job.prompt ?? "");
    write(this.facts, factsOf(job));
    put(this.time, "datetime", new Date(job.created_at * 1000).toISOString());
    put(this.time, "title", moment(job.created_at));
    thumb.disabled = !job.shown_at;
    put(this.icon, "class", `pi ${job.shown_at ? "pi-play" : ICONS[job.state] ?? "pi-video"}`);
    thumb.draggable = !!job.shown_at;
    thumb.tabIndex = isOpen && job.shown_at ? 0 : -1;
    put(thumb, "aria-label", t("Play {file}", { file: job.file_name ?? job.model }));
    element.style.setProperty("--rv-progress", job.progress === null ? "0" : String(job.progress));
    if (isOpen) this.#showMore();
    else this.more?.root.remove();
    if (!isOpen || !job.shown_at) this.stop();
    this.tick();
  }

  /** Say anew how old it is. */
  tick() {
    const now = Date.now() / 1000;
    write(this.time, age(this.job.created_at, now));
    put(this.element, "aria-label", nameOf(this.job, now));
  }

  /** Play the clip in the row. */
  play() {
    if (!this.job.shown_at) return;
    if (!this.video) {
      this.video = make("video", { className: "player", controls: true, loop: true, playsInline: true, src: clipAt(this.job.shown_at), "aria-label": this.job.file_name ?? this.job.model });
      this.element.append(this.video);
    }
    this.video.play().catch(() => {});
  }

  stop() {
    this.video?.pause();
    this.video?.remove();
    this.video = null;
  }

  makeMore() {
    const live = make("p", { className: "quiet live", dir: "auto" });
    const take = make("p", { className: "quiet take" });
    const whole = make("p", { className: "words", dir: "auto" });
    const error = make("p", { className: "error" });
    const id = make("code", {});
    const copy = copyButton(id, "");
    const request = make("p", { className: "request" }, id, copy);
    /** @type {Record<Action, HTMLButtonElement>} */
    const buttons = {
      play: button(t("Play"), () => this.do("play")),
      place: button(t("Add to graph"), () => this.do("place"), { title: t("Put a Load Video node with this clip on the canvas. The picture can be dragged there, too.") }),
      inputs: button(t("Load inputs"), () => this.do("inputs"), { title: t("Put the node that made this clip on the canvas, as it was, with all that fed it") }),
      continue: button(t("Continue from last frame"), () => this.do("continue"), { title: t("Put the next shot's node on the canvas, wired to the last frame of this clip") }),
      node: button(t("Show node"), () => this.do("node"), { title: t("Show the node that asked for this clip") }),
      fetch: button(t("Download again"), () => this.do("fetch"), { title: t("Ask the provider for the clip that was paid for. Nothing is submitted.") }),
      cancel: button(t("Cancel"), () => this.do("cancel")),
      path: button(t("Copy path"), () => this.do("path")),
      forget: button(t("Forget this job"), () => this.do("forget"), { className: "danger" }),
    };
    const root = make("div", { className: "more" }, whole, take, live, error, request, make("div", { className: "actions" }, ...Object.values(buttons)));
    return { root, whole, take, live, error, id, copy, request, buttons };
  }

  #showMore() {
    const { job } = this;
    this.more ??= this.makeMore();
    const { root, whole, take, live, error, id, copy, request, buttons } = this.more;
    write(whole, job.prompt ?? "");
    write(take, takeOf(job, this.seconds));
    this.#measure();
    write(live, said(job.live?.split("\n").slice(1).join("\n") ?? ""));
    write(error, said(job.error ?? ""));
    write(id, job.request_id ?? "");
    put(copy, "aria-label", t("Copy request id {id}", { id: job.request_id ?? "" }));
    request.hidden = !job.request_id;
    const offered = {
      play: !!job.shown_at,
      place: !!job.shown_at,
      inputs: !!job.node_id,
      continue: !!job.node_id && job.state === "stored",
      node: !!job.node_id,
      fetch: job.fetchable,
      cancel: job.cancellable,
      path: !!job.path,
      forget: job.forgettable,
    };
    for (const [name, isOffered] of Object.entries(offered)) {
      const one = buttons[/** @type {Action} */ (name)];
      if (!isOffered && one === document.activeElement) this.element.focus();
      one.hidden = !isOffered;
    }
    if (!root.isConnected) this.thumb.parentElement?.insertBefore(root, this.video);
  }

  /** Its length stands in the clip. */
  #measure() {
    const { shown_at } = this.job;
    if (this.seconds !== null || !shown_at || this.measuring) return;
    this.measuring = make("video", { preload: "metadata", src: clipAt(shown_at) });
    this.measuring.onloadedmetadata = () => {
      this.seconds = Number(this.measuring?.duration);
      this.measuring?.removeAttribute("src");
      if (this.more) write(this.more.take, takeOf(this.job, this.seconds));
    };
  }

  #noPicture() {
    if (!this.image.hasAttribute("src")) return;
    without.add(this.job.key);
    this.image.removeAttribute("src");
    this.image.classList.remove("there");
  }

  /** @param {DragEvent} event */
  #drag(event) {
    event.dataTransfer?.setData(DRAGGED, JSON.stringify(this.job.shown_at));
    if (event.dataTransfer) event.dataTransfer.effectAllowed = "copy";
  }
}

/** @param {Element} element @param {string} text */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {string} name @param {string} value */
function put(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
