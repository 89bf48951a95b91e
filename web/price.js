// @ts-check
/** What one clip costs, as the inputs of its node are set: the same as the estimate before a submission. */

/** @typedef {import("./server.js").Offered} Offered */

/**
 * What one clip costs, USD, and whether it can cost more; null when that can't be said.
 *
 * @param {Offered} about
 * @param {(name: string) => unknown} value of an input's widget; undefined without one
 * @param {(name: string) => boolean} isWired whether something is wired to an input
 * @returns {{usd: number, isFrom: boolean} | null}
 */
export function priceOf(about, value, isWired) {
  const isSent = (/** @type {string} */ name) => {
    const shown = value(name);
    return isWired(name) || (shown !== undefined && shown !== about.unset[name]);
  };
  const usd = cost(about, (name) => (isSent(name) && !isWired(name) ? value(name) : undefined));
  return usd === null ? null : { usd, isFrom: about.is_from || about.dearer_by.some(isSent) };
}

/** @param {Offered} about @param {(name: string) => unknown} sent @returns {number | null} */
function cost({ price_usd, price_unit, length }, sent) {
  if (price_usd === null) return null;
  if (price_unit === "output") return price_usd;
  if (price_unit !== "second" || !length) return null;
  const { name, per_second } = length;
  const seconds = amount(sent(name)) / (typeof per_second === "string" ? amount(sent(per_second)) : per_second);
  return seconds > 0 && seconds < Infinity ? price_usd * seconds : null;
}

/** @param {unknown} value @returns {number} NaN for what is none */
function amount(value) {
  return Number(/^\s*(\d+(?:\.\d+)?)\s*s?\s*$/.exec(String(value))?.[1] ?? NaN);
}
