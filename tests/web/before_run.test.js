// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { cutOf, isWorthSaying } from "../../web/before_run.js";
import { guessed, lineOf, signOf } from "../../web/status_line.js";
import { Sentences } from "../../web/sentences.js";
import { readFileSync } from "node:fs";

/** @param {Partial<import("../../web/server.js").BeforeRun>} facts */
const before = (facts = {}) => ({ estimate_usd: 1, is_from: false, made_before: false, is_known: true, why: null, line: "8 s", kept: {}, ...facts });
/** @param {Partial<import("../../web/status_line.js").NodeStatus>} facts @returns {any} */
const status = (facts = {}) => ({
  phase: "working", words: "running", progress: null, usually_s: 100, began_at: 0, sandbox: false, estimate_usd: null, cost_usd: null, file: null, error: null,
  is_over: false, item: 0, notices: [], request_id: null, is_background: false, ...facts,
});

test("a guess never comes near the end, and never goes back", () => {
  const shares = [0, 10, 50, 100, 200, 1000, 1e6].map((elapsed) => guessed(elapsed, 100));
  assert.equal(shares[0], 0);
  assert.ok(shares.every((share, place) => share <= 0.9 && (!place || share >= shares[place - 1])));
  assert.ok(shares[3] > 0.6 && shares[3] < 0.75, "at its usual time it is far from done");
  assert.equal(guessed(-5, 100), 0);
});

test("the provider's own percentage wins over a guess, and without a usual time there is none", () => {
  assert.equal(lineOf(status()).usually, 100);
  assert.deepEqual([lineOf(status({ progress: 0.4 })).usually, lineOf(status({ progress: 0.4 })).progress], [null, 0.4]);
  assert.equal(lineOf(status({ usually_s: null })).usually, null);
  assert.equal(lineOf(status({ phase: "made", is_over: true })).usually, null);
});

test("what a Run will do stands where no run's status does, or where another Run would ask for another clip", () => {
  const made = [status({ phase: "made", is_over: true })];
  assert.equal(isWorthSaying(before(), []), true);
  assert.equal(isWorthSaying(before({ made_before: true }), []), true);
  assert.equal(isWorthSaying(before(), [status()]), false, "it runs");
  assert.equal(isWorthSaying(before(), made), true);
  assert.equal(isWorthSaying(before({ made_before: true }), made), false, "that is what is shown");
  assert.equal(isWorthSaying(before({ is_known: false }), made), false, "nobody knows");
  assert.equal(isWorthSaying(before({ line: "" }), []), false);
  assert.equal(isWorthSaying(undefined, []), false);
});

test("only a picture that loses something is drawn", () => {
  assert.equal(cutOf(before({ kept: { image: [0, 0, 1, 1], last_image: [0, 0.001, 1, 0.999] } })), null);
  assert.deepEqual(cutOf(before({ kept: { image: [0, 0, 1, 1], last_image: [0, 0.2, 1, 0.8] } })), { input: "last_image", kept: [0, 0.2, 1, 0.8] });
});

test("a node that is folded up says how many clips are under way, or what became of the last one", () => {
  assert.equal(signOf([]), "");
  assert.equal(signOf([status(), status({ is_over: true })]), "Running");
  assert.equal(signOf([status(), status()]), "2 clips are being made");
  assert.equal(signOf([status({ phase: "made", file: "a.mp4", is_over: true })]), "a.mp4");
});

test("each part of the line is known in another language", () => {
  const german = { "usually {}": "U {0}", "about {}": "A {0}", "your {} picture loses top and bottom ({})": "B {0} {1}", "Already made: free": "da" };
  const sentences = new Sentences(german);
  assert.equal(sentences.translated("8 s, 16:9 | your 1:1 picture loses top and bottom (44%) | usually 1:40 | about $0.40"), "8 s, 16:9 | B 1:1 44% | U 1:40 | A $0.40");
  assert.equal(sentences.translated("image: your 1:1 picture loses top and bottom (44%)"), "image: B 1:1 44%");
  assert.equal(sentences.translated("Already made: free"), "da");
  const russian = JSON.parse(readFileSync(new URL("../../web/languages/ru.json", import.meta.url), "utf8"));
  assert.equal(new Sentences(russian).translated("your 4:3 picture is scaled to 321x240 | from $1.20"), "картинка 4:3 будет приведена к размеру 321x240 | от $1.20");
});
