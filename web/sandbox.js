// @ts-check
/** The sandbox as the page shows it: its switch, in the dialog and as a command. */

import { app } from "../../scripts/app.js";
import { make } from "./elements.js";
import { getSettings, switchSandbox } from "./server.js";
import { t } from "./text.js";

/** How long what was switched stays to be read, ms. */
const READ_MS = 6000;

/**
 * Switch the sandbox, and say so; every page is told by an event.
 *
 * @param {boolean} on
 * @returns {Promise<boolean>} whether that was done; what went wrong is said
 */
export async function setSandbox(on) {
  const { toast } = app.extensionManager;
  try {
    await switchSandbox(on);
  } catch (error) {
    toast.add({ severity: "error", summary: t("The sandbox was not switched"), detail: /** @type {Error} */ (error).message });
    return false;
  }
  toast.add({
    severity: on ? "warn" : "info",
    summary: on ? t("The sandbox is on") : t("The sandbox is off"),
    detail: on
      ? t("New clips are made on this machine, marked SANDBOX, and cost nothing.")
      : t("New clips are made by their providers and paid for."),
    life: READ_MS,
  });
  return true;
}

/** Switch it over from how it is now. */
export async function toggleSandbox() {
  try {
    await setSandbox(!(await getSettings()).sandbox);
  } catch (error) {
    app.extensionManager.toast.add({ severity: "error", summary: t("The sandbox was not switched"), detail: /** @type {Error} */ (error).message });
  }
}

/** The switch in the dialog, with what it does. */
export class SandboxSwitch {
  constructor() {
    this.input = make("input", {
      type: "checkbox",
      role: "switch",
      id: "remote-video-sandbox",
      "aria-describedby": "remote-video-sandbox-about remote-video-sandbox-message",
      onchange: () => this.change(),
    });
    this.about = make("p", { id: "remote-video-sandbox-about" });
    this.message = make("p", { className: "message", role: "status", id: "remote-video-sandbox-message" });
    this.element = make(
      "section",
      { className: "sandbox", "aria-label": t("Sandbox") },
      make("label", { className: "choice", htmlFor: this.input.id }, this.input, t("Sandbox")),
      this.about,
      this.message,
    );
  }

  /** @param {import("./server.js").Settings} now */
  show({ sandbox, sandbox_variable: variable }) {
    this.input.checked = sandbox;
    this.input.disabled = variable !== null;
    this.element.dataset.on = String(sandbox);
    const does = sandbox
      ? t("The sandbox is on: new clips are made on this machine, marked SANDBOX. They cost nothing, need no key and go to no provider. Clips that were paid for before are still downloaded.")
      : t("Try everything without a key: clips are made on this machine, marked SANDBOX, and cost nothing. It takes effect at once.");
    this.about.textContent = variable ? `${does} ${t("Set by {variable}.", { variable })}` : does;
  }

  async change() {
    const on = this.input.checked;
    this.tell("");
    try {
      await switchSandbox(on);
      this.tell(on ? t("Next: close this window and press Run.") : t("Next: Run makes clips that are paid for."));
    } catch (error) {
      this.input.checked = !on;
      this.tell(/** @type {Error} */ (error).message, true);
    }
  }

  /** @param {string} text @param {boolean} [isError] */
  tell(text, isError = false) {
    this.message.textContent = text;
    this.message.classList.toggle("error", isError);
  }
}
