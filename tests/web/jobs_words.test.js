// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { age, clock, costOf, factsOf, nameOf, priceOfRun, spending } from "../../web/jobs_words.js";

const RUN = { nodes: {}, clips: 5, made: 3, usd: 2.31, is_from: false, unknown: 0, sandbox: false };
/** @param {object} more @returns {any} */
const job = (more) => ({ state: "stored", cost_usd: null, estimate_usd: null, sandbox: false, ...more });

test("a Run's price says what is to pay and what is paid already", () => {
  assert.equal(priceOfRun(RUN), "This Run: about $2.31, 3 of 5 already paid.");
});

test("a Run's price is never more certain than it is", () => {
  assert.match(priceOfRun({ ...RUN, is_from: true }), /from \$2\.31/);
  assert.match(priceOfRun({ ...RUN, unknown: 1 }), /about \$2\.31.*1 clip of a price that isn't known.*3 of 5/);
  assert.match(priceOfRun({ ...RUN, made: 0, usd: 0, unknown: 5 }), /This Run: of a price that isn't known.*5 clips/);
  assert.match(priceOfRun({ ...RUN, made: 5, usd: 0 }), /nothing to pay/);
});

test("without clips, and in the sandbox, there is nothing to say of money", () => {
  assert.equal(priceOfRun({ ...RUN, clips: 0 }), "");
  assert.equal(priceOfRun({ ...RUN, sandbox: true }), "");
  assert.equal(spending(/** @type {any} */ ({ sandbox: true })), "");
});

test("a cost is what the provider said, else about the estimate, else nothing", () => {
  assert.equal(costOf(job({ cost_usd: 0.84 })), "$0.84");
  assert.equal(costOf(job({ cost_usd: 0.0525 })), "$0.0525");
  assert.equal(costOf(job({ estimate_usd: 1.12 })), "about $1.12");
  assert.equal(costOf(job({ estimate_usd: 1.12, state: "refused" })), "");
  assert.equal(costOf(job({ cost_usd: 1, sandbox: true })), "sandbox, nothing paid");
});

test("what was spent stands beside the budget, and what nobody knows beside it", () => {
  const none = { spent_usd: 0, expected_usd: 0, unknown: 0, jobs: 0, opens_at: "" };
  const budget = { day_usd: 10, month_usd: null, unknown_price_usd: null, day_variable: null, month_variable: null, error: null };
  const money = { day: { ...none, spent_usd: 1, expected_usd: 0.5 }, month: { ...none, spent_usd: 20, unknown: 2, jobs: 9 }, budget, sandbox: false };
  assert.equal(spending(money), "Spent: today $1.50 of $10.00; this month $20.00, 2 of unknown cost.");
  assert.equal(spending({ ...money, month: none, budget: { ...budget, day_usd: null } }), "");
});

test("an age and a length of time are short", () => {
  assert.deepEqual([0, 59, 60, 7200, 172800].map((passed) => age(0, passed)), ["just now", "just now", "1m ago", "2h ago", "2d ago"]);
  assert.deepEqual([5, 65, 3665].map(clock), ["0:05", "1:05", "1:01:05"]);
});

test("a row says who asked where that may be somebody else, and is quiet otherwise", () => {
  const made = { ...job({ cost_usd: 1 }), model: "Veo 3", state_text: "Saved", live: null, prompt: null, created_at: 0, seconds: null, file_name: "clip.mp4" };
  assert.equal(factsOf({ ...made, asked_by: null }), "$1.00 \u00b7 clip.mp4");
  assert.equal(factsOf({ ...made, asked_by: "ann@farm-1" }), "$1.00 \u00b7 clip.mp4 \u00b7 asked for by ann@farm-1");
  assert.match(nameOf({ ...made, asked_by: "ann@farm-1" }, 60), /asked for by ann@farm-1$/);
});
