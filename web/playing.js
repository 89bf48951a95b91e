// @ts-check
/** A clip, or a film, plays by itself on its node, without a sound, as ComfyUI's pictures show themselves. */

import { VIDEO_NODES } from "./own_nodes.js";

/** By player, what it was begun with: who pauses it, or turns the sound on, is let be. @type {WeakMap<HTMLVideoElement, string>} */
const begun = new WeakMap();

/** Begin what has just come. Players come with the outputs, and nothing tells of them. @param {any} graph the one that is looked at */
export function playClips(graph) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const node of graph?.nodes ?? []) if (VIDEO_NODES.has(node.comfyClass)) playersOf(node).forEach(play);
}

/** @param {any} node @returns {NodeListOf<HTMLVideoElement>} on the canvas its widget's, on Nodes 2.0 those in its element */
function playersOf(node) {
  const place = node.videoContainer ?? document.querySelector(`[data-node-id="${CSS.escape(String(node.id))}"]`);
  return (place ?? document.createElement("div")).querySelectorAll("video");
}

/** @param {HTMLVideoElement} video */
function play(video) {
  if (begun.get(video) === video.src || !video.src) return;
  begun.set(video, video.src);
  video.muted = true;
  // A browser may not let it: the player's own button is there.
  video.play().catch(() => {});
}
