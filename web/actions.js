// @ts-check
/** The next steps that an error or a state offers as buttons. */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { openAccountsDialog } from "./accounts_dialog.js";
import { setSandbox } from "./server.js";
import { asksTheSame } from "./status_store.js";

const HELP = "https://github.com/remote-video/remote-video#settings";
const MOST_SEED = 2 ** 31 - 1;

/** The outermost graph. */
export const rootGraph = () => app.rootGraph ?? app.graph;

/**
 * A node by its id in a prompt, "12:5" for one inside a subgraph.
 *
 * @param {string} executionId
 * @returns {any} undefined where there is none
 */
export function nodeOf(executionId) {
  const ids = executionId.split(":");
  let graph = rootGraph();
  for (const id of ids.slice(0, -1)) graph = graph?.getNodeById(id)?.subgraph;
  return graph?.getNodeById(ids.at(-1)) ?? undefined;
}

/** @param {string} [provider] */
export const openAccounts = (provider) => /** @type {(provider?: string) => void} */ (openAccountsDialog)(provider);

/** Make clips in the sandbox from now on. */
export const useSandbox = () => setSandbox(true);

/** Open the jobs panel. @param {string} _key of the job to be found there */
export function openJob(_key) {
  if (!document.querySelector(".remote-video-panel")) app.extensionManager.command.execute("Workspace.ToggleSidebarTab.remote-video");
}

/** Run the graph as it is now. */
export const runAgain = () => app.queuePrompt(0);

/**
 * Run once more what asked for a clip, so that it is handed on and never paid for again: as the graph is now, where its
 * node still asks for the same clip; else as it was asked.
 *
 * @param {string} promptId
 * @param {string} nodeId
 * @returns {Promise<boolean>} false when ComfyUI doesn't know that prompt any more
 */
export async function handOn(promptId, nodeId) {
  const answer = await api.fetchApi(`/history/${encodeURIComponent(promptId)}`);
  const [, , output, more] = (await answer.json())[promptId]?.prompt ?? [];
  if (!output) return false;
  const now = await app.graphToPrompt();
  const asked = { output, workflow: more?.extra_pnginfo?.workflow };
  await api.queuePrompt(0, asksTheSame(output, now.output, nodeId) ? now : asked);
  return true;
}

/** @param {string} [url] */
export const openHelp = (url = HELP) => void open(url, "_blank", "noopener,noreferrer");

/** @param {string} nodeId @param {string} model */
export const takeSuccessor = (nodeId, model) => set(nodeId, "model", model);

/** @param {string} nodeId */
export const anotherSeed = (nodeId) => set(nodeId, "seed", Math.floor(Math.random() * MOST_SEED));

/** Write into a widget as a user does. @param {string} nodeId @param {string} name @param {any} value */
function set(nodeId, name, value) {
  const node = nodeOf(nodeId);
  const widget = node?.widgets?.find((/** @type {any} */ one) => one.name === name);
  if (!widget) return;
  widget.value = value;
  widget.callback?.(value, app.canvas, node);
  node.setDirtyCanvas(true, true);
}
