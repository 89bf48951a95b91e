// @ts-check
/** What stands on a clip node: how its clip is coming along, what became of it, and the next step. */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { handOn, nodeOf, rootGraph } from "./actions.js";
import { showOutside } from "./folded_signs.js";
import { tellLanded } from "./landing.js";
import { runPrice } from "./run_price.js";
import { getAccounts, getNodes, listen, listenTo } from "./server.js";
import { StatusStore } from "./status_store.js";
import { StatusView, attempt, noteGone } from "./status_view.js";
import { t } from "./text.js";

/** @typedef {import("./status_line.js").NodeStatus} NodeStatus */

export const RUN_WHEN_HERE = "RemoteVideo.RunWhenHere";
const RUN_FOR = "remote_video.run_for";
const SETTLE_MS = 300;
const LOOK_AFTER_MS = 1500;

const store = new StatusStore();
/** @type {Map<any, StatusView>} by node, those on the canvas */
const views = new Map();
/** What a Run of the open graph will do, by the ids of its nodes. @type {Record<string, import("./server.js").BeforeRun>} */
let ahead = {};
/** @type {import("./status_view.js").Accounts} */
let accounts = null;

function showAll() {
  /** @type {Map<any, NodeStatus[]>} */
  const byNode = new Map([...views.keys()].map((node) => [node, []]));
  for (const status of store.of(workflowId())) byNode.get(nodeOf(status.node_id))?.push(status);
  const before = new Map(Object.entries(ahead).map(([id, told]) => [nodeOf(id), told]));
  for (const [node, statuses] of byNode) views.get(node)?.show(statuses, accounts, before.get(node));
  showOutside(store.of(workflowId()));
}

let showing = 0;
/** Once for all that changes together. */
function showSoon() {
  showing ||= requestAnimationFrame(() => {
    showing = 0;
    showAll();
  });
}

const workflowId = () => rootGraph()?.id;

async function reload() {
  const { nodes } = await getNodes().catch(() => ({ nodes: null }));
  store.putAll(nodes ?? [], Date.now());
  showSoon();
  return nodes;
}

/** @type {Map<string, import("./server.js").JobEvent>} by key, jobs whose end is to be looked up */
const ended = new Map();
let settling = 0;

/** @param {CustomEvent<import("./server.js").JobEvent>} event */
function hearJob({ detail: job }) {
  if (job.is_over) for (const { takes } of views.values()) if (takes.has(job.key) || takes.shownKeys().includes(job.key)) takes.askSoon();
  if (!store.hear(job)) return;
  showSoon();
  if (!job.is_over) return;
  ended.set(job.key, job);
  clearTimeout(settling);
  settling = setTimeout(async () => {
    const jobs = [...ended.values()];
    ended.clear();
    if (await reload()) jobs.forEach((one) => store.end(one));
    store.withKeys(jobs.map(({ key }) => key)).forEach(tellLanded);
    runPrice.again();
    showSoon();
  }, SETTLE_MS);
}

/** @param {CustomEvent<NodeStatus>} event */
function hearNode({ detail: status }) {
  store.put(status, Date.now());
  showSoon();
  if (status.is_over) {
    views.get(nodeOf(status.node_id))?.takes.madeAnother();
    runPrice.again();
  }
  tellLanded(status);
  if (status.phase === "here" && status.is_background && status.workflow_id) runFor(status.workflow_id);
}

/**
 * Where the user wants it, run once more what asked for clips that are here: once for each job, ever.
 * @param {string} workflow
 */
function runFor(workflow) {
  if (!app.extensionManager.setting.get(RUN_WHEN_HERE)) return;
  const before = new Set(JSON.parse(sessionStorage.getItem(RUN_FOR) ?? "[]"));
  const here = store.allHere(workflow).filter(({ key }) => !before.has(key));
  if (!here.length) return;
  sessionStorage.setItem(RUN_FOR, JSON.stringify([...before, ...here.map(({ key }) => key)].slice(-500)));
  const prompts = new Map(here.map(({ prompt_id, node_id }) => [prompt_id, node_id]));
  for (const [prompt, node] of prompts) attempt(() => handOn(prompt, node));
}

/** A prompt began or ended. Pages that didn't ask for its clips hear nothing else of its nodes. */
function hearQueue() {
  if (store.underWay(() => true).length) setTimeout(reload, LOOK_AFTER_MS);
}

async function hearReconnected() {
  const nodes = await reload();
  if (nodes) store.restarted(nodes, t("ComfyUI was restarted. The job goes on and is collected."));
  showSoon();
}

/** Ask which accounts there are: a new node says where a key is lacking. */
async function askForAccounts() {
  accounts = await getAccounts().catch(() => null);
  runPrice.again();
  showSoon();
}

/**
 * A saved node has a model that is not offered any more.
 *
 * @param {any} node
 * @param {string} model
 * @param {string[]} instead what is offered in its place
 */
export function sayModelGone(node, model, instead) {
  noteGone(node, model, instead);
  showSoon();
}

/** Begin to listen. */
export function watchNodes() {
  api.addEventListener("remote_video.node", hearNode);
  api.addEventListener("remote_video.sandbox", askForAccounts);
  api.addEventListener("status", hearQueue);
  listen(hearJob);
  listenTo("reconnected", hearReconnected);
  // A dialog's close doesn't bubble.
  document.addEventListener("close", ({ target }) => /** @type {HTMLElement} */ (target)?.classList?.contains("remote-video-accounts") && askForAccounts(), true);
  runPrice.watch((price) => {
    ahead = price?.nodes ?? {};
    showSoon();
  });
  setInterval(() => {
    views.forEach((view) => view.tick());
    showOutside(store.of(workflowId()));
  }, 1000);
  reload();
  askForAccounts();
}

/** @param {any} node */
export function showStatus(node) {
  const view = new StatusView(node);
  const { onAdded, onRemoved } = node;
  node.onAdded = function (/** @type {any[]} */ ...given) {
    onAdded?.apply(this, given);
    views.set(node, view);
    view.takes.askSoon();
    runPrice.soon();
    showSoon();
  };
  node.onRemoved = function (/** @type {any[]} */ ...given) {
    onRemoved?.apply(this, given);
    views.delete(node);
    store.remove(workflowId(), String(node.id));
  };
  if (node.graph) views.set(node, view);
}
