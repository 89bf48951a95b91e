// @ts-check
/** The dialog of accounts and settings: keys, the sandbox, the budget, and what else is in force. Keys are never shown. */

import { accountRow } from "./account_row.js";
import { budgetSection } from "./budget_section.js";
import { button, make } from "./elements.js";
import { openModal } from "./modal.js";
import { SandboxSwitch } from "./sandbox.js";
import { getAccounts, getMoney, getSettings, onAccounts, onSandbox, stopOnSettings } from "./server.js";
import { settingsSection } from "./settings_section.js";
import { t } from "./text.js";

/** @typedef {ReturnType<typeof accountRow>} Row */

/** @type {{modal: HTMLDialogElement, focus: (provider?: string) => void} | null} */
let shown = null;

/**
 * Open the dialog, once.
 *
 * @param {string} [provider] whose key is asked for: its field gets the focus
 */
export function openAccountsDialog(provider) {
  if (shown) return shown.focus(provider);
  const about = make("p", { className: "quiet" }, t("Loading..."));
  const rows = make("div", { className: "rows" });
  const sandbox = new SandboxSwitch();
  const budget = budgetSection();
  const settings = settingsSection();
  /** @type {Map<string, Row>} */
  const byProvider = new Map();

  /** @param {Awaited<ReturnType<typeof getAccounts>>} told */
  function showAccounts(told) {
    about.className = "quiet";
    about.textContent = aboutKeys(told);
    for (const account of told.accounts) {
      const row = byProvider.get(account.provider) ?? accountRow(account, refresh);
      if (!byProvider.has(account.provider)) rows.append(row.element);
      byProvider.set(account.provider, row);
      row.show(account, told);
    }
  }

  async function refresh() {
    await Promise.all([
      getAccounts().then(showAccounts, (error) => {
        about.className = "error";
        about.textContent = error.message;
      }),
      getMoney().then(budget.show, budget.fail),
      getSettings().then(
        (now) => {
          sandbox.show(now);
          settings.show(now);
        },
        settings.fail,
      ),
    ]);
  }

  /** @param {string} [wanted] */
  function focus(wanted) {
    const row = byProvider.get(wanted ?? "") ?? [...byProvider.values()].find((one) => !one.isSet()) ?? [...byProvider.values()][0];
    row?.focus();
  }

  const done = button(t("Close"), () => modal.close());
  const parts = [sandbox.element, about, rows, budget.element, settings.element];
  const modal = openModal(t("Remote Video: accounts and settings"), parts, [done], "remote-video-accounts");
  const atFirst = document.activeElement;
  modal.setAttribute("aria-busy", "true");
  modal.addEventListener("close", () => {
    stopOnSettings(refresh);
    shown = null;
  });
  onAccounts(refresh);
  onSandbox(refresh);
  shown = { modal, focus };
  refresh().finally(() => {
    modal.removeAttribute("aria-busy");
    if (document.activeElement === atFirst) focus(provider);
  });
}

/** @param {Awaited<ReturnType<typeof getAccounts>>} told */
function aboutKeys({ multi_user }) {
  const kept = t(
    "Keys stay on the machine that runs ComfyUI. They are never shown here, never saved in a workflow, and sent only to their own provider.",
  );
  if (!multi_user) return kept;
  const shared = t(
    "This ComfyUI has several users (--multi-user). They share these keys, this budget and the list of jobs: whoever presses Run pays from the accounts below.",
  );
  return `${shared} ${kept}`;
}
