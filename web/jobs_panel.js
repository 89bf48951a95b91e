// @ts-check
/** The jobs panel: what was submitted, what became of it, and the way to let go of a job that can't be followed. */

import { app } from "../../scripts/app.js";
import { openAccountsDialog } from "./accounts_dialog.js";
import { priceOfGraph } from "./badges.js";
import { button, make } from "./elements.js";
import { askFirst } from "./modal.js";
import { cancelJob, forgetJob, getJobs, getMoney, listen, onReconnected, stopListening } from "./server.js";

/** @typedef {import("./server.js").Job} Job */

/** Several jobs may change at once: the list is asked for when they have settled, ms. */
const SETTLE_MS = 300;
/** How often the price of the graph is looked at while it is shown, ms: nothing tells of every change of a widget. */
const PRICE_EVERY_MS = 700;
const MAY_BE_BILLED = new Set(["uncertain", "expired"]);
const COSTS_NOTHING = new Set(["refused", "cancelled"]);
const AGES = /** @type {const} */ ([["day", 86400], ["hour", 3600], ["minute", 60]]);
const DOLLARS = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 4 });

export class JobsPanel {
  constructor() {
    this.list = make("ul", { className: "jobs", "aria-label": "Jobs" });
    this.message = make("p", { className: "message", role: "status" });
    this.price = make("p", { className: "quiet price" });
    this.spent = make("p", { className: "quiet spent" });
    this.shown = "";
    this.timer = 0;
    this.pricing = 0;
    /** @type {Map<string, {state: string, live: HTMLElement}>} */
    this.rows = new Map();
    this.refresh = this.refresh.bind(this);
    this.hear = this.hear.bind(this);
    onReconnected(() => this.root.isConnected && this.refresh());
    this.root = make(
      "section",
      { className: "remote-video remote-video-panel", "aria-label": "Remote Video" },
      make(
        "header",
        {},
        make("h2", {}, "Remote Video"),
        button("Refresh", this.refresh),
        button("Accounts...", () => openAccountsDialog()),
      ),
      this.message,
      this.price,
      this.spent,
      this.list,
    );
  }

  /** @param {HTMLElement} container */
  show(container) {
    if (this.root.parentElement === container) return;
    container.replaceChildren(this.root);
    listen(this.hear);
    clearInterval(this.pricing);
    this.pricing = setInterval(() => this.showPrice(), PRICE_EVERY_MS);
    this.showPrice();
    this.refresh();
  }

  showPrice() {
    const text = priceOfGraph(app.graph);
    if (this.price.textContent !== text) this.price.textContent = text;
  }

  hide() {
    stopListening(this.hear);
    clearTimeout(this.timer);
    clearInterval(this.pricing);
    this.root.remove();
  }

  /**
   * A line of a job that is shown is put where it stands; a new job, or a new state, brings the list anew.
   * @param {CustomEvent<import("./server.js").JobEvent>} event
   */
  hear({ detail: { key, state, text } }) {
    const row = this.rows.get(key);
    if (row) row.live.textContent = text;
    if (row && state !== null && row.state === state && state !== "stored") return;
    clearTimeout(this.timer);
    this.timer = setTimeout(this.refresh, SETTLE_MS);
  }

  async refresh() {
    try {
      const { jobs, sandbox } = await getJobs();
      this.say(sandbox ? "The sandbox is on: new jobs are free and go to no provider." : "");
      this.showJobs(jobs);
      this.spent.textContent = sandbox ? "" : spending(await getMoney());
    } catch (error) {
      this.say(/** @type {Error} */ (error).message, true);
    }
  }

  /**
   * Rows are made anew only when something changed: a refresh must not take the focus or a selection away.
   * @param {Job[]} jobs
   */
  showJobs(jobs) {
    const now = JSON.stringify(jobs);
    if (now === this.shown) {
      for (const time of this.list.querySelectorAll("time")) time.textContent = age(time.dateTime);
      return;
    }
    this.shown = now;
    this.rows.clear();
    this.list.replaceChildren(...jobs.map((job) => this.row(job)));
    if (!jobs.length) this.list.append(make("li", { className: "empty" }, "No jobs yet. Each clip you run is listed here."));
  }

  /** @param {string} text @param {boolean} [isError] */
  say(text, isError = false) {
    this.message.textContent = text;
    this.message.classList.toggle("error", isError);
  }

  /** @param {Job} job */
  row(job) {
    const facts = [
      job.sandbox ? "sandbox, nothing paid" : costOf(job),
      job.file_name,
    ].filter(Boolean);
    const live = make("p", { className: "quiet live" }, job.live ?? "");
    this.rows.set(job.key, { state: job.state, live });
    return make(
      "li",
      { className: "job", "data-state": job.state },
      make("header", {}, make("strong", {}, job.model), when(job.created_at)),
      make("p", { className: "state", "data-state": job.state }, job.state_text),
      live,
      facts.length > 0 && make("p", { className: "quiet" }, facts.join(" \u00b7 ")),
      job.error && make("p", { className: "error" }, job.error),
      job.request_id && requestId(job.request_id),
      job.cancellable && button("Cancel", () => this.cancel(job)),
      job.forgettable && button("Forget this job", () => this.forget(job), { className: "danger" }),
    );
  }

  /** @param {Job} job */
  async cancel(job) {
    try {
      const { asked } = await cancelJob(job.key);
      if (!asked) this.say("That job is not under way any more, or not with the accounts at hand.");
    } catch (error) {
      this.say(/** @type {Error} */ (error).message, true);
    }
  }

  /** @param {Job} job */
  async forget(job) {
    const agreed = await askFirst(
      `Forget this ${job.model} job?`,
      [
        "Running the same inputs again will then submit them anew, which may be paid for again.",
        MAY_BE_BILLED.has(job.state)
          ? `${job.provider} may have made and billed this clip. Look at its dashboard first.`
          : "This job ended without a clip; it is kept here only as a record.",
      ],
      "Forget this job",
    );
    if (!agreed) return;
    try {
      const { forgotten, why } = await forgetJob(job.key);
      await this.refresh();
      if (!forgotten) this.say(why);
    } catch (error) {
      this.say(/** @type {Error} */ (error).message, true);
    }
  }
}

/** @param {Job} job @returns {string} "$1.12", "about $1.12" while it isn't known, or nothing */
function costOf({ cost_usd, estimate_usd, state }) {
  if (cost_usd !== null) return DOLLARS.format(cost_usd);
  return estimate_usd === null || COSTS_NOTHING.has(state) ? "" : `about ${DOLLARS.format(estimate_usd)}`;
}

/** @param {string} id */
function requestId(id) {
  const text = make("code", {}, id);
  const copy = button("Copy", () => copyText(text, copy), { title: "Copy the request id", "aria-label": `Copy request id ${id}` });
  return make("p", { className: "request" }, text, copy);
}

/**
 * The clipboard is closed to pages on plain http from another machine; there the text is selected instead.
 * @param {HTMLElement} text
 * @param {HTMLButtonElement} copy
 */
async function copyText(text, copy) {
  try {
    await navigator.clipboard.writeText(text.textContent ?? "");
    copy.textContent = "Copied";
  } catch {
    getSelection()?.selectAllChildren(text);
    copy.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (copy.textContent = "Copy"), 2000);
}

/** @param {number} seconds since 1970 */
function when(seconds) {
  const date = new Date(seconds * 1000);
  return make("time", { dateTime: date.toISOString(), title: date.toLocaleString() }, age(date.toISOString()));
}

/** @param {string} moment @returns {string} "just now", "5 minutes ago" */
function age(moment) {
  const passed = (Date.now() - Date.parse(moment)) / 1000;
  const found = AGES.find(([, size]) => passed >= size);
  if (!found) return "just now";
  const [unit, size] = found;
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-Math.floor(passed / size), unit);
}

/** What was spent and what may be, in a line. @param {import("./server.js").Money} money */
function spending({ day, month, budget }) {
  if (budget.error) return budget.error;
  const of = (/** @type {number | null} */ cap) => (cap === null ? "" : ` of ${DOLLARS.format(cap)}`);
  const line = (/** @type {string} */ name, /** @type {import("./server.js").Spent} */ spent, /** @type {number | null} */ cap) =>
    `${name} ${DOLLARS.format(spent.spent_usd + spent.expected_usd)}${of(cap)}${spent.unknown ? `, ${spent.unknown} of unknown cost` : ""}`;
  if (!month.jobs && budget.day_usd === null && budget.month_usd === null) return "";
  return `Spent: ${line("today", day, budget.day_usd)}; ${line("this month", month, budget.month_usd)}.`;
}
