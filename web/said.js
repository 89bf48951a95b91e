// @ts-check
/** What the server says (progress, errors), in the user's language as far as its sentences are fixed. */

/**
 * @param {string} words as the server said them, English
 * @returns {string}
 */
export const said = (words) => words;
