// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { phrase } from "../../web/phrase.js";

const RUSSIAN = { "{count} clip|{count} clips": { one: "{count} клип", few: "{count} клипа", many: "{count} клипов", other: "{count} клипа" } };

test("a table's plural forms are chosen by the language's own rules, and numbers are written its way", () => {
  const said = [1, 3, 5, 21, 12345].map((count) => phrase(RUSSIAN, "ru", "{count} clip|{count} clips", { count }));
  assert.deepEqual(said, ["1 клип", "3 клипа", "5 клипов", "21 клип", "12\u00a0345 клипов"]);
});

test("what a table doesn't have is English, with its own two forms", () => {
  assert.equal(phrase({}, "ja", "{count} clip|{count} clips", { count: 1 }), "1 clip");
  assert.equal(phrase({}, "ja", "{count} clip|{count} clips", { count: 2 }), "2 clips");
});

test("outside words are put in as they are, braces too", () => {
  assert.equal(phrase({ "It said: {words}": "言: {words}" }, "ja", "It said: {words}", { words: "{name} $& <b>" }), "言: {name} $& <b>");
});
