// @ts-check
/** The jobs panel: what was submitted, what became of it, what it costs, and what can be done about it. */

import { app } from "../../scripts/app.js";
import { openAccountsDialog } from "./accounts_dialog.js";
import { button, make } from "./elements.js";
import { continueJob, loadInputs } from "./job_inputs.js";
import { placeClip, showNode } from "./jobs_canvas.js";
import { JobsFilter } from "./jobs_filter.js";
import { JobsList } from "./jobs_list.js";
import { Feed, JobsModel, Latest, everything, isNarrowed } from "./jobs_model.js";
import { nameOf, priceOfRun, spending, whatForgettingMeans } from "./jobs_words.js";
import { askFirst } from "./modal.js";
import { runPrice } from "./run_price.js";
import { said } from "./said.js";
import { cancelJob, fetchClip, forgetJob, getAccounts, getJobs, getMoney, getTheseJobs, listen, listenTo, onForgotten, stopListening } from "./server.js";
import { setSandbox } from "./sandbox.js";
import { direction, t } from "./text.js";

/** @typedef {import("./server.js").Job} Job */
/** @typedef {import("./job_row.js").JobRow} JobRow */

/** Several jobs may change at once: they are asked for when they have settled, ms. */
const SETTLE_MS = 250;
/** How often ages are written anew, ms. */
const TICK_MS = 30_000;
/** How far down a job is looked for that is to be shown. */
const LOOKED_THROUGH = 10_000;

class JobsPanel {
  constructor() {
    this.model = new JobsModel();
    this.feed = new Feed(this.model, { page: getJobs, these: getTheseJobs }, () => this.changed(), (error) => this.failed(error));
    this.jobs = new JobsList(this.model, (action, job, row) => this.act(action, job, row), () => this.#settled(this.feed.more(this.jobs.wantsEnd)));
    this.filter = new JobsFilter((wanted) => this.narrow(wanted));
    this.money = new Latest(getMoney, (money) => write(this.spent, spending(money)), () => write(this.spent, ""));
    runPrice.watch((price) => write(this.run, price ? priceOfRun(price) : ""));
    this.run = make("p", { className: "price" });
    this.version = make("small", { className: "quiet" });
    this.spent = make("p", { className: "quiet spent" });
    this.sandbox = make("p", { className: "notice sandbox", hidden: true }, t("The sandbox is on: new clips are free and go to no provider."));
    this.live = make("p", { className: "for-readers", role: "status", "aria-live": "polite" });
    this.words = make("p", {});
    this.dismiss = button("\u2715", () => this.say(""), { "aria-label": t("Dismiss") });
    this.message = make("div", { className: "message", hidden: true }, this.words, this.dismiss);
    this.state = make("div", { className: "instead", hidden: true });
    this.count = make("p", { className: "quiet count" });
    this.settling = 0;
    this.ticking = 0;
    this.isBusy = false;
    /** Whether a question failed and no answer came since. */
    this.isOffline = false;
    /** @type {Set<string>} */
    this.heardOf = new Set();
    this.hear = (/** @type {CustomEvent<import("./server.js").JobEvent>} */ { detail }) => this.heard(detail);
    onForgotten(({ detail: { key } }) => this.isShown && this.feed.heard([key]));
    listenTo("reconnected", () => this.isShown && this.refresh());
    listenTo("reconnecting", () => this.isShown && this.failed(new Error(t("ComfyUI does not answer. Is it still running?"))));
    listenTo("remote_video.sandbox", () => this.isShown && this.refresh());
    this.root = make(
      "section",
      { className: "remote-video remote-video-panel", dir: direction(), "aria-label": "Remote Video" },
      make(
        "header",
        {},
        make("h2", {}, "Remote Video ", this.version),
        button(t("Refresh"), () => this.refresh()),
        button(t("Accounts..."), () => openAccountsDialog()),
      ),
      this.sandbox,
      this.run,
      this.spent,
      this.filter.root,
      this.message,
      this.live,
      this.jobs.root,
      this.state,
      this.count,
    );
  }

  get isShown() {
    return this.root.isConnected;
  }

  /** @param {HTMLElement} container */
  show(container) {
    if (this.root.parentElement === container) return;
    container.style.height = "100%"; // else the list would be as high as all its rows
    container.replaceChildren(this.root);
    listen(this.hear);
    this.ticking = setInterval(() => this.jobs.tick(), TICK_MS);
    this.refresh();
  }

  hide() {
    stopListening(this.hear);
    clearTimeout(this.settling);
    clearInterval(this.ticking);
    this.root.remove();
  }

  // -- what is shown ------------------------------------------------------------------------------------------------

  /**
   * A line of a job that is shown is put where it stands; of a new job, or a new state, the whole is asked for.
   * @param {import("./server.js").JobEvent} event
   */
  heard({ key, state, text, progress }) {
    const job = this.model.byKey.get(key);
    if (job) {
      this.model.note(key, { live: text, progress });
      this.jobs.render();
    }
    if (job && state !== null && job.state === state && state !== "stored") return;
    this.heardOf.add(key);
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.ask(), SETTLE_MS);
  }

  ask() {
    const keys = [...this.heardOf];
    this.heardOf.clear();
    this.money.want(undefined);
    runPrice.again();
    return this.#settled(this.feed.heard(keys));
  }

  /** Ask for all that is shown anew; rows that may have changed further down, too. */
  async refresh() {
    this.money.want(undefined);
    runPrice.again();
    await this.#settled(this.feed.refresh());
  }

  /** Show that something is asked for, and what is so once it is answered. @param {Promise<void>} work */
  async #settled(work) {
    this.showState();
    await work;
    this.showState();
  }

  /** @param {import("./server.js").Wanted} wanted */
  async narrow(wanted) {
    this.jobs.root.scrollTop = 0;
    await this.#settled(this.feed.refresh(wanted));
  }

  /** An answer was taken. */
  changed() {
    if (this.isOffline) this.say("");
    this.isOffline = false;
    this.sandbox.hidden = !this.model.sandbox;
    this.version.textContent = this.model.version;
    this.filter.offer(this.model.models);
    this.jobs.changed();
    this.showState();
  }

  /** @param {Error} error */
  failed(error) {
    this.isOffline = true;
    if (this.model.rows.length) this.say(`${said(error.message)} ${t("The list is as it was.")}`, true);
    this.error = said(error.message);
    this.showState();
  }

  /** What stands in place of the list, and below it. */
  showState() {
    const { model } = this;
    const isEmpty = !model.rows.length;
    const kind = isEmpty ? this.#kindOfEmpty() : "";
    this.root.setAttribute("aria-busy", String(this.feed.isBusy));
    this.root.classList.toggle("offline", this.isOffline);
    this.jobs.root.hidden = isEmpty;
    this.state.hidden = !isEmpty;
    this.filter.root.hidden = kind === "empty" || (kind === "loading" && !isNarrowed(model.wanted)) || (kind === "error" && !model.isKnown);
    if (this.state.dataset.kind !== kind || kind === "error") this.#fill(kind);
    const shown = model.total ?? model.rows.length;
    const isAll = model.next === null || model.total !== null;
    const text = isEmpty ? "" : isAll ? t("{count} job|{count} jobs", { count: shown }) : t("the newest {count} jobs", { count: shown });
    write(this.count, text);
    if (!this.feed.isBusy) this.announce(isEmpty ? this.state.querySelector("p")?.textContent ?? "" : text);
  }

  #kindOfEmpty() {
    const { model, feed, isOffline } = this;
    if (feed.isBusy ? isOffline || !model.isKnown || model.next !== null : !model.isKnown && !isOffline) return "loading";
    if (isOffline) return "error";
    return isNarrowed(model.wanted) ? "none" : "empty";
  }

  /** @param {string} kind */
  #fill(kind) {
    this.state.dataset.kind = kind;
    const again = button(t("Try again"), () => this.refresh(), { className: "primary" });
    const all = button(t("Show all jobs"), () => this.filter.clear(), { className: "primary" });
    /** @type {Record<string, () => Node[]>} */
    const states = {
      loading: () => [make("p", { className: "for-readers" }, t("Loading jobs")), ...Array.from({ length: 4 }, () => make("div", { className: "skeleton", "aria-hidden": "true" }))],
      error: () => [make("span", { className: "pi pi-exclamation-triangle", "aria-hidden": "true" }), make("p", {}, this.error ?? ""), again],
      none: () => [make("span", { className: "pi pi-search", "aria-hidden": "true" }), make("p", {}, t("No job matches.")), all],
      empty: () => [make("span", { className: "pi pi-video", "aria-hidden": "true" }), make("p", {}, t("No jobs yet. Each clip you run is listed here."))],
    };
    const hadFocus = this.state.contains(document.activeElement);
    this.state.replaceChildren(...(states[kind]?.() ?? []));
    if (hadFocus) (this.state.querySelector("button") ?? this.root.querySelector("button"))?.focus();
    if (kind === "empty") this.#offerTheFirstStep();
  }

  /** Without a key and without the sandbox nothing can be made: the two ways on. */
  async #offerTheFirstStep() {
    const { accounts, sandbox } = await getAccounts().catch(() => ({ accounts: [], sandbox: true }));
    if (sandbox || accounts.some(({ set }) => set) || this.state.dataset.kind !== "empty") return;
    this.state.append(
      make("p", { className: "quiet" }, t("To make clips, enter a provider's key. The sandbox makes marked test clips on this machine, free and without a key.")),
      make("div", { className: "actions" }, button(t("Enter a key"), () => openAccountsDialog(), { className: "primary" }), button(t("Try the sandbox"), () => this.#trySandbox())),
    );
  }

  async #trySandbox() {
    await this.attempt(async () => {
      await setSandbox(true);
      this.state.dataset.kind = "";
      await this.refresh();
    });
  }

  /**
   * Say something that stays until it is dismissed, or until the next action.
   * @param {string} text @param {boolean} [isError]
   */
  say(text, isError = false) {
    const hadFocus = this.message.contains(document.activeElement);
    write(this.words, text);
    this.message.hidden = !text;
    this.message.classList.toggle("error", isError);
    if (text) this.announce(text);
    else if (hadFocus) this.jobs.focus();
  }

  /** For who can't see the page; nothing is said twice. @param {string} text */
  announce(text) {
    write(this.live, text);
  }

  // -- what is done -------------------------------------------------------------------------------------------------

  /** One action at a time; what fails is said. @param {() => Promise<void>} work */
  async attempt(work) {
    if (this.isBusy) return;
    this.isBusy = true;
    this.root.classList.add("busy");
    this.say("");
    try {
      await work();
    } catch (error) {
      this.say(said(/** @type {Error} */ (error).message), true);
    } finally {
      this.isBusy = false;
      this.root.classList.remove("busy");
    }
  }

  /** @param {import("./job_row.js").Action} action @param {Job} job @param {JobRow} row */
  act(action, job, row) {
    /** @type {Record<import("./job_row.js").Action, () => Promise<void>>} */
    const does = {
      play: async () => this.play(job, row),
      place: async () => placeClip(/** @type {import("./server.js").ShownAt} */ (job.shown_at)),
      inputs: () => loadInputs(job),
      continue: () => continueJob(job),
      node: async () => {
        if (!showNode(job.node_id ?? "")) this.say(t("The open graph has no node {id} that makes clips: this job belongs to another graph.", { id: job.node_id ?? "" }), true);
      },
      fetch: async () => {
        const { begun } = await fetchClip(job.key);
        this.say(begun ? "" : t("That clip can't be downloaded with the keys that are set here: it was made with another key, or elsewhere."), !begun);
        await this.feed.heard([job.key]);
      },
      cancel: async () => {
        const { asked } = await cancelJob(job.key);
        if (!asked) this.say(t("That job is no longer in progress, or its key is not set here."), true);
        await this.feed.heard([job.key]);
      },
      path: async () => this.copyPath(job),
      forget: async () => this.forget(job),
    };
    return this.attempt(does[action]);
  }

  /** @param {Job} job @param {JobRow} row */
  play(job, row) {
    this.jobs.openRow(job.key);
    row.play();
    this.jobs.isGoing = true;
    this.jobs.render();
  }

  /** @param {Job} job */
  async copyPath({ path }) {
    try {
      await navigator.clipboard.writeText(path ?? "");
      this.say(t("Copied: {path}", { path: path ?? "" }));
    } catch {
      this.say(path ?? "");
      getSelection()?.selectAllChildren(this.words);
    }
  }

  /** @param {Job} job */
  async forget(job) {
    const title = t("Forget this {model} job?", { model: job.model });
    if (!(await askFirst(title, whatForgettingMeans(job), t("Forget this job")))) return;
    const { forgotten, why } = await forgetJob(job.key);
    this.jobs.focus();
    await this.feed.heard([job.key]);
    this.jobs.focus();
    if (!forgotten) this.say(said(why), true);
    else this.money.want(undefined);
  }

  /** Find a job's row, open it and put the focus there. @param {string} key */
  async find(key) {
    if (isNarrowed(this.model.wanted)) this.filter.clear();
    await this.refresh();
    const { jobs } = await getTheseJobs([key]);
    const [wanted] = jobs;
    if (!wanted) return this.say(t("That job is no longer in the list."), true);
    const isFurther = () => this.model.indexOf(key) < 0 && this.model.next !== null;
    while (isFurther() && this.model.rows.length < LOOKED_THROUGH && !this.isOffline) await this.feed.more(true);
    if (this.model.indexOf(key) < 0) await this.feed.refresh({ ...everything(), search: wanted.request_id ?? "", states: [wanted.state] });
    this.jobs.go(this.model.indexOf(key));
    this.announce(nameOf(wanted, Date.now() / 1000));
  }
}

/** @type {JobsPanel | null} */
let panel = null;

export const jobsPanel = () => (panel ??= new JobsPanel());

/** Open the sidebar tab, find the job's row and put the focus there. @param {string} key */
export async function showJob(key) {
  const { isShown } = jobsPanel();
  if (!isShown) await app.extensionManager.command.execute("Workspace.ToggleSidebarTab.remote-video");
  while (!jobsPanel().isShown) await new Promise((next) => requestAnimationFrame(next));
  await jobsPanel().find(key);
}

/** @param {Element} element @param {string} text */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
