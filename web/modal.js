// @ts-check
/** A modal window on the browser's own <dialog>: it keeps the focus inside, gives it back, and closes on Escape. */

import { button, make } from "./elements.js";

let opened = 0;

/**
 * @param {string} title
 * @param {Node[]} content
 * @param {Node[]} actions the buttons at the foot
 * @returns {HTMLDialogElement} shown already; it removes itself when closed
 */
export function openModal(title, content, actions) {
  const titleId = `remote-video-modal-${++opened}`;
  const modal = make(
    "dialog",
    {
      className: "remote-video remote-video-modal",
      "aria-labelledby": titleId,
      onclose: () => {
        window.removeEventListener("keydown", onKey, true);
        modal.remove();
      },
    },
    make("h2", { id: titleId }, title),
    ...content,
    make("footer", {}, ...actions),
  );

  /**
   * ComfyUI's key bindings act on the graph behind the window, and keep Escape from it. Keys are taken before they see
   * them; what a key does to a field or a button is the browser's own doing and goes on.
   * @param {KeyboardEvent} event
   */
  function onKey(event) {
    event.stopImmediatePropagation();
    if (event.key !== "Escape") return;
    event.preventDefault();
    modal.close();
  }

  window.addEventListener("keydown", onKey, true);
  document.body.append(modal);
  modal.showModal();
  return modal;
}

/**
 * @param {string} title
 * @param {string[]} paragraphs
 * @param {string} action the button that agrees
 * @returns {Promise<boolean>} whether it was agreed to
 */
export function askFirst(title, paragraphs, action) {
  return new Promise((answer) => {
    const no = button("Keep it", () => modal.close());
    const yes = button(action, () => modal.close("yes"), { className: "danger" });
    const modal = openModal(title, paragraphs.map((text) => make("p", {}, text)), [no, yes]);
    modal.addEventListener("close", () => answer(modal.returnValue === "yes"));
    no.focus();
  });
}
