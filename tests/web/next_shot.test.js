// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { countedOn, placeBeside } from "../../web/next_shot.js";

test("the next clip's name counts on, as wide as the number was, and its folders stay", () => {
  const cases = {
    "film/shot_01": "film/shot_02",
    "shot_9": "shot_10",
    "shot-099": "shot-100",
    "shot07": "shot08",
    "clip": "clip_02",
    "video/Veo3I2V": "video/Veo3I2V_02",
    "kling3": "kling3_02",
    "act_1/clip": "act_1/clip_02",
    "act\\clip_03": "act\\clip_04",
    "film/shot_01.mp4": "film/shot_02.mp4",
    "day_%date:yyyy%": "day_%date:yyyy%_02",
    "s_99999999999999999999": "s_100000000000000000000",
    "01": "02",
  };
  for (const [prefix, next] of Object.entries(cases)) assert.equal(countedOn(prefix), next);
});

test("the next node stands at the right, below what is there already, and never on it", () => {
  const node = { pos: [100, 50], size: [300, 400] };
  assert.deepEqual(placeBeside(node, [300, 200], [node], 60), [460, 50]);
  const others = [node, { pos: [500, 0], size: [200, 300] }, { pos: [420, 390], size: [100, 80] }, { pos: [900, 0], size: [50, 900] }];
  assert.deepEqual(placeBeside(node, [300, 200], others, 60), [460, 560]);
});
