// @ts-check
/** What the server says (progress, errors), in the user's language as far as its sentences are fixed. */

import { Sentences } from "./sentences.js";
import { language, tableInUse } from "./text.js";

/** @type {{table: object, sentences: Sentences} | undefined} */
let made;

/**
 * @param {string} words as the server said them, English
 * @returns {string}
 */
export function said(words) {
  const table = tableInUse();
  if (made?.table !== table) made = { table, sentences: new Sentences(table) };
  return made.sentences.translated(words);
}

/** The same with a capital letter at its beginning: what the server says of a state begins with a small one. @param {string} words */
export function sentence(words) {
  const text = said(words);
  return text.slice(0, 1).toLocaleUpperCase(language()) + text.slice(1);
}
