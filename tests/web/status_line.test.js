// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { announcedOf, clock, lineOf } from "../../web/status_line.js";
import { StatusStore, asksTheSame } from "../../web/status_store.js";

const ID = "c0ffee00-0000-4000-8000-000000000001";
const NO_ID = "00000000-0000-0000-0000-000000000000";
const ERROR = { kind: "JobUncertain", what: "No answer came.", billed: "Not known.", next_step: "Look there.", request_id: null, code: null, cost_usd: null, actions: ["seed", "job"], successors: [] };

/** @param {Partial<import("../../web/status_line.js").NodeStatus>} [facts] @returns {import("../../web/status_line.js").NodeStatus} */
const status = (facts = {}) => ({
  key: "k", text: "", words: "in the queue (place 3)", state: "submitted", request_id: "an-id", progress: null, model: "Veo 3", place: 3,
  elapsed_s: 12, usually_s: 100, sandbox: false, estimate_usd: 1.2, cost_usd: null, file: null, error: null, is_over: false, prompt_id: "p",
  node_id: "7", workflow_id: ID, item: 0, asked_at: 1, provider: "runcomfy", phase: "working", is_background: false, notices: [], ...facts,
});

/** @param {Partial<import("../../web/server.js").JobEvent>} facts @returns {any} */
const job = (facts) => ({ ...status(), ...facts });

/** @param {Partial<import("../../web/status_line.js").NodeStatus>[]} told */
function storeOf(...told) {
  const store = new StatusStore();
  told.forEach((facts) => store.put(status(facts), 1_000_000));
  return store;
}

test("a clip that is under way says its state, what is usual and what it will cost, and its time runs from when it began", () => {
  const [told] = storeOf({}).of(ID);
  const line = lineOf(told);
  assert.equal(told.began_at, 1_000_000 - 12_000);
  assert.deepEqual([line.title, line.facts, line.ticks, line.progress], ["In the queue (place 3)", ["usually 1:40", "about $1.20"], true, null]);
  assert.equal(line.requestId, null);
});

test("a bar only where the provider gives a percentage, and none after the end", () => {
  assert.equal(lineOf(status({ progress: 0.4 })).progress, 0.4);
  assert.equal(lineOf(status({ progress: 0.4, phase: "error", error: ERROR })).progress, null);
});

test("a clip that was made says its file, what it cost and its request id", () => {
  const made = /** @type {const} */ ({ phase: "made", file: "a_1.mp4", cost_usd: 1.25, is_over: true });
  assert.deepEqual([lineOf(status(made)).title, lineOf(status(made)).facts, lineOf(status(made)).requestId], ["a_1.mp4", ["$1.25"], "an-id"]);
  assert.deepEqual(lineOf(status({ ...made, sandbox: true, cost_usd: null })).facts, ["sandbox, nothing was paid"]);
  assert.deepEqual(lineOf(status({ ...made, phase: "made again" })).facts, ["paid for before, nothing was submitted"]);
});

test("an error is what happened, whether it was billed, the next step, and its buttons", () => {
  const line = lineOf(status({ phase: "error", error: ERROR, is_over: true }));
  assert.deepEqual([line.title, line.facts, line.next], ["No answer came.", ["Not known."], "Look there."]);
  assert.deepEqual(line.offers, [{ name: "seed" }, { name: "job" }]);
  const gone = { ...ERROR, actions: ["successor"], successors: ["a/b", "c/d"] };
  assert.deepEqual(lineOf(status({ phase: "error", error: gone })).offers.map(({ value }) => value), ["a/b", "c/d"]);
});

test("an item of a list says which one it is", () => {
  assert.equal(lineOf(status({ item: 2 })).title, "Clip 3: In the queue (place 3)");
});

test("what is read out changes with the state, not with a figure in it", () => {
  const [one, other] = [status({ words: "downloading 1.2 of 9.0 MB" }), status({ words: "downloading 3.4 of 9.0 MB" })];
  assert.equal(announcedOf(one), announcedOf(other));
  assert.notEqual(announcedOf(one), announcedOf(status({ words: "running" })));
});

test("clock", () => assert.deepEqual([5, 65.4, 3605].map(clock), ["0:05", "1:05", "1:00:05"]));

test("another workflow with the same ids shows nothing of it", () => {
  assert.deepEqual(storeOf({}).of("another"), []);
});

test("a later prompt takes the place of an earlier one, with all its items, and never the other way round", () => {
  assert.equal(storeOf({ item: 1, asked_at: 2 }, { item: 0, asked_at: 1 }).of(ID).length, 2);
  const store = storeOf({ item: 0 }, { item: 1 }, { prompt_id: "q", asked_at: 2 }, { item: 1, words: "late news" });
  assert.deepEqual(store.of(ID).map(({ prompt_id }) => prompt_id), ["q"]);
});

test("a workflow without an id is known on its own page alone, until its node goes", () => {
  const store = storeOf({ workflow_id: NO_ID });
  assert.equal(store.of(NO_ID).length, 1);
  store.remove(NO_ID, "7");
  store.putAll([status({ workflow_id: NO_ID })], 0);
  assert.deepEqual(store.of(NO_ID), []);
});

test("a page that did not ask follows the job, and its end where nobody else tells it", () => {
  const store = storeOf({ phase: "left", is_background: true });
  assert.equal(store.hear(job({ words: "running 40%", progress: 0.4 })), true);
  assert.equal(lineOf(store.of(ID)[0]).progress, 0.4);
  store.end(job({ state: "stored", file: "a_1.mp4", is_over: true }));
  assert.deepEqual([store.of(ID)[0].phase, lineOf(store.of(ID)[0]).offers], ["here", [{ name: "hand_on" }, { name: "continue" }]]);
  assert.equal(store.hear(job({})), false);
});

test("after a restart of ComfyUI a job goes on, and what was never submitted is over", () => {
  const store = storeOf({ node_id: "1" }, { node_id: "2", request_id: null }, { node_id: "3" });
  store.restarted([status({ node_id: "3" })], "restarted");
  assert.deepEqual(store.of(ID).map(({ phase }) => phase), ["left", "over", "working"]);
});

test("a node whose run has ended keeps saying that its job goes on, whatever the job says", () => {
  const store = storeOf({ phase: "left", words: "the job goes on" });
  store.hear(job({ words: "in the queue (place 3)", place: 3 }));
  assert.deepEqual([lineOf(store.of(ID)[0]).title, store.of(ID)[0].place], ["The job goes on", 3]);
});

test("clips that were not waited for are here when none is being made any more", () => {
  const here = /** @type {const} */ ({ phase: "here", is_background: true, is_over: true });
  assert.equal(storeOf({ ...here, node_id: "1" }, { phase: "left", is_background: true, node_id: "2" }).allHere(ID).length, 0);
  assert.equal(storeOf({ ...here, node_id: "1" }, { ...here, node_id: "2" }, { phase: "made", node_id: "3" }).allHere(ID).length, 2);
  assert.equal(storeOf({ ...here, is_background: false }).allHere(ID).length, 0);
});

const graph = (seed = 1, image = "sea.png", /** @type {object} */ more = {}) => ({
  1: { class_type: "LoadImage", inputs: { image } },
  7: { class_type: "Veo3I2V", inputs: { image: ["1", 0], prompt: "a cat", seed, ...more } },
});

test("a node asks for the same clip where it and all that feeds it are the same", () => {
  const other = { ...graph(1, "sea.png", { filename_prefix: "x", wait: false }), 9: { class_type: "SaveVideo", inputs: { video: ["7", 2] } } };
  assert.equal(asksTheSame(graph(), other, "7"), true);
  assert.equal(asksTheSame(graph(), graph(2), "7"), false);
  assert.equal(asksTheSame(graph(), graph(1, "land.png"), "7"), false);
  assert.equal(asksTheSame(graph(), {}, "7"), false);
});
