// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { priceOf } from "../../web/price.js";

/** @type {import("../../web/server.js").Offered} */
const PRICED = {
  retired: false,
  price_usd: 0.1,
  price_unit: "second",
  is_from: false,
  dearer_by: ["resolution", "audio_url"],
  length: { name: "num_frames", per_second: "fps" },
  unset: { resolution: "model default", num_frames: 0, fps: null },
};
const SET = { num_frames: 48, fps: 24, resolution: "model default" };

/** @param {Record<string, unknown>} values @param {string[]} wired @param {object} about */
const price = (values, wired = [], about = {}) =>
  priceOf({ ...PRICED, ...about }, (name) => values[name], (name) => wired.includes(name));

test("frames are divided by the rate that is set, or by the one that is known", () => {
  assert.deepEqual(price(SET), { usd: 0.2, isFrom: false });
  assert.deepEqual(price({ num_frames: 48 }, [], { length: { name: "num_frames", per_second: 12 } }), { usd: 0.4, isFrom: false });
  assert.equal(price({ ...SET, fps: 0 }), null);
});

test("seconds are read as they are written", () => {
  const length = { name: "duration", per_second: 1 };
  assert.equal(price({ duration: " 5s " }, [], { length })?.usd, 0.5);
  assert.equal(price({ duration: "auto" }, [], { length }), null);
});

test("no price is told of a length that is left to the model, or that comes by a wire", () => {
  assert.equal(price({ ...SET, num_frames: 0 }), null);
  assert.equal(price(SET, ["num_frames"]), null);
  assert.equal(price(SET, [], { length: null }), null);
  assert.equal(price(SET, [], { price_usd: null }), null);
});

test("it is the least price where an input is sent that can make it dearer, and only there", () => {
  assert.equal(price({ ...SET, resolution: "4k" })?.isFrom, true);
  assert.equal(price(SET, ["audio_url"])?.isFrom, true);
  assert.equal(price(SET, [], { is_from: true })?.isFrom, true);
});
