// @ts-check
/**
 * Every text of ours that the page shows, in the user's language. English is written where it is used and is the key to
 * `languages/<locale>.json`; what a table doesn't have stays English.
 */

import { phrase } from "./phrase.js";

/** @typedef {import("./phrase.js").Table} Table */
/** @typedef {import("./phrase.js").Values} Values */

/** ComfyUI's locales that there are tables for; English needs none. */
export const LOCALES = ["zh", "zh-TW", "ja", "ko", "fr", "es", "ru", "pt-BR", "ar"];

let locale = "en";
/** @type {Table} */
let table = {};

/**
 * Read the table of the locale that ComfyUI is set to. Texts that are made before it is there are English.
 *
 * @param {string} wanted as ComfyUI's setting `Comfy.Locale` has it
 */
export async function speak(wanted) {
  locale = LOCALES.includes(wanted) ? wanted : "en";
  table = locale === "en" ? {} : await read(locale);
}

/** @param {string} name @returns {Promise<Table>} */
async function read(name) {
  try {
    // ComfyUI gives JSON files no cache header, and a browser would keep an old one over an update.
    const answer = await fetch(new URL(`./languages/${name}.json`, import.meta.url), { cache: "no-cache" });
    return answer.ok ? await answer.json() : {};
  } catch {
    return {};
  }
}

/**
 * A text in the user's language.
 *
 * @param {string} english with {names} in place of what differs; a text with {count} may have plural forms
 * @param {Values} [values] numbers are written as the language does
 */
export const t = (english, values = {}) => phrase(table, locale, english, values);

/** The table in use, empty for English; the same object until another language is spoken. */
export const tableInUse = () => table;

/** The locale that texts are in, for `Intl`. */
export const language = () => locale;

/** Which way texts run: `dir` of whatever holds them. */
export const direction = () => (locale === "ar" ? "rtl" : "ltr");
