// @ts-check
/** Which models a search leaves, and where the keys lead in the list. No page here. */

/**
 * @typedef {object} Row
 * @property {string} id what the widget holds
 * @property {string} name
 * @property {string} vendor
 * @property {string[]} kinds such as "image-to-video"
 * @property {boolean} retired
 * @property {boolean} gone whether nothing is known of it any more
 * @property {string} price in words, or empty
 */

/**
 * @param {Row[]} rows
 * @param {{search: string, vendor?: string, kind?: string}} wanted empty for any
 * @returns {Row[]} those that have every word of the search in their name, vendor or id; retired ones last
 */
export function found(rows, { search, vendor = "", kind = "" }) {
  const words = plain(search).split(/\s+/).filter(Boolean);
  const left = rows.filter((row) => {
    const text = plain(`${row.name} ${row.vendor} ${row.id}`);
    const isWanted = (!vendor || row.vendor === vendor) && (!kind || row.kinds.includes(kind));
    return isWanted && words.every((word) => text.includes(word));
  });
  return [...left.filter(({ retired }) => !retired), ...left.filter(({ retired }) => retired)];
}

/** Without case and accents. @param {string} text */
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** @param {Row[]} rows @param {(row: Row) => string[]} of @returns {string[]} what there is to filter by, sorted */
export const choices = (rows, of) => [...new Set(rows.flatMap(of))].filter(Boolean).sort((a, b) => a.localeCompare(b));

const PAGE = 8;

/**
 * @param {string} key
 * @param {number} at -1 for none
 * @param {number} count
 * @returns {number | null} the place in the list that a key leads to; null for any other key
 */
export function led(key, at, count) {
  const last = count - 1;
  const ways = {
    ArrowDown: at >= last ? 0 : at + 1,
    ArrowUp: at <= 0 ? last : at - 1,
    PageDown: Math.min(at + PAGE, last),
    PageUp: Math.max(at - PAGE, 0),
  };
  return key in ways && count ? ways[/** @type {keyof typeof ways} */ (key)] : null;
}
