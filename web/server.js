// @ts-check
/** What the browser asks the pack's routes. A key goes one way only: to the server. */

import { api } from "../../scripts/api.js";
import { said } from "./said.js";
import { t } from "./text.js";

/**
 * @typedef {object} Account
 * @property {string} provider
 * @property {string} name
 * @property {boolean} set
 * @property {string | null} source "saved", "session", or the environment variable's name
 * @property {string[]} variables
 * @property {string} key_page
 * @property {string} key_hint
 * @property {string | null} error
 */

/**
 * @typedef {object} Job
 * @property {string} key
 * @property {string} state
 * @property {string} state_text the state in plain words
 * @property {string | null} live what the engine last said of it, while it is under way
 * @property {number | null} progress 0..1, while the provider gives one
 * @property {boolean} forgettable
 * @property {boolean} cancellable
 * @property {boolean} fetchable whether its clip can be brought here, again too, without a submission
 * @property {string} model
 * @property {string} provider in people's words
 * @property {string | null} prompt its first words
 * @property {number} seed or the number that only tells takes apart
 * @property {boolean} starred
 * @property {string | null} node_id who asked first, as a prompt names it: "3:12" in a subgraph
 * @property {string | null} asked_by who asked and where, "user@host", where that may be somebody else
 * @property {string | null} request_id
 * @property {number} created_at seconds since 1970
 * @property {number | null} seconds how long the provider had it
 * @property {number | null} cost_usd null for a sandbox job, and while it is not known
 * @property {number | null} estimate_usd what it was to cost by the catalogue's price; null where that can't be said
 * @property {string | null} error
 * @property {string | null} file_name
 * @property {string | null} path of the clip on the server, while it is there
 * @property {ShownAt | null} shown_at where ComfyUI's own /view has the clip
 * @property {boolean} sandbox
 */

/** @typedef {{filename: string, subfolder: string, type: string}} ShownAt */
/** @typedef {{states: string[], model: string, search: string}} Wanted which jobs a list shows; empty is all */
/** @typedef {{jobs: Job[], next: string | null, total: number | null, models: string[] | null, sandbox: boolean, version: string}} Page */

/**
 * What was spent in a calendar day or month of the server's time, without sandbox jobs.
 * @typedef {object} Spent
 * @property {number} spent_usd as the provider said it
 * @property {number} expected_usd besides, of jobs whose cost is not known (yet)
 * @property {number} unknown how many jobs nothing is known of
 * @property {number} jobs
 * @property {string} opens_at when the next day or month begins, ISO, the server's local time
 */

/**
 * @typedef {object} Budget
 * @property {number | null} day_usd
 * @property {number | null} month_usd
 * @property {number | null} unknown_price_usd what a job counts as whose price nobody knows
 * @property {string | null} day_variable the environment variable that sets it, which wins over what is saved
 * @property {string | null} month_variable
 * @property {string | null} error
 */

/** @typedef {{day: Spent, month: Spent, budget: Budget, sandbox: boolean}} Money */

/** @returns {Promise<Money>} */
export const getMoney = () => ask("/remote_video/money");

/** @param {string} day_usd @param {string} month_usd amounts, or empty for no budget @returns {Promise<Money>} */
export const saveBudget = (day_usd, month_usd) => ask("/remote_video/budget/save", { day_usd, month_usd });

/**
 * @typedef {object} Accounts
 * @property {Account[]} accounts
 * @property {boolean} sandbox
 * @property {{name: string, variable: string} | null} hoster whose machine ComfyUI runs on, and what says so
 * @property {boolean} multi_user whether ComfyUI's users share what is here
 */

/**
 * What came of trying a key.
 * @typedef {object} Trial
 * @property {"accepted" | "refused" | "unanswered"} verdict
 * @property {string} words the provider's own, or why there is no answer
 * @property {number | null} balance_usd
 * @property {number | null} models how many are listed
 */

/** @returns {Promise<Accounts>} */
export const getAccounts = () => ask("/remote_video/accounts");

/**
 * @param {string} provider
 * @param {string} key
 * @param {{session: boolean, insist?: boolean}} how in memory alone; whatever its provider says
 * @returns {Promise<Accounts & {kept: boolean, trial: Trial | null}>}
 */
export const saveAccount = (provider, key, how) => ask("/remote_video/accounts/save", { provider, key, ...how });

/** @param {string} provider @returns {Promise<{trial: Trial}>} */
export const checkAccount = (provider) => ask("/remote_video/accounts/check", { provider });

/** @param {string} provider @returns {Promise<Accounts>} */
export const forgetAccount = (provider) => ask("/remote_video/accounts/forget", { provider });

/**
 * What is in force; `<name>_variable` is the environment variable that sets it.
 * @typedef {object} Settings
 * @property {boolean} sandbox
 * @property {string | null} sandbox_variable
 * @property {boolean} collect
 * @property {string | null} collect_variable
 * @property {number} collect_every_s
 * @property {string} uploads one of `transports`
 * @property {string | null} uploads_variable
 * @property {string[]} transports
 * @property {string[]} shown_to the providers that this is about
 * @property {string[]} in_request those that take images in the request itself, whatever is chosen
 * @property {string[]} unpromised_by those that don't promise to take images inside the request
 * @property {string | null} public_origin
 * @property {string | null} public_origin_variable
 * @property {string | null} s3_bucket
 * @property {string} home
 * @property {string} ledger
 * @property {string} clips
 */

/** @returns {Promise<Settings>} */
export const getSettings = () => ask("/remote_video/settings");

/** @param {{collect?: boolean, uploads?: string, public_origin?: string}} chosen @returns {Promise<Settings>} */
export const saveSettings = (chosen) => ask("/remote_video/settings/save", chosen);

/** @param {boolean} on @returns {Promise<{sandbox: boolean}>} */
export const switchSandbox = (on) => ask("/remote_video/sandbox", { on });

/**
 * @typedef {object} Offered
 * @property {string} [name]
 * @property {boolean} retired
 * @property {number | null} price_usd
 * @property {string | null} price_unit "output" or "second"
 * @property {boolean} is_from whether it can cost more, whatever is set
 * @property {string[]} dearer_by the inputs that can make it cost more when they are sent
 * @property {{name: string, per_second: number | string} | null} length the input that is the clip's length, and how much of
 *   it is a second: a number, or the input that says so
 * @property {Record<string, unknown>} unset by input, what its widget shows when it isn't sent; null when it always is
 */

/**
 * One of a node that has many.
 * @typedef {Offered & {name: string, vendor: string, kinds: string[], shots: import("./shots.js").Group[]}} OfferedModel
 */

/**
 * @typedef {object} AllOffered
 * @property {Record<string, OfferedModel>} models by id
 * @property {Record<string, Offered>} nodes by class, those of one model
 * @property {Record<string, import("./shots.js").Group[]>} shots by class, of the same nodes
 * @property {Record<string, string>} providers by class, the id of who makes its clips
 * @property {boolean} sandbox
 */

/** @returns {Promise<AllOffered>} */
export const getOffered = () => ask("/remote_video/models");

/** What CometAPI calls its models of Veo. @returns {Promise<{names: string[], asked_at: number | null}>} */
export const getAliases = () => ask("/remote_video/models/aliases");

/** @param {string} model @returns {Promise<{instead: string[]}>} */
export const getInstead = (model) => ask(`/remote_video/models/instead?model=${encodeURIComponent(model)}`);

/** Have the provider asked what it offers now. @returns {Promise<{changed: boolean}>} */
export const renewModels = () => ask("/remote_video/models/renew", {});

/** What stands on nodes. @returns {Promise<{nodes: import("./status_line.js").NodeStatus[]}>} */
export const getNodes = () => ask("/remote_video/nodes");

/**
 * A page of jobs, newest first.
 *
 * @param {Wanted} wanted
 * @param {string | null} before where the page before it ended; null for the first
 * @param {number} limit
 * @returns {Promise<Page>}
 */
export const getJobs = ({ states, model, search }, before, limit) =>
  ask(`/remote_video/jobs?${new URLSearchParams({ state: states.join(","), model, search, before: before ?? "", limit: String(limit) })}`);

/** Those of these jobs that are there. @param {string[]} keys 100 at most @returns {Promise<{jobs: Job[], sandbox: boolean}>} */
export const getTheseJobs = (keys) => ask(`/remote_video/jobs?${new URLSearchParams({ keys: keys.join(",") })}`);

/**
 * The takes of nodes: starred ones first, then the newest.
 *
 * @param {string} workflow_id
 * @param {{id: string, filename_prefix: string, keys: string[]}[]} nodes
 * @returns {Promise<{takes: Record<string, Job[]>}>}
 */
export const getTakes = (workflow_id, nodes) => ask("/remote_video/takes", { workflow_id, nodes });

/** @param {string} key @param {boolean} starred @returns {Promise<{done: boolean}>} */
export const starTake = (key, starred) => ask("/remote_video/takes/star", { key, starred });

/**
 * What a clip was made from.
 * @typedef {{workflow: any, node_id: string | null, job: Job | null}} Origin the graph it was asked from, or null
 */

/** @param {string} key @returns {Promise<Origin>} */
export const getOrigin = (key) => ask(`/remote_video/jobs/workflow?${new URLSearchParams({ key })}`);

/** @param {string} name @param {number} size bytes @param {string} sha256 hex, or empty @returns {Promise<Origin>} */
export const getOriginOfFile = (name, size, sha256) => ask(`/remote_video/jobs/of_file?${new URLSearchParams({ name, size: String(size), sha256 })}`);

/** The address of a job's first frame; another clip has another one. @param {Job} job */
export const thumbnailOf = ({ key, created_at, file_name }) =>
  api.apiURL(`/remote_video/thumbnail?${new URLSearchParams({ key, v: `${created_at} ${file_name}` })}`);

/** The address of a clip. @param {ShownAt} shownAt */
export const clipAt = (shownAt) => api.apiURL(`/view?${new URLSearchParams({ ...shownAt })}`);

/** Bring a clip here that was paid for. @param {string} key @returns {Promise<{begun: boolean}>} */
export const fetchClip = (key) => ask("/remote_video/jobs/fetch", { key });

/**
 * What is known of one clip before it runs.
 * @typedef {object} BeforeRun
 * @property {number | null} estimate_usd
 * @property {boolean} is_from whether it can cost more
 * @property {boolean} made_before
 * @property {boolean} is_known whether that can be told before it runs
 * @property {string | null} why what isn't known of it
 * @property {string} line what a Run of it will do
 * @property {Record<string, number[]>} kept by the input that a picture comes by, what is left of it: left, top, right,
 *   bottom, as parts of its width and height
 */

/**
 * @typedef {object} RunPrice
 * @property {Record<string, BeforeRun>} nodes by id, as a prompt has it
 * @property {number} clips
 * @property {number} made how many of them were made before: nothing is paid for these
 * @property {number} usd what the others cost, as far as that is known
 * @property {boolean} is_from whether it can be more
 * @property {number} unknown how many others have no known price
 * @property {boolean} sandbox
 */

/** What a Run of this graph will cost. @param {object} prompt in API format @returns {Promise<RunPrice>} */
export const getRunPrice = (prompt) => ask("/remote_video/run_price", { prompt });

/** @param {string} key @returns {Promise<{forgotten: boolean, why: string}>} */
export const forgetJob = (key) => ask("/remote_video/jobs/forget", { key });

/** @param {string} key @returns {Promise<{asked: boolean}>} */
export const cancelJob = (key) => ask("/remote_video/jobs/cancel", { key });

/**
 * What the engine says of a job, as it comes over ComfyUI's websocket.
 * @typedef {object} JobEvent
 * @property {string} key
 * @property {string} text
 * @property {string} words what of it is said in words, without times and ids
 * @property {string | null} state
 * @property {string | null} request_id
 * @property {number | null} progress 0..1
 * @property {string} model
 * @property {number | null} place in the provider's queue
 * @property {number | null} elapsed_s
 * @property {number | null} usually_s
 * @property {boolean} sandbox
 * @property {number | null} estimate_usd
 * @property {number | null} cost_usd
 * @property {string | null} file
 * @property {import("./status_line.js").NodeError | null} error
 * @property {boolean} is_over
 */

/** @param {(event: CustomEvent<{key: string}>) => void} heard called when a job was forgotten, by any page */
export const onForgotten = (heard) => api.addEventListener("remote_video.forgotten", heard);

/** @param {(event: CustomEvent<JobEvent>) => void} heard */
export const listen = (heard) => api.addEventListener("remote_video.job", heard);

/** @param {(event: CustomEvent<JobEvent>) => void} heard */
export const stopListening = (heard) => api.removeEventListener("remote_video.job", heard);

/** @param {(event: CustomEvent<{on: boolean}>) => void} heard called when the sandbox is switched, by any page */
export const onSandbox = (heard) => api.addEventListener("remote_video.sandbox", heard);

/** @param {() => void} heard called when keys, budgets or other settings were changed, by any page */
export const onAccounts = (heard) => api.addEventListener("remote_video.accounts", heard);

/** @param {() => void} heard called when other models are offered than were known */
export const onOffered = (heard) => api.addEventListener("remote_video.offered", heard);

/** @param {(event: CustomEvent<any>) => void} heard as given to `onSandbox` or `onAccounts` */
export function stopOnSettings(heard) {
  for (const event of ["remote_video.sandbox", "remote_video.accounts"]) api.removeEventListener(event, heard);
}

/** The path that ComfyUI is served under, "" or "/path". */
export const basePath = () => api.fileURL("");

/** Without it the server changes nothing: no page of another site can send it. */
const GUARD = { "X-Remote-Video": "1" };

/**
 * Hear of ComfyUI itself: "reconnecting", "reconnected" (events were missed meanwhile), "graphChanged", "promptQueued".
 *
 * @param {string} event
 * @param {() => void} heard
 */
export const listenTo = (event, heard) => api.addEventListener(event, heard);

/**
 * GET, or POST when there is a body.
 * @param {string} route
 * @param {object} [body]
 * @returns {Promise<any>}
 * @throws {Error} with a sentence to show
 */
async function ask(route, body) {
  const post = { method: "POST", headers: { "Content-Type": "application/json", ...GUARD }, body: JSON.stringify(body) };
  let response;
  try {
    response = await api.fetchApi(route, body ? post : { cache: "no-store" });
  } catch {
    throw new Error(t("ComfyUI does not answer. Is it still running?"));
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  throw new Error(
    answer?.error
      ? said(answer.error)
      : t("ComfyUI answered {status}. Its log says more.", { status: `${response.status} ${response.statusText}` }),
  );
}
