// @ts-check
/** How the clip of a node stands, as what is to be shown of it. No page and no ComfyUI here. */

import { said, sentence } from "./said.js";
import { language, t } from "./text.js";

/**
 * @typedef {object} NodeError
 * @property {string} kind
 * @property {string} what
 * @property {string} billed a sentence
 * @property {string} next_step
 * @property {string | null} request_id
 * @property {string | null} code
 * @property {number | null} cost_usd
 * @property {string[]} actions
 * @property {string[]} successors ids of models
 */

/**
 * What the server tells of a node's clip.
 * @typedef {object} NodeStatus
 * @property {string} key of the job; empty before there is one
 * @property {string} text
 * @property {string} words what of it is said in words, without times and ids
 * @property {string | null} state
 * @property {string | null} request_id
 * @property {number | null} progress 0..1, where the provider gives a percentage
 * @property {string} model
 * @property {number | null} place in the provider's queue
 * @property {number | null} elapsed_s when it was told
 * @property {number | null} usually_s
 * @property {boolean} sandbox
 * @property {number | null} estimate_usd
 * @property {number | null} cost_usd
 * @property {string | null} file
 * @property {NodeError | null} error
 * @property {boolean} is_over
 * @property {string} prompt_id
 * @property {string} node_id as in the prompt: "12:5" for one inside a subgraph
 * @property {string | null} workflow_id
 * @property {number} item of a list, from 0
 * @property {number} asked_at seconds since 1970, the server's
 * @property {string} provider
 * @property {"working" | "left" | "here" | "made" | "made again" | "error" | "over"} phase
 * @property {boolean} is_background whether the node's `wait` is off
 * @property {string[]} notices
 * @property {number} [began_at] ms, by this page's clock
 */

/** @typedef {{name: string, value?: string}} Offer an action of `actions.js`, and what it is about */

/**
 * @typedef {object} Line
 * @property {"working" | "quiet" | "good" | "bad"} tone
 * @property {string} title
 * @property {boolean} ticks
 * @property {number | null} progress 0..1
 * @property {number | null} usually s, where nothing else says how far it is
 * @property {string[]} facts
 * @property {string[]} notes
 * @property {string} next the next step of an error
 * @property {string | null} requestId
 * @property {Offer[]} offers
 */

const TONES = /** @type {const} */ ({ working: "working", left: "quiet", here: "good", made: "good", "made again": "good", error: "bad", over: "quiet" });

/**
 * @param {NodeStatus} status
 * @param {boolean} [isOfSeveral] whether its node makes a list of clips
 * @returns {Line}
 */
export function lineOf(status, isOfSeveral = status.item > 0) {
  const { phase, error } = status;
  const isUnderWay = phase === "working" || phase === "left";
  return {
    tone: TONES[phase] ?? "quiet",
    title: isOfSeveral ? t("Clip {number}: {title}", { number: status.item + 1, title: titleOf(status) }) : titleOf(status),
    ticks: isUnderWay && status.began_at !== undefined,
    progress: isUnderWay ? status.progress : null,
    usually: isUnderWay && status.progress === null && status.began_at !== undefined ? status.usually_s : null,
    facts: [...(error ? errorFacts(error) : isUnderWay ? coming(status) : outcome(status))].filter(Boolean),
    notes: [...(status.is_background && phase === "left" ? [sentence(status.words)] : []), ...status.notices.map(said)],
    next: error ? said(error.next_step) : "",
    requestId: isUnderWay ? null : (error?.request_id ?? status.request_id),
    offers: offersOf(status, isOfSeveral),
  };
}

/** @param {NodeStatus} status */
function titleOf({ phase, words, error, is_background, file }) {
  if (phase === "here") return t("The clip is here");
  if (phase === "left" && is_background) return t("The clip is being made");
  return (phase === "made" || phase === "made again") && file ? file : sentence(error?.what ?? words);
}

/** @param {NodeStatus} status */
function coming({ usually_s, estimate_usd, sandbox }) {
  return [
    usually_s ? t("usually {time}", { time: clock(usually_s) }) : "",
    sandbox ? t("sandbox") : estimate_usd === null ? "" : t("about {cost}", { cost: dollars(estimate_usd) }),
  ];
}

/** @param {NodeStatus} status */
function outcome({ phase, file, sandbox, cost_usd }) {
  const free = sandbox ? t("sandbox, nothing was paid") : "";
  if (phase === "here") return [file ?? "", free || (cost_usd === null ? "" : dollars(cost_usd))];
  if (phase === "made again") return [sandbox ? t("made before, nothing was submitted") : t("paid for before, nothing was submitted")];
  return phase === "made" ? [free || (cost_usd === null ? "" : dollars(cost_usd))] : [];
}

/** @param {NodeError} error */
const errorFacts = ({ billed, cost_usd }) => [said(billed), cost_usd ? dollars(cost_usd) : ""];

/** @param {NodeStatus} status @param {boolean} isOfSeveral @returns {Offer[]} */
function offersOf({ phase, error }, isOfSeveral) {
  const next = isOfSeveral ? [] : [{ name: "continue" }];
  if (phase === "here") return [{ name: "hand_on" }, ...next];
  if (phase === "made" || phase === "made again") return next;
  if (!error) return [];
  return error.actions.flatMap((name) => (name === "successor" ? error.successors.map((value) => ({ name, value })) : [{ name }]));
}

const NEVER_MORE = 0.9;
const HASTE = 1.5;

/**
 * How far a clip may be, by nothing but how long its like took: two thirds at its usual time, and never near the end.
 *
 * @param {number} elapsed s
 * @param {number} usually s
 */
export const guessed = (elapsed, usually) => NEVER_MORE * (1 - Math.exp((-HASTE * Math.max(0, elapsed)) / usually));

/**
 * In a word, how the clips of a node stand that is folded up, or of those inside it.
 *
 * @param {NodeStatus[]} statuses
 */
export function signOf(statuses) {
  const underWay = statuses.filter(({ is_over }) => !is_over);
  if (underWay.length > 1) return t("{count} clip is being made|{count} clips are being made", { count: underWay.length });
  const last = underWay[0] ?? statuses.at(-1);
  return last ? lineOf(last).title : "";
}

/**
 * "0:05", "1:00:05".
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** @param {number} usd */
export const dollars = (usd) =>
  new Intl.NumberFormat(language(), { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", maximumFractionDigits: 4 }).format(usd);

/**
 * What is read out: it changes with the state, not with a figure in it.
 * @param {NodeStatus} status
 */
export const announcedOf = (status) => `${status.phase} ${titleOf(status).replace(/[\d.,]+/g, "#")}`;
