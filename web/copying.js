// @ts-check
/** Copying a text that stands on the page. */

import { button } from "./elements.js";
import { t } from "./text.js";

/** How long the button says what came of it, ms. */
const SAID_MS = 2000;

/**
 * A button that copies a text. The clipboard is closed to pages on plain http from another machine; there the text is
 * selected instead.
 *
 * @param {HTMLElement} text
 * @param {string} name what it copies, for whoever can't see it
 * @param {Record<string, any>} [properties] further ones, as `make` takes them
 */
export function copyButton(text, name, properties = {}) {
  const copy = button(
    t("Copy"),
    async () => {
      try {
        await navigator.clipboard.writeText(text.textContent ?? "");
        copy.textContent = t("Copied");
      } catch {
        getSelection()?.selectAllChildren(text);
        copy.textContent = t("Press Ctrl+C");
      }
      setTimeout(() => (copy.textContent = t("Copy")), SAID_MS);
    },
    { "aria-label": name, ...properties },
  );
  return copy;
}
