// @ts-check
/** The budget in the dialog: what may be spent on a day and in a month, beside what was. */

import { dollars } from "./account_words.js";
import { make } from "./elements.js";
import { said } from "./said.js";
import { saveBudget } from "./server.js";
import { t } from "./text.js";

/** @typedef {import("./server.js").Money} Money */

export function budgetSection() {
  const message = make("p", { className: "message", role: "status", id: "remote-video-budget-message" });
  const spent = make("span", { className: "quiet" });
  const fixed = make("p", { className: "quiet set-by" });
  const day = amount("budget_day");
  const month = amount("budget_month");
  const fields = /** @type {const} */ ([
    ["day", day],
    ["month", month],
  ]);
  const save = make("button", { type: "submit", className: "primary" }, t("Save"));
  const element = make(
    "form",
    { className: "account budget", autocomplete: "off", "aria-label": t("Budget"), onsubmit: submit },
    make("div", { className: "head" }, make("h3", {}, t("Budget")), spent),
    make(
      "div",
      { className: "entry" },
      make("label", {}, t("USD a day"), day),
      make("label", {}, t("USD a month"), month),
      save,
    ),
    fixed,
    make("p", { className: "quiet", id: "remote-video-budget-about" }, t("A clip that would exceed it is not sent. Empty: no budget.")),
    message,
  );
  let isChanged = false;
  let isBroken = false;
  element.addEventListener("input", () => {
    isChanged = true;
    if (!isBroken) tell("");
  });

  /** @param {Money} now */
  function show(now) {
    for (const [period, input] of fields) {
      input.disabled = now.budget[`${period}_variable`] !== null;
      if (!isChanged || input.disabled) input.value = String(now.budget[`${period}_usd`] ?? "");
    }
    save.disabled = fields.every(([, input]) => input.disabled);
    const variables = fields.map(([period]) => now.budget[`${period}_variable`]).filter((name) => name !== null);
    fixed.textContent = variables.length ? t("Set by the environment, which wins: {variables}.", { variables: variables.join(", ") }) : "";
    const [today, lately] = [now.day, now.month].map((sums) => dollars(sums.spent_usd + sums.expected_usd));
    spent.textContent = t("{day} today, {month} this month", { day: today, month: lately });
    if (isBroken || now.budget.error) tell(now.budget.error ? said(now.budget.error) : "", Boolean(now.budget.error));
    isBroken = Boolean(now.budget.error);
  }

  /** @param {string} text @param {boolean} [isError] */
  function tell(text, isError = false) {
    message.textContent = text;
    message.classList.toggle("error", isError);
  }

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    try {
      const [byDay, byMonth] = fields.map(([, input]) => (input.disabled ? "" : input.value));
      const now = await saveBudget(byDay, byMonth);
      isChanged = false;
      show(now);
      if (!now.budget.error) tell(t("Saved."));
    } catch (error) {
      tell(/** @type {Error} */ (error).message, true);
    }
  }

  return { element, show, fail: (/** @type {Error} */ error) => tell(error.message, true) };
}

/** @param {string} name */
function amount(name) {
  return make("input", {
    type: "number",
    min: "0",
    step: "any",
    name,
    placeholder: t("none"),
    "aria-describedby": "remote-video-budget-about remote-video-budget-message",
  });
}
