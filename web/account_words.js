// @ts-check
/** What is said of an account and its key. No page here. */

import { language, t } from "./text.js";

/** @typedef {import("./server.js").Account} Account */
/** @typedef {import("./server.js").Trial} Trial */

/** @param {number} usd */
export const dollars = (usd) => new Intl.NumberFormat(language(), { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" }).format(usd);

/**
 * @param {Account} account
 * @param {boolean} sandbox whether it is on
 * @returns {{text: string, mark: "good" | "bad" | "off"}}
 */
export function stateOf({ source, error }, sandbox) {
  if (error) return { text: t("not usable"), mark: "bad" };
  if (source === "saved") return { text: t("saved"), mark: "good" };
  if (source === "session") return { text: t("for this session"), mark: "good" };
  if (source) return { text: t("from {variable}", { variable: source }), mark: "good" };
  return { text: sandbox ? t("not set; the sandbox needs none") : t("not set"), mark: "off" };
}

/**
 * What came of trying a key.
 *
 * @param {Trial} trial
 * @param {string} provider
 * @param {string} words the trial's, in the user's language
 */
export function inWords(trial, provider, words) {
  const why = words.replace(/[.\s]+$/, "");
  if (trial.verdict === "refused") return t("{provider} does not accept this key. It says: {words}.", { provider, words: why });
  if (trial.verdict === "unanswered") return t("Whether {provider} accepts the key is not known: {words}.", { provider, words: why });
  return [
    t("{provider} accepts the key.", { provider }),
    trial.balance_usd !== null && t("Balance: {usd}.", { usd: dollars(trial.balance_usd) }),
    trial.models !== null && t("It offers {count} model.|It offers {count} models.", { count: trial.models }),
  ]
    .filter(Boolean)
    .join(" ");
}

/**
 * What to do after a key was kept.
 *
 * @param {Trial | null} trial
 * @param {boolean} sandbox whether it is on
 */
export function nextStep(trial, sandbox) {
  if (sandbox) return t("Next: turn the sandbox off; until then its free clips are made.");
  if (trial?.verdict === "unanswered") return t("Next: press Check, or Run: a clip is paid for only when the key is accepted.");
  if (trial?.balance_usd === 0) return t("Next: top up the account; it has no money for a clip.");
  return t("Next: close this window and press Run.");
}
