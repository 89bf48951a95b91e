// @ts-check
/** Which jobs the panel's list shows: by state, by model, by words. */

import { make } from "./elements.js";
import { GROUPS, everything } from "./jobs_model.js";
import { t } from "./text.js";

/** While words are typed nothing is asked for, ms. */
const TYPED_MS = 250;

export class JobsFilter {
  /** @param {(wanted: import("./server.js").Wanted) => void} narrow */
  constructor(narrow) {
    this.narrow = narrow;
    this.timer = 0;
    this.offered = "";
    /** @type {Record<keyof typeof GROUPS, string>} */
    const names = {
      all: t("All states"),
      needs_you: t("Needs you"),
      under_way: t("Under way"),
      saved: t("Saved"),
      ended: t("Ended without a clip"),
    };
    this.search = make("input", { type: "search", placeholder: t("Search: prompt, id, file"), "aria-label": t("Search jobs by prompt, request id or file"), oninput: () => this.#typed() });
    this.state = make("select", { "aria-label": t("State"), onchange: () => this.#changed() }, ...Object.entries(names).map(([value, name]) => make("option", { value }, name)));
    this.model = make("select", { "aria-label": t("Model"), onchange: () => this.#changed() }, make("option", { value: "" }, t("All models")));
    this.root = make("div", { className: "filter", role: "search", "aria-label": t("Jobs") }, this.search, this.state, this.model);
  }

  /** @param {string[]} models those there are jobs of */
  offer(models) {
    const now = JSON.stringify(models);
    if (now === this.offered) return;
    this.offered = now;
    const chosen = this.model.value;
    this.model.replaceChildren(make("option", { value: "" }, t("All models")), ...models.map((name) => make("option", { value: name }, name)));
    this.model.value = models.includes(chosen) ? chosen : "";
  }

  /** Show all jobs again. */
  clear() {
    this.search.value = this.model.value = "";
    this.state.value = "all";
    this.search.focus();
    clearTimeout(this.timer);
    this.narrow(everything());
  }

  #typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#changed(), TYPED_MS);
  }

  #changed() {
    clearTimeout(this.timer);
    this.narrow({ states: GROUPS[this.state.value], model: this.model.value, search: this.search.value.trim() });
  }
}
