// @ts-check
/** Shots whose lengths have to add up to the clip's: their sum, and how to spread them evenly. No page here. */

/**
 * A group of inputs that repeats, as the server tells of it.
 * @typedef {object} Group
 * @property {string} group the input that says how many there are
 * @property {string} one what one is called
 * @property {string} part the input of one that is its length, s
 * @property {string} whole the input that is the clip's length, s
 * @property {number} least of one, s
 * @property {number} most of one, s
 * @property {boolean} whole_numbers
 * @property {number} start what a new one begins with, s
 * @property {string | null} words the input of one, and of the clip, that is its prompt
 */

/** Seconds that are the same to a provider. */
const NO_TIME_S = 1e-6;
const HUNDREDTHS = 100;
const MOST_SPREAD = 20;

/**
 * @param {number[]} lengths of the shots, s
 * @param {number} whole of the clip, s
 * @returns {{sum: number, miss: number}} s; `miss` is above 0 where the shots are too long, below 0 where too short
 */
export function added(lengths, whole) {
  const sum = rounded(lengths.reduce((all, one) => all + one, 0));
  const miss = rounded(sum - whole);
  return { sum, miss: Math.abs(miss) <= NO_TIME_S ? 0 : miss };
}

/**
 * As even as it can be: what is left over goes to the first ones.
 *
 * @param {number} whole s
 * @param {number} count
 * @param {Pick<Group, "least" | "most" | "whole_numbers">} limits of one
 * @returns {number[] | null} s; null where that many can't fill the clip within their limits
 */
export function spread(whole, count, { least, most, whole_numbers }) {
  const units = whole_numbers ? 1 : HUNDREDTHS;
  const total = Math.round(whole * units);
  if (count < 1 || Math.abs(total / units - whole) > NO_TIME_S) return null;
  const base = Math.floor(total / count);
  const lengths = Array.from({ length: count }, (_, place) => (base + Number(place < total - base * count)) / units);
  return lengths.every((one) => one >= least && one <= most) ? lengths : null;
}

/**
 * Whether nobody has written these lengths: the first ones are as some number of them was spread, the others as new ones.
 *
 * @param {number[]} lengths s
 * @param {number} whole s
 * @param {Pick<Group, "least" | "most" | "whole_numbers" | "start">} limits
 */
export function isUnwritten(lengths, whole, limits) {
  const spreads = [[], ...Array.from({ length: MOST_SPREAD }, (_, n) => spread(whole, n + 1, limits) ?? [])];
  return spreads.some((even) => lengths.every((one, place) => one === (even[place] ?? limits.start)));
}

/**
 * How long the clip has to be at the least for so many, where it is too short for them; null where that is no clip either.
 *
 * @param {number} whole s
 * @param {number} count
 * @param {number} least of one, s
 * @param {number} longest of a clip, s
 */
export function roomFor(whole, count, least, longest) {
  const needed = rounded(count * least);
  return needed > whole && needed <= longest ? needed : null;
}

/** @param {number} seconds */
const rounded = (seconds) => Math.round(seconds * 1e6) / 1e6;
