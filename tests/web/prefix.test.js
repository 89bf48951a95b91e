// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { allNodes, filled } from "../../web/prefix.js";

const NOW = new Date(2026, 2, 7, 4, 5, 9);
const NODES = [
  { title: "Scene", properties: { "Node name for S&R": "Veo3I2V" }, widgets: [{ name: "seed", value: 12 }, { name: "prompt", value: 'a/b: "c"' }] },
  { title: "Veo3I2V", properties: {}, widgets: [{ name: "seed", value: 99 }] },
  { title: "Empty", widgets: [{ name: "text", value: null }] },
];
/** @param {string} prefix */
const fill = (prefix) => filled(prefix, NODES, NOW);

test("dates are written as the Save nodes' are", () => {
  assert.equal(fill("video/%date:yyyy-MM-dd%/a"), "video/2026-03-07/a");
  assert.equal(fill("%date:yy-M-d_hhmmss%-%date:h.m%"), "26-3-7_040509-%date:h.m%");
  assert.equal(fill("%date:yyy%"), "yyy");
});

test("widgets are found by the node's own name before its title, and hold nothing that a file's name can't", () => {
  assert.equal(fill("%Veo3I2V.seed%/%Scene.seed%"), "12/12");
  assert.equal(fill("%Scene.prompt%"), "a_b_ _c_");
  assert.equal(fill("x%Empty.text%y"), "xy");
});

test("what nobody knows stays for the server, which knows the year", () => {
  for (const prefix of ["video/%year%-%month%", "%Nobody.seed%", "%Scene.nothing%", "100% sure", "%a.b.c%", "%width%"]) {
    assert.equal(fill(prefix), prefix);
  }
});

test("nodes inside subgraphs count as well", () => {
  const inner = { title: "Inner" };
  assert.deepEqual(allNodes({ nodes: [{ title: "Outer", subgraph: { nodes: [inner] } }] }).map(({ title }) => title), ["Outer", "Inner"]);
});
