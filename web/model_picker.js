// @ts-check
/** A window to choose a model in: a search box over a list, as ARIA's combobox has it, so that all of it goes by keyboard. */

import { button, make } from "./elements.js";
import { openModal } from "./modal.js";
import { choices, found, led } from "./model_list.js";
import { language, t } from "./text.js";

/** @typedef {import("./model_list.js").Row} Row */
/** @typedef {import("./server.js").Offered} Offered */

const KINDS = () => ({
  "text-to-video": t("Text to video"),
  "image-to-video": t("Image to video"),
  "reference-to-video": t("References to video"),
  "video-to-video": t("Video to video"),
  "audio-to-video": t("Sound to video"),
  "speech-to-video": t("Speech to video"),
  "motion-to-video": t("Motion to video"),
  edit: t("Edit a video"),
});

/** @param {string} kind */
const kindWords = (kind) => /** @type {Record<string, string>} */ (KINDS())[kind] ?? kind.replaceAll("-", " ");

let opened = 0;

/**
 * @param {object} about
 * @param {string} about.title
 * @param {string} about.current what is chosen now
 * @param {() => Promise<{rows: Row[], note?: string}>} about.load
 * @param {boolean} [about.isFree] whether what is typed can be taken as it is
 * @param {(id: string) => void} about.choose
 */
export function openPicker({ title, current, load, isFree = false, choose }) {
  const listId = `remote-video-models-${++opened}`;
  /** @type {Row[]} */
  let rows = [];
  /** @type {Row[]} */
  let shown = [];
  let at = -1;

  const list = make("ul", { id: listId, role: "listbox", className: "models", "aria-label": t("Models") });
  const count = make("p", { className: "quiet", role: "status" });
  const note = make("p", { className: "quiet", hidden: true });
  const search = make("input", {
    type: "text",
    role: "combobox",
    spellcheck: false,
    autocomplete: "off",
    placeholder: isFree ? t("Search, or write a name") : t("Search by name, vendor or id"),
    "aria-label": t("Search"),
    "aria-autocomplete": "list",
    "aria-controls": listId,
    "aria-expanded": "true",
    oninput: () => show(),
  });
  const vendor = filter(t("Vendor"));
  const kind = filter(t("Kind"));
  const filters = make("div", { className: "filters", hidden: true }, labelled(t("Vendor"), vendor), labelled(t("Kind"), kind));

  /** @param {string} label */
  function filter(label) {
    return make("select", { "aria-label": label, onchange: () => show() });
  }

  function show() {
    const typed = search.value.trim();
    shown = found(rows, { search: typed, vendor: vendor.value, kind: kind.value });
    const own = isFree && typed && !rows.some(({ id }) => id === typed) ? typed : "";
    if (own) shown.push({ id: own, name: t("Use “{name}” as it is", { name: own }), vendor: "", kinds: [], retired: false, gone: false, price: "" });
    list.replaceChildren(...shown.map(item));
    list.hidden = !shown.length;
    const inList = shown.length - Number(Boolean(own));
    if (inList) count.textContent = t("{count} model|{count} models", { count: inList });
    else count.textContent = own ? t("No model in the list matches.") : t("No model matches. Search for less, or clear the filters.");
    const place = shown.findIndex(({ id }) => id === current);
    lead(typed || place < 0 ? 0 : place);
  }

  /** @param {Row} row @param {number} place */
  function item(row, place) {
    const marks = [
      row.id === current && make("span", { className: "mark" }, t("chosen")),
      row.retired && make("span", { className: "mark warn" }, t("retired")),
      row.gone && make("span", { className: "mark warn" }, t("no longer offered")),
    ];
    const about = [row.vendor, ...row.kinds.map(kindWords)].filter(Boolean).join(" · ");
    return make(
      "li",
      {
        id: `${listId}-${place}`,
        role: "option",
        "aria-selected": "false",
        onclick: () => take(place),
        onpointermove: () => place !== at && lead(place, false),
      },
      make("span", { className: "name" }, make("bdi", {}, row.name), ...marks),
      make("span", { className: "price" }, row.price),
      row.id !== row.name && !(isFree && !row.vendor) && make("code", {}, row.id),
      make("span", { className: "quiet" }, about),
    );
  }

  /** @param {number} place @param {boolean} [scrolls] */
  function lead(place, scrolls = true) {
    list.children[at]?.setAttribute("aria-selected", "false");
    at = shown.length ? place : -1;
    const active = list.children[at];
    active?.setAttribute("aria-selected", "true");
    if (active) search.setAttribute("aria-activedescendant", active.id);
    else search.removeAttribute("aria-activedescendant");
    if (scrolls) active?.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} place */
  function take(place) {
    const row = shown[place];
    if (!row) return;
    modal.close();
    if (row.id !== current) choose(row.id);
  }

  /** The window takes all keys before anybody else sees them, so this has to hear them first. @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.target !== search) return;
    const place = led(event.key, at, shown.length);
    if (place !== null) lead(place);
    else if (event.key === "Enter") take(at);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  window.addEventListener("keydown", onKey, true);
  const modal = openModal(title, [search, filters, note, list, count], [button(t("Cancel"), () => modal.close())]);
  modal.classList.add("remote-video-picker");
  modal.addEventListener("close", () => window.removeEventListener("keydown", onKey, true));
  count.textContent = t("Loading…");
  search.focus();
  load().then(
    (loaded) => {
      rows = loaded.rows;
      note.hidden = !loaded.note;
      note.textContent = loaded.note ?? "";
      fill(vendor, t("Every vendor"), choices(rows, (row) => [row.vendor]), (one) => one);
      fill(kind, t("Every kind"), choices(rows, (row) => row.kinds), kindWords);
      filters.hidden = vendor.options.length + kind.options.length < 4;
      show();
    },
    (error) => count.replaceChildren(make("span", { className: "error", role: "alert" }, error.message)),
  );
}

/** @param {string} label @param {HTMLElement} field */
const labelled = (label, field) => make("label", {}, make("span", {}, label), field);

/** @param {HTMLSelectElement} select @param {string} any @param {string[]} values @param {(value: string) => string} words */
function fill(select, any, values, words) {
  const options = values.map((value) => make("option", { value }, words(value)));
  select.replaceChildren(make("option", { value: "" }, any), ...options);
}

/**
 * What a model costs, in words; empty where nobody can say.
 * @param {Offered} about
 */
export function priceWords({ price_usd, price_unit, is_from }) {
  if (price_usd === null) return "";
  const form = new Intl.NumberFormat(language(), { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", maximumFractionDigits: 4 });
  const price = form.format(price_usd);
  if (price_unit === "second") return is_from ? t("from {price} a second", { price }) : t("{price} a second", { price });
  if (price_unit === "output") return is_from ? t("from {price} a clip", { price }) : t("{price} a clip", { price });
  return "";
}
