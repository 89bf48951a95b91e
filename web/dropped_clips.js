// @ts-check
/** A clip of ours that is dropped on the canvas, or opened: its workflow can be had, not the clip alone. */

import { app } from "../../scripts/app.js";
import { button, make } from "./elements.js";
import { placeClip } from "./jobs_canvas.js";
import { openModal } from "./modal.js";
import { isGraph } from "./saved_graph.js";
import { getOriginOfFile } from "./server.js";
import { t } from "./text.js";

/** @typedef {import("./server.js").Origin} Origin */

/** A larger file is known by its name and size alone, bytes. */
const MOST_HASHED = 1024 ** 3;

/** Ask before ComfyUI takes a clip for a video like any other. */
export function offerWorkflows() {
  const { handleFile } = app;
  app.handleFile = async function (/** @type {File} */ file, /** @type {any[]} */ ...more) {
    const origin = /\.mp4$/i.test(file.name) ? await originOf(file).catch(() => null) : null;
    if (!origin) return handleFile.call(this, file, ...more);
    const choice = await ask(file.name);
    if (choice === "workflow") return open(origin.workflow, file.name.replace(/\.\w+$/, ""));
    if (choice === "clip") return origin.job?.shown_at ? placeClip(origin.job.shown_at) : handleFile.call(this, file, ...more);
  };
}

/** @param {File} file @returns {Promise<Origin | null>} null where it is none of ours, or nothing is known of it */
async function originOf(file) {
  let origin = await getOriginOfFile(file.name, file.size, "");
  // Browsers hash on pages opened over https or on this machine alone.
  if (!origin.job && globalThis.crypto?.subtle && file.size <= MOST_HASHED) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    origin = await getOriginOfFile(file.name, file.size, [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  }
  return origin.workflow ? origin : null;
}

/** @param {any} workflow @param {string} name */
const open = (workflow, name) => (isGraph(workflow) ? app.loadGraphData(workflow, true, true, name) : app.loadApiJson(workflow, name));

/** @param {string} file @returns {Promise<string>} "workflow", "clip", or nothing when it was let be */
function ask(file) {
  return new Promise((answer) => {
    const workflow = button(t("Open its workflow"), () => modal.close("workflow"), { className: "primary" });
    const clip = button(t("Load the clip alone"), () => modal.close("clip"));
    const modal = openModal(file, [make("p", {}, t("This clip was made here, and its workflow is known."))], [clip, workflow], "remote-video-question");
    modal.addEventListener("close", () => answer(modal.returnValue));
    workflow.focus();
  });
}
