// @ts-check
/** A modal window on the browser's own <dialog>: it keeps the focus inside, gives it back, and closes on Escape. */

import { button, make } from "./elements.js";
import { direction, t } from "./text.js";

let made = 0;
/** The windows that are open, the front one last. @type {HTMLDialogElement[]} */
const open = [];

/** What ComfyUI would do something to the graph for, behind the window. */
const KEPT_FROM_THE_GRAPH = /** @type {const} */ (["keydown", "paste", "copy", "cut", "dragover", "drop"]);

/**
 * @param {string} title
 * @param {Node[]} content
 * @param {Node[]} actions the buttons at the foot
 * @param {string} [className]
 * @returns {HTMLDialogElement} shown already; it removes itself when closed
 */
export function openModal(title, content, actions, className = "") {
  const id = `remote-video-modal-${++made}`;
  const body = make("div", { className: "body", id: `${id}-body` }, ...content);
  const modal = make(
    "dialog",
    {
      className: `remote-video remote-video-modal ${className}`,
      dir: direction(),
      "aria-labelledby": id,
      onclose: () => {
        open.splice(open.indexOf(modal), 1);
        if (!open.length) for (const kind of KEPT_FROM_THE_GRAPH) window.removeEventListener(kind, keep, true);
        modal.remove();
      },
    },
    make("h2", { id }, title),
    body,
    make("div", { className: "actions" }, ...actions),
  );
  if (!open.length) for (const kind of KEPT_FROM_THE_GRAPH) window.addEventListener(kind, keep, true);
  open.push(modal);
  document.body.append(modal);
  modal.showModal();
  return modal;
}

/**
 * Events are taken before ComfyUI sees them; what they do to a field or a button is the browser's own doing and goes on.
 * @param {Event} event
 */
function keep(event) {
  event.stopImmediatePropagation();
  if (event instanceof KeyboardEvent) keepKey(event);
  // A file that is dropped on a page which doesn't want it would be opened in the page's place.
  else if (event instanceof DragEvent && !(event.target instanceof HTMLInputElement)) {
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
  }
}

/** @param {KeyboardEvent} event */
function keepKey(event) {
  if (event.isComposing) return;
  if (event.key === "Escape") {
    event.preventDefault();
    open.at(-1)?.close();
  } else if (event.ctrlKey || event.metaKey) {
    // ComfyUI's undo has heard of this key already, and looks at it only with the next frame; it leaves Shift alone.
    Object.defineProperty(event, "key", { value: "Shift" });
  }
}

/**
 * @param {string} title
 * @param {string[]} paragraphs
 * @param {string} action the button that agrees
 * @returns {Promise<boolean>} whether it was agreed to
 */
export function askFirst(title, paragraphs, action) {
  return new Promise((answer) => {
    const no = button(t("Keep it"), () => modal.close());
    const yes = button(action, () => modal.close("yes"), { className: "danger" });
    const modal = openModal(title, paragraphs.map((text) => make("p", {}, text)), [no, yes], "remote-video-question");
    modal.setAttribute("role", "alertdialog");
    modal.setAttribute("aria-describedby", modal.querySelector(".body")?.id ?? "");
    modal.addEventListener("close", () => answer(modal.returnValue === "yes"));
    no.focus();
  });
}
