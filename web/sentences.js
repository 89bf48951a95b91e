// @ts-check
/**
 * Sentences that the server made, in another language: found again by the templates they were made from. No page and no
 * ComfyUI here.
 */

/** @typedef {import("./phrase.js").Table} Table */

/** Between parts of a line that were put together: each is a text of its own. */
const JOINED = /(\n| \| | \u00b7 |^(?:Next|Request id|Clip \d+): )/m;
/** Between things that are listed inside a sentence; the table says what stands there. */
const LISTED = /(; | or | and | to )/;
/** Where the second of two places begins that nothing parts. */
const TAIL = /(?=, |; | \(| )/;
/** What a sentence is about stands before it: a model, an image, a file. */
const ABOUT = /^([^:]{1,80}?)(: )(.+)$/s;
/** What a sentence that begins with a place doesn't begin with: another sentence stands before it. */
const BEFORE = /[;:] /;
const SENTENCES = /(?<=[.!?]) (?=[A-Z`])/;
/** How deep a template may stand in another one's place. */
const MOST_INSIDE = 3;
const MOST_REMEMBERED = 500;

export class Sentences {
  /** @param {Table} table by the English template, `{}` for what differs; its translation says {0}, {1}, ... */
  constructor(table) {
    this.table = table;
    /** @type {Map<string, string>} */
    this.remembered = new Map();
    this.templates = Object.keys(table)
      .filter((english) => english.includes("{}"))
      .sort((one, other) => literal(other) - literal(one))
      .map((english) => ({ english, parts: english.split("{}") }));
  }

  /** @param {string} words @returns {string} as they are where no template fits */
  translated(words) {
    const known = this.remembered.get(words);
    if (known !== undefined) return known;
    const found = words
      .split(JOINED)
      .map((part) => this.part(part))
      .join("");
    if (this.remembered.size >= MOST_REMEMBERED) this.remembered.clear();
    this.remembered.set(words, found);
    return found;
  }

  /** @param {string} part @param {number} [depth] @returns {string} */
  part(part, depth = 0) {
    const whole = this.whole(part, depth);
    if (whole !== undefined) return whole;
    const sentences = part.split(SENTENCES);
    if (sentences.length > 1) return sentences.map((one) => this.whole(one, depth) ?? one).join(" ");
    const about = ABOUT.exec(part);
    if (about) return this.part(about[1], depth) + about[2] + this.part(about[3], depth);
    return depth > 0 ? this.listed(part, depth) : part;
  }

  /** @param {string} part @param {number} depth @returns {string} as it is where it isn't a list of names or of known words */
  listed(part, depth) {
    const pieces = part.split(LISTED).map((piece) => ({ piece, found: this.whole(piece, depth) }));
    if (pieces.length < 2 || pieces.some(({ piece, found }) => found === undefined && piece.includes(" "))) return part;
    return pieces.map(({ piece, found }) => found ?? piece).join("");
  }

  /** @param {string} words @param {number} depth @returns {string | undefined} */
  whole(words, depth) {
    const [first = "", rest] = [words[0], words.slice(1)];
    const fixed = this.fixed(words) ?? this.fixed(first.toLowerCase() + rest) ?? this.fixed(first.toUpperCase() + rest);
    if (fixed !== undefined) return fixed;
    for (const { english, parts } of this.templates) {
      const found = between(parts, words);
      if (!found || (parts[0] === "" && BEFORE.test(found[0]))) continue;
      const inside = found.map((text) => (depth < MOST_INSIDE ? this.part(text, depth + 1) : text));
      return String(this.table[english]).replace(/\{(\d+)\}/g, (_, place) => inside[place] ?? "");
    }
    return undefined;
  }

  /** @param {string} words */
  fixed(words) {
    const found = Object.hasOwn(this.table, words) ? this.table[words] : undefined;
    return typeof found === "string" ? found : undefined;
  }
}

/** @param {string} english */
const literal = (english) => english.replaceAll("{}", "").length;

/**
 * What stands between the parts of a template, each found where it comes first: in linear time, whatever the words.
 *
 * @param {string[]} parts
 * @param {string} words
 * @returns {string[] | undefined}
 */
function between(parts, words) {
  const last = parts[parts.length - 1];
  const end = words.length - last.length;
  if (!words.startsWith(parts[0]) || !words.endsWith(last)) return undefined;
  const found = [];
  let from = parts[0].length;
  for (const [place, part] of parts.slice(1, -1).entries()) {
    const after = words.indexOf(parts[place + 2], from);
    const at = part ? words.indexOf(part, from) : from + words.slice(from, after < 0 ? end : after).split(TAIL)[0].length;
    if (at < 0) return undefined;
    found.push(words.slice(from, at));
    from = at + part.length;
  }
  if (from > end) return undefined;
  return [...found, words.slice(from, end)];
}
