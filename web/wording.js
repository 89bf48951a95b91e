// @ts-check
/** An input's name in words: those below a choice, which ComfyUI labels by their names alone. No page here. */

import { t } from "./text.js";

/** Names that many models have, in the user's language. */
const KNOWN = () => ({
  aspect_ratio: t("Aspect ratio"),
  audio: t("Audio"),
  audios: t("Audios"),
  cfg_scale: t("CFG scale"),
  clip: t("Clip"),
  duration: t("Duration"),
  element: t("Element"),
  elements: t("Elements"),
  enable_audio: t("Generate audio"),
  first_frame: t("First frame"),
  generate_audio: t("Generate audio"),
  image: t("Image"),
  images: t("Images"),
  last_frame: t("Last frame"),
  mask: t("Mask"),
  multi_prompt: t("Shots"),
  multi_shot: t("Shots"),
  negative_prompt: t("Negative prompt"),
  prompt: t("Prompt"),
  reference_image: t("Reference image"),
  reference_images: t("Reference images"),
  resolution: t("Resolution"),
  shot: t("Shot"),
  shot_type: t("Shot planning"),
  size: t("Size"),
  start_image: t("Start image"),
  end_image: t("End image"),
  video: t("Video"),
  videos: t("Videos"),
});

/** Outputs of the clip nodes. */
const OUTPUTS = () => ({
  audio: t("Audio"),
  element: t("Element"),
  fps: t("Frames per second"),
  frames: t("Frames"),
  last_frame: t("Last frame"),
  request_id: t("Request id"),
  video: t("Video"),
  video_path: t("Path of the video"),
});

/** ComfyUI counts what it names by a prefix from 0: element_0 is the first one. */
const FROM_ZERO = new Set(["element", "clip"]);
const PART_OF_GROUP = /^(.+?)_(\d+)_(.+)$/;
const NUMBERED = /^(.+)_(\d+)$/;
const CAPITALS = /\b(cfg|fps|hd|id|json|lora|ui|url)\b/g;

/**
 * @param {string} name as prompts have it: `multi_shot.shot_1_prompt`, `elements.element_0`, `model.image_url`
 * @returns {string} such as "Shot 1 · Prompt", "Element 1", "Image"
 */
export function wording(name) {
  const own = name.split(".").at(-1) ?? name;
  const part = PART_OF_GROUP.exec(own);
  if (part) return t("{group} {number} · {part}", { group: word(part[1]), number: Number(part[2]), part: word(part[3]) });
  const one = NUMBERED.exec(own);
  if (!one) return word(own);
  return t("{thing} {number}", { thing: word(one[1]), number: Number(one[2]) + Number(FROM_ZERO.has(one[1])) });
}

/** @param {string} name of an output @returns {string} */
export const outputWording = (name) => /** @type {Record<string, string>} */ (OUTPUTS())[name] ?? word(name);

/** @param {string} name */
function word(name) {
  const bare = name.replace(/_urls$/, "s").replace(/_url$/, "");
  const known = /** @type {Record<string, string>} */ (KNOWN());
  if (known[bare]) return known[bare];
  const spaced = bare.replaceAll("_", " ").trim().replace(CAPITALS, (found) => found.toUpperCase());
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
