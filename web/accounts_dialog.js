// @ts-check
/** The accounts dialog: one row per provider, where a key is entered, replaced or removed, and the budget. Keys are never shown. */

import { button, make } from "./elements.js";
import { openModal } from "./modal.js";
import { forgetAccount, getAccounts, getMoney, saveAccount, saveBudget } from "./server.js";

/** @typedef {import("./server.js").Account} Account */
/** @typedef {import("./server.js").Money} Money */

const DOLLARS = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });

/** Open the dialog, once. */
export function openAccountsDialog() {
  if (document.querySelector(".remote-video-accounts")) return;
  const notice = make("p", { className: "notice", hidden: true });
  const rows = make("div", {}, make("p", {}, "Loading..."));
  const budget = make("div", {});
  const done = button("Close", () => modal.close());
  const modal = openModal(
    "Remote Video: Accounts",
    [
      make(
        "p",
        { className: "quiet" },
        "Keys stay on the machine that runs ComfyUI, in a file only its user can read. They are never shown here, " +
          "never saved in a workflow, and sent to nobody but their provider.",
      ),
      notice,
      rows,
      budget,
    ],
    [done],
  );
  modal.classList.add("remote-video-accounts");
  getAccounts().then(
    ({ accounts, sandbox }) => {
      notice.hidden = !sandbox;
      notice.textContent =
        "The sandbox is on (REMOTE_VIDEO_SANDBOX=1): nothing is sent to a provider, nothing costs money, no key is needed.";
      rows.replaceChildren(...accounts.map(accountRow));
      rows.querySelector("input")?.focus();
    },
    (error) => rows.replaceChildren(make("p", { className: "error", role: "alert" }, error.message)),
  );
  getMoney().then(
    (money) => budget.replaceChildren(budgetRow(money)),
    (error) => budget.replaceChildren(make("p", { className: "error", role: "alert" }, error.message)),
  );
}

/** @param {Money} money */
function budgetRow(money) {
  const message = make("p", { className: "message", role: "status" });
  const spent = make("span", { className: "quiet" });
  const fields = /** @type {const} */ (["day", "month"]).map((period) => ({ period, input: amount(period) }));

  /** @param {Money} now */
  function show(now) {
    for (const { period, input } of fields) {
      const variable = now.budget[`${period}_variable`];
      input.value = String(now.budget[`${period}_usd`] ?? "");
      input.disabled = variable !== null;
      input.title = variable ? `Set by ${variable}` : "";
    }
    const [day, month] = [now.day, now.month].map((sums) => DOLLARS.format(sums.spent_usd + sums.expected_usd));
    spent.textContent = now.sandbox ? "" : `${day} today, ${month} this month`;
    message.textContent = now.budget.error ?? "";
    message.classList.toggle("error", Boolean(now.budget.error));
  }

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    try {
      const [day, month] = fields.map(({ input }) => (input.disabled ? "" : input.value));
      show(await saveBudget(day, month));
      message.textContent ||= "Saved.";
    } catch (error) {
      message.textContent = /** @type {Error} */ (error).message;
      message.classList.add("error");
    }
  }

  show(money);
  return make(
    "form",
    { className: "account budget", autocomplete: "off", onsubmit: submit },
    make("header", {}, make("strong", {}, "Budget"), spent),
    make(
      "div",
      { className: "entry" },
      ...fields.map(({ period, input }) => make("label", {}, `USD a ${period} `, input)),
      make("button", { type: "submit", className: "primary" }, "Save"),
    ),
    make("p", { className: "quiet" }, "A clip that would cost more than is left of it is not sent. Empty: no budget."),
    message,
  );
}

/** @param {string} period */
function amount(period) {
  return make("input", { type: "number", min: "0", step: "any", name: `budget_${period}`, placeholder: "none" });
}

/** @param {Account} account */
function accountRow(account) {
  const id = `remote-video-key-${account.provider}`;
  const state = make("span", { className: "state" });
  const message = make("p", { className: "message", role: "status" });
  const key = make("input", {
    id,
    type: "password",
    autocomplete: "off",
    spellcheck: false,
    "aria-describedby": `${id}-where`,
    "data-1p-ignore": "true",
    "data-lpignore": "true",
  });
  const save = make("button", { type: "submit", className: "primary" }, "Save");
  const remove = button("Remove", () => change(() => forgetAccount(account.provider), "Removed."));

  /** @param {Account} now */
  function showState(now) {
    const saved = now.source === "saved";
    state.textContent = saved ? "saved" : now.source ? `from ${now.source}` : now.error ? "not usable" : "not set";
    state.dataset.state = now.set ? "good" : now.error ? "bad" : "off";
    key.placeholder = saved ? "Enter another key to replace the saved one" : "Paste the key here";
    remove.disabled = !saved;
    message.textContent = now.error ?? "";
    message.classList.toggle("error", Boolean(now.error));
  }

  /**
   * @param {() => Promise<{accounts: Account[]}>} act
   * @param {string} done
   */
  async function change(act, done) {
    save.disabled = remove.disabled = true;
    try {
      const { accounts } = await act();
      key.value = "";
      showState(accounts.find(({ provider }) => provider === account.provider) ?? account);
      message.textContent ||= done;
    } catch (error) {
      message.textContent = /** @type {Error} */ (error).message;
      message.classList.add("error");
      remove.disabled = state.textContent !== "saved";
    }
    save.disabled = false;
    key.focus();
  }

  /** @param {SubmitEvent} event */
  function submit(event) {
    event.preventDefault();
    if (key.value.trim()) change(() => saveAccount(account.provider, key.value), "Saved.");
    else key.focus();
  }

  showState(account);
  return make(
    "form",
    { className: "account", "data-provider": account.provider, autocomplete: "off", onsubmit: submit },
    make("header", {}, make("label", { htmlFor: id }, `${account.name} key`), state),
    make("div", { className: "entry" }, key, save, remove),
    make(
      "p",
      { id: `${id}-where`, className: "quiet" },
      "Get one: ",
      make("a", { href: account.key_page, target: "_blank", rel: "noopener noreferrer" }, `${account.name} > ${account.key_hint}`),
      `. Without a saved key, these environment variables are read: ${account.variables.join(", ")}.`,
    ),
    message,
  );
}
