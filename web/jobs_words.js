// @ts-check
/** What the jobs panel says of jobs and money, in the user's language. No page and no ComfyUI here. */

import { said, sentence } from "./said.js";
import { language, t } from "./text.js";

/** @typedef {import("./server.js").Job} Job */
/** @typedef {import("./server.js").Money} Money */
/** @typedef {import("./server.js").RunPrice} RunPrice */

const COSTS_NOTHING = new Set(["refused", "cancelled"]);
const MAY_BE_BILLED = new Set(["uncertain", "expired"]);
const AGES = /** @type {const} */ ([["day", 86400], ["hour", 3600], ["minute", 60]]);

/** By what they are made for and the language: to make one takes longer than to make a row. @type {Map<string, any>} */
const made = new Map();

/**
 * @template T
 * @param {string} name
 * @param {(locale: string) => T} make
 * @returns {T}
 */
function kept(name, make) {
  const key = `${name} ${language()}`;
  if (!made.has(key)) made.set(key, make(language()));
  return made.get(key);
}

const MONEY = /** @type {const} */ ({ style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", maximumFractionDigits: 4 });

/** @param {number} usd @returns {string} "$1.12"; with up to four places where there are parts of a cent */
export const dollars = (usd) => kept("dollars", (locale) => new Intl.NumberFormat(locale, MONEY)).format(usd);

/** @param {Job} job @returns {string} "$1.12", "about $1.12" while it isn't known, or nothing */
export function costOf({ cost_usd, estimate_usd, state, sandbox }) {
  if (sandbox) return t("sandbox, nothing paid");
  if (cost_usd !== null) return dollars(cost_usd);
  return estimate_usd === null || COSTS_NOTHING.has(state) ? "" : t("about {cost}", { cost: dollars(estimate_usd) });
}

/** @param {number} seconds since 1970 @param {number} now the same @returns {string} "just now", "5m ago" */
export function age(seconds, now) {
  const passed = now - seconds;
  const [unit, size] = AGES.find(([, size]) => passed >= size) ?? [];
  if (!unit || !size) return t("just now");
  const format = kept("age", (locale) => new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "narrow" }));
  return format.format(-Math.floor(passed / size), unit);
}

/** @param {number} seconds since 1970 */
export const moment = (seconds) =>
  kept("moment", (locale) => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" })).format(seconds * 1000);

/** @param {number} seconds @returns {string} "1:05" */
export function clock(seconds) {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, String(whole % 60).padStart(2, "0")];
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** The facts in a row's last line. @param {Job} job */
export const factsOf = (job) =>
  [costOf(job), job.seconds !== null && t("took {time}", { time: clock(job.seconds) }), job.file_name, askerOf(job)].filter(Boolean).join(" \u00b7 ");

/** Who asked for it, where that may be somebody else. @param {Job} job */
const askerOf = ({ asked_by }) => asked_by && t("asked for by {who}", { who: asked_by });

/** The seed and the length of a job's clip. @param {Job} job @param {number | null} seconds of the clip; null while it isn't known */
export const takeOf = ({ seed }, seconds) =>
  [t("seed {seed}", { seed: String(seed) }), seconds !== null && Number.isFinite(seconds) && t("{seconds} s", { seconds: Math.round(seconds * 10) / 10 })].filter(Boolean).join(" \u00b7 ");

/** What is said of a take besides its words. @param {Job} job @param {number} now seconds since 1970 */
export const factsOfTake = (job, now) =>
  [t("seed {seed}", { seed: String(job.seed) }), age(job.created_at, now), job.file_name, !job.shown_at && standing(job)].filter(Boolean).join(" \u00b7 ");

/** A take's name for who can't see its picture. @param {Job} job @param {number} now seconds since 1970 */
export const nameOfTake = (job, now) => [job.starred && t("Starred"), factsOfTake(job, now), job.prompt].filter(Boolean).join(", ");

/** How a job stands, in a line: what was last said of it, while it is under way. @param {Job} job */
export const standing = (job) => sentence(job.live?.split("\n")[0] || job.state_text);

/** A row's name for who can't see it. @param {Job} job @param {number} now seconds since 1970 */
export const nameOf = (job, now) => [job.model, standing(job), age(job.created_at, now), job.prompt, askerOf(job)].filter(Boolean).join(", ");

/** What forgetting a job means for money. @param {Job} job @returns {string[]} */
export const whatForgettingMeans = (job) => [
  t("Running the same inputs again will then submit them anew, which may be paid for again."),
  MAY_BE_BILLED.has(job.state)
    ? t("{provider} may have made and billed this clip. Look at its dashboard first.", { provider: job.provider })
    : t("This job ended without a clip; it is kept here only as a record."),
];

/** What the clips of the open graph cost. @param {RunPrice} price @returns {string} empty where there is nothing to say */
export function priceOfRun({ clips, made, usd, is_from, unknown, sandbox }) {
  if (!clips || sandbox) return "";
  if (made === clips) return t("This Run: nothing to pay, its clip is there already.|This Run: nothing to pay, all {count} clips are there already.", { count: clips });
  const cost = dollars(usd);
  const known = clips - made - unknown;
  const sum = !known ? t("of a price that isn't known") : is_from ? t("from {cost}", { cost }) : t("about {cost}", { cost });
  const parts = [
    sum,
    !!known && !!unknown && t("{count} clip of a price that isn't known|{count} clips of a price that isn't known", { count: unknown }),
    made ? t("{made} of {clips} already paid", { made, clips }) : t("{count} clip|{count} clips", { count: clips }),
  ];
  return t("This Run: {parts}.", { parts: list(parts.filter((part) => part !== false)) });
}

/** What was spent and what may be, in a line. @param {Money} money @returns {string} */
export function spending({ day, month, budget, sandbox }) {
  if (sandbox) return "";
  if (budget.error) return said(budget.error);
  if (!month.jobs && budget.day_usd === null && budget.month_usd === null) return "";
  const today = ofBudget(day, budget.day_usd);
  const thisMonth = ofBudget(month, budget.month_usd);
  return t("Spent: today {today}; this month {month}.", { today, month: thisMonth });
}

/** @param {import("./server.js").Spent} spent @param {number | null} cap */
function ofBudget({ spent_usd, expected_usd, unknown }, cap) {
  const spent = dollars(spent_usd + expected_usd);
  const line = cap === null ? spent : t("{spent} of {budget}", { spent, budget: dollars(cap) });
  return unknown ? t("{line}, {count} of unknown cost", { line, count: unknown }) : line;
}

/** Between the parts of a line, where it isn't a comma and a space; `Intl.ListFormat` puts nothing there in Chinese. @type {Record<string, string>} */
const COMMAS = { zh: "\uff0c", "zh-TW": "\uff0c", ja: "\u3001", ar: "\u060c " };
/** @param {string[]} parts */
const list = (parts) => parts.join(COMMAS[language()] ?? ", ");
