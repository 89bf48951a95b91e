// @ts-check
/** A text out of a table of one language. No page and no ComfyUI here. */

/** @typedef {Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>} Table by the English text */
/** @typedef {Record<string, string | number>} Values */

const PLACE = /\{(\w+)\}/g;

/**
 * The English text itself has "one form|another form" where the number matters: for one, and for all others.
 *
 * @param {Table} table
 * @param {string} locale BCP 47
 * @param {string} english
 * @param {Values} values `count` chooses the plural form
 * @returns {string}
 */
export function phrase(table, locale, english, values) {
  const rule = typeof values.count === "number" ? new Intl.PluralRules(locale).select(values.count) : "other";
  const found = table[english] ?? inEnglish(english, values.count);
  const text = typeof found === "string" ? found : found[rule] ?? found.other ?? inEnglish(english, values.count);
  return text.replace(PLACE, (whole, /** @type {string} */ name) => (name in values ? written(values[name], locale) : whole));
}

/** @param {string} english @param {string | number | undefined} count */
function inEnglish(english, count) {
  const [one, other = one] = english.split("|");
  return count === 1 ? one : other;
}

/** @param {string | number} value @param {string} locale */
const written = (value, locale) => (typeof value === "number" ? new Intl.NumberFormat(locale).format(value) : value);
