// @ts-check
/** One provider's account in the dialog: the state of its key, and a form to save, check and remove it. */

import { inWords, nextStep, stateOf } from "./account_words.js";
import { button, make } from "./elements.js";
import { askFirst } from "./modal.js";
import { said } from "./said.js";
import { checkAccount, forgetAccount, saveAccount } from "./server.js";
import { t } from "./text.js";

/** @typedef {import("./server.js").Account} Account */
/** @typedef {import("./server.js").Accounts} Accounts */

/**
 * @param {Account} first
 * @param {() => Promise<void>} refresh shows everything in the dialog anew
 */
export function accountRow(first, refresh) {
  const { provider, name } = first;
  const id = `remote-video-key-${provider}`;
  let account = first;
  let sandbox = false;
  let isBusy = false;
  let wasUnusable = false;

  const state = make("span", { className: "state", id: `${id}-state` });
  const message = make("p", { className: "message", id: `${id}-message`, role: "status" });
  const insist = button(t("Save it anyway"), () => save(true), { hidden: true });
  const key = make("input", {
    id,
    type: "password",
    autocomplete: "off",
    spellcheck: false,
    "aria-describedby": `${id}-state ${id}-where ${id}-message`,
    "data-1p-ignore": "true",
    "data-lpignore": "true",
    oninput: () => (insist.hidden = true),
  });
  const submit = make("button", { type: "submit", className: "primary" }, t("Save"));
  const check = button(t("Check"), () => act(async () => tell(told((await checkAccount(provider)).trial))));
  const remove = button(t("Remove"), forget);
  const session = make("input", { type: "checkbox", id: `${id}-session`, "aria-describedby": `${id}-why` });
  const why = make("p", { className: "quiet", id: `${id}-why` });
  const element = make(
    "form",
    {
      className: "account",
      "data-provider": provider,
      autocomplete: "off",
      "aria-label": t("{provider} account", { provider: name }),
      onsubmit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        if (key.value.trim()) save(false);
        else key.focus();
      },
    },
    make("div", { className: "head" }, make("label", { htmlFor: id }, t("{provider} key", { provider: name })), state),
    make("div", { className: "entry" }, key, submit, check, remove),
    make("label", { className: "choice", htmlFor: session.id }, session, t("For this session only: in memory, never on disk")),
    why,
    make(
      "p",
      { id: `${id}-where`, className: "quiet" },
      t("Get a key:"),
      " ",
      make("a", { href: first.key_page, target: "_blank", rel: "noopener noreferrer" }, `${name} > ${first.key_hint}`),
      make("br"),
      t("Without one of its own, these environment variables are read: {variables}.", { variables: first.variables.join(", ") }),
    ),
    message,
    insist,
  );

  /** @param {string} text @param {boolean} [isError] */
  function tell(text, isError = false) {
    message.textContent = text;
    message.classList.toggle("error", isError);
  }

  /** @param {import("./server.js").Trial} trial */
  const told = (trial) => inWords(trial, name, said(trial.words));

  function enable() {
    const kept = account.source === "saved" || account.source === "session";
    submit.disabled = insist.disabled = isBusy;
    check.disabled = isBusy || !account.set;
    remove.disabled = isBusy || !kept;
  }

  /** One thing at a time; what goes wrong is said. @param {() => Promise<void>} what */
  async function act(what) {
    if (isBusy) return;
    isBusy = true;
    insist.hidden = true;
    enable();
    tell(t("Asking..."));
    try {
      await what();
    } catch (error) {
      tell(/** @type {Error} */ (error).message, true);
    }
    isBusy = false;
    enable();
    if (!element.contains(document.activeElement)) key.focus();
  }

  /** @param {boolean} anyway */
  function save(anyway) {
    return act(async () => {
      const { kept, trial } = await saveAccount(provider, key.value, { session: session.checked, insist: anyway });
      if (kept) key.value = "";
      await refresh();
      insist.hidden = kept;
      const saved = kept ? t("Saved.") : t("It was not saved.");
      const next = kept ? nextStep(trial, sandbox) : t("Next: copy the key again from the provider's page, whole and alone.");
      tell([saved, trial && told(trial), next].filter(Boolean).join(" "), !kept);
      key.focus();
    });
  }

  async function forget() {
    const agreed = await askFirst(
      t("Remove the {provider} key?", { provider: name }),
      [
        t("It can't be shown again. To use it again, copy it from {provider}, or create a new one there.", { provider: name }),
        t("Jobs in progress are not cancelled. Their clips are downloaded once a key of the same account is entered again."),
      ],
      t("Remove the key"),
    );
    if (agreed)
      await act(async () => {
        await forgetAccount(provider);
        await refresh();
        tell(t("Removed."));
      });
  }

  return {
    element,
    focus: () => key.focus(),
    isSet: () => account.set,
    /** @param {Account} now @param {Accounts} all */
    show(now, all) {
      const isFirst = !state.textContent;
      account = now;
      sandbox = all.sandbox;
      const { text, mark } = stateOf(now, all.sandbox);
      state.textContent = text;
      state.dataset.state = mark;
      const kept = now.source === "saved" || now.source === "session";
      key.placeholder = kept ? t("Enter another key to replace this one") : t("Paste the key here");
      if (isFirst) session.checked = all.hoster !== null || now.source === "session";
      why.textContent = all.hoster
        ? t(
            "This machine is a session at {hoster} ({variable} is set). Saving such a machine, as Cloud Save does, freezes its folders into an image that others start from, and a saved key would go with it.",
            { hoster: all.hoster.name, variable: all.hoster.variable },
          )
        : t("It is forgotten when ComfyUI ends, and has to be entered again.");
      if (now.error) tell(said(now.error), true);
      else if (wasUnusable) tell("");
      wasUnusable = now.error !== null;
      enable();
    },
  };
}
