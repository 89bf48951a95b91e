// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { isGraph, isSeedOrWords, withSources } from "../../web/saved_graph.js";

const node = (/** @type {any} */ id, type = "Any") => ({ id, type, pos: [0, 0], size: [1, 1] });

test("a clip's node comes with all that feeds it, in its own graph alone", () => {
  const workflow = {
    nodes: [node(1), node(2), node(3), node(4), node(9)],
    links: [[10, 1, 0, 2, 1, "IMAGE"], [11, 2, 4, 3, 0, "IMAGE"], [12, 3, 4, 4, 0, "IMAGE"], [13, 1, 0, 3, 2, "IMAGE"], [14, 77, 0, 3, 3, "IMAGE"]],
  };
  const found = withSources(workflow, "3");
  assert.equal(found?.node.id, 3);
  assert.deepEqual(found?.sources.map(({ id }) => id).sort(), [1, 2]);
  assert.deepEqual(found?.wires, [{ from: 2, output: 4, to: 3, input: 0 }, { from: 1, output: 0, to: 3, input: 2 }, { from: 1, output: 0, to: 2, input: 1 }]);
});

test("a node inside subgraphs is found by its path", () => {
  const inner = { id: "in", nodes: [node(12), node(5)], links: [{ id: 1, origin_id: 5, origin_slot: 0, target_id: 12, target_slot: 0 }, { id: 2, origin_id: -10, origin_slot: 0, target_id: 12, target_slot: 1 }] };
  const outer = { id: "out", nodes: [node(7, "in")], links: [] };
  const workflow = { nodes: [node(3, "out")], links: [], definitions: { subgraphs: [inner, outer] } };
  const found = withSources(workflow, "3:7:12");
  assert.deepEqual([found?.node.id, found?.sources.map(({ id }) => id)], [12, [5]]);
});

test("a graph that feeds itself ends, and what is not there is null", () => {
  const loop = { nodes: [node(1), node(2)], links: [[1, 1, 0, 2, 0], [2, 2, 0, 1, 0]] };
  assert.equal(withSources(loop, "1")?.sources.length, 1);
  for (const [workflow, id] of [[loop, "3"], [loop, "1:2"], [null, "1"], [{}, ""], [{ "1": { class_type: "Any" } }, "1"]]) assert.equal(withSources(workflow, /** @type {string} */ (id)), null);
  assert.deepEqual([isGraph(loop), isGraph({ 1: {} }), isGraph(null)], [true, false, false]);
});

test("seed and words are known by their names", () => {
  for (const name of ["seed", "prompt", "model.prompt", "negative_prompt", "multi_shot.shot_1.prompt", "model.multi_prompt_2"]) assert.ok(isSeedOrWords(name), name);
  for (const name of ["filename_prefix", "duration", "enhance_prompts", "prompt_optimizer", "seed_mode"]) assert.ok(!isSeedOrWords(name), name);
});
