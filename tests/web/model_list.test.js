// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { choices, found, led } from "../../web/model_list.js";

/** @param {string} id @param {Partial<import("../../web/model_list.js").Row>} [more] */
const row = (id, more) => ({ id, name: id, vendor: id.split("/")[0], kinds: [], retired: false, gone: false, price: "", ...more });
const ROWS = [
  row("kling/kling-3.0/old", { name: "Kling 3.0", retired: true }),
  row("kling/kling-3.0/pro/image-to-video", { name: "Kling 3.0 Pro I2V", kinds: ["image-to-video"] }),
  row("acme/dramatique/text-to-video", { name: "Dramátique", kinds: ["text-to-video"] }),
];
/** @param {Parameters<typeof found>[1]} wanted */
const ids = (wanted) => found(ROWS, wanted).map(({ id }) => id);

test("every word has to be in the name, the vendor or the id, whatever its case or accents", () => {
  assert.deepEqual(ids({ search: " PRO kling " }), ["kling/kling-3.0/pro/image-to-video"]);
  assert.deepEqual(ids({ search: "dramatique ACME" }), ["acme/dramatique/text-to-video"]);
  assert.deepEqual(ids({ search: "dramátique" }), ["acme/dramatique/text-to-video"]);
  assert.deepEqual(ids({ search: "kling acme" }), []);
});

test("without a search all are there, retired ones last", () => {
  assert.deepEqual(ids({ search: "" }).at(-1), "kling/kling-3.0/old");
  assert.equal(ids({ search: "  " }).length, ROWS.length);
});

test("vendor and kind leave what has both", () => {
  assert.deepEqual(ids({ search: "", vendor: "kling", kind: "image-to-video" }), ["kling/kling-3.0/pro/image-to-video"]);
  assert.deepEqual(ids({ search: "", vendor: "acme", kind: "image-to-video" }), []);
  assert.deepEqual(choices(ROWS, ({ vendor }) => [vendor]), ["acme", "kling"]);
});

test("the arrows lead around the list and pages to its ends; no other key leads anywhere", () => {
  assert.equal(led("ArrowDown", 2, 3), 0);
  assert.equal(led("ArrowDown", -1, 3), 0);
  assert.equal(led("ArrowUp", 0, 3), 2);
  assert.equal(led("PageDown", 1, 30), 9);
  assert.equal(led("PageUp", 1, 30), 0);
  assert.equal(led("ArrowDown", -1, 0), null);
  assert.equal(led("a", 0, 3), null);
});
