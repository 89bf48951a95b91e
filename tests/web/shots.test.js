// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { added, isUnwritten, roomFor, spread } from "../../web/shots.js";

const KLING = { least: 3, most: 15, whole_numbers: true };
const FREE = { least: 0.5, most: 20, whole_numbers: false };

test("whole seconds are spread evenly, and what is left over goes to the first shots", () => {
  assert.deepEqual(spread(10, 3, KLING), [4, 3, 3]);
  assert.deepEqual(spread(14, 4, KLING), [4, 4, 3, 3]);
  assert.deepEqual(spread(15, 5, KLING), [3, 3, 3, 3, 3]);
});

test("what can be parted is parted to hundredths, and still adds up", () => {
  const lengths = spread(10, 3, FREE) ?? [];
  assert.deepEqual(lengths, [3.34, 3.33, 3.33]);
  assert.equal(added(lengths, 10).miss, 0);
});

test("shots that can't fill the clip within their limits are not spread", () => {
  assert.equal(spread(14, 5, KLING), null);
  assert.equal(spread(31, 2, KLING), null);
  assert.equal(spread(10.5, 3, KLING), null);
  assert.equal(spread(Number.NaN, 3, KLING), null);
  assert.equal(spread(10, 0, KLING), null);
});

test("every spread that is made adds up and keeps the limits", () => {
  for (let whole = 3; whole <= 15; whole++) {
    for (let count = 1; count <= 5; count++) {
      const lengths = spread(whole, count, KLING);
      assert.equal(lengths === null, count * 3 > whole, `${count} in ${whole} s`);
      assert.ok(!lengths || (added(lengths, whole).miss === 0 && Math.max(...lengths) - Math.min(...lengths) <= 1));
    }
  }
});

test("it is said by how much shots miss the clip's length", () => {
  assert.deepEqual(added([5, 5, 5], 10), { sum: 15, miss: 5 });
  assert.deepEqual(added([3, 3], 10), { sum: 6, miss: -4 });
  assert.deepEqual(added([0.1, 0.2], 0.3), { sum: 0.3, miss: 0 });
});

test("lengths are nobody's while they are as shots begin, or as they were spread for another number", () => {
  const kling = { ...KLING, start: 5 };
  for (const lengths of [[5, 5], [5, 5, 5], [4, 3, 3], [4, 3], [4, 3, 3, 5], [5, 5, 5, 5, 5]]) assert.equal(isUnwritten(lengths, 10, kling), true, `${lengths}`);
  for (const lengths of [[5, 7], [5, 7, 5], [4, 3, 5, 3], [3, 3], [7, 3]]) assert.equal(isUnwritten(lengths, 10, kling), false, `${lengths}`);
});

test("a clip that is too short for its shots could be long enough, unless no clip is", () => {
  assert.equal(roomFor(10, 4, 3, 15), 12);
  assert.equal(roomFor(12, 4, 3, 15), null);
  assert.equal(roomFor(10, 6, 3, 15), null);
});
