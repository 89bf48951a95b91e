// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { outputWording, wording } from "../../web/wording.js";

test("a socket among several is called by what it takes and its number, counted from 1", () => {
  assert.equal(wording("elements.element_0"), "Element 1");
  assert.equal(wording("model.elements.element_2"), "Element 3");
  assert.equal(wording("model.images.image_1"), "Image 1");
  assert.equal(wording("model.image_url_2"), "Image 2");
});

test("a part of a group says whose it is", () => {
  assert.equal(wording("multi_shot.shot_1_prompt"), "Shot 1 · Prompt");
  assert.equal(wording("model.multi_prompt.shot_12_camera_move"), "Shot 12 · Camera move");
});

test("any other name is its words, without what only a program needs", () => {
  assert.equal(wording("model.start_image_url"), "Start image");
  assert.equal(wording("model.cfg_scale"), "CFG scale");
  assert.equal(wording("model.prompt_extend"), "Prompt extend");
  assert.equal(wording("model.video_url"), "Video");
  assert.equal(outputWording("fps"), "Frames per second");
});
