// @ts-check
/** What is known of all nodes' clips, of every workflow. No page and no ComfyUI here. */

/** @typedef {import("./status_line.js").NodeStatus} NodeStatus */
/** @typedef {import("./server.js").JobEvent} JobEvent */

/** The id of every workflow that was cleared and not saved since: it tells nothing of where a node belongs. */
const NO_ID = "00000000-0000-0000-0000-000000000000";

export class StatusStore {
  constructor() {
    /** @type {Map<string, NodeStatus>} by workflow, node and item */
    this.statuses = new Map();
  }

  /**
   * Take what was told of a node; of two prompts the later one counts.
   *
   * @param {NodeStatus} told
   * @param {number} now ms
   */
  put(told, now) {
    if (!told.workflow_id) return;
    for (const [place, known] of this.statuses) {
      if (known.workflow_id !== told.workflow_id || known.node_id !== told.node_id || known.prompt_id === told.prompt_id) continue;
      if (known.asked_at > told.asked_at) return;
      this.statuses.delete(place);
    }
    const began_at = told.elapsed_s === null ? undefined : now - 1000 * told.elapsed_s;
    this.statuses.set(`${told.workflow_id} ${told.node_id} ${told.item}`, { ...told, began_at });
  }

  /**
   * What was told before this page was there.
   *
   * @param {NodeStatus[]} all
   * @param {number} now ms
   */
  putAll(all, now) {
    for (const told of all) if (told.workflow_id !== NO_ID) this.put(told, now);
  }

  /**
   * A node is no longer there: another one may get its id.
   *
   * @param {string} workflow_id
   * @param {string} node_id
   */
  remove(workflow_id, node_id) {
    if (workflow_id !== NO_ID) return;
    for (const [place, one] of this.statuses) if (one.workflow_id === NO_ID && one.node_id === node_id) this.statuses.delete(place);
  }

  /** @param {string | undefined} workflow_id @returns {NodeStatus[]} by node and item */
  of(workflow_id) {
    return [...this.statuses.values()].filter((one) => one.workflow_id === workflow_id).sort((one, other) => one.item - other.item);
  }

  /**
   * A job that nodes here show has gone on: other pages than the one that asked hear only this.
   *
   * @param {JobEvent} job
   * @returns {boolean} whether anything shown is about it
   */
  hear(job) {
    const about = this.underWay((one) => one.key === job.key);
    const { progress, place, usually_s, words } = job;
    // Of a node whose run has ended it stays said that the job goes on.
    if (!job.is_over) for (const one of about) Object.assign(one, { progress, place, usually_s }, one.phase !== "left" || one.is_background ? { words } : {});
    return about.length > 0;
  }

  /**
   * How a job ended, for nodes that the server knows nothing of any more.
   *
   * @param {JobEvent} job
   */
  end(job) {
    const { state, file, words, error, cost_usd, sandbox, request_id } = job;
    const phase = state === "stored" ? "here" : error ? "error" : "over";
    for (const one of this.underWay(({ key, phase }) => key === job.key && phase === "left"))
      Object.assign(one, { phase, state, file, words, error, cost_usd, sandbox, request_id, is_over: true });
  }

  /**
   * ComfyUI is another one by now: what it doesn't know goes on without a node, if there is a job.
   *
   * @param {NodeStatus[]} told
   * @param {string} words
   */
  restarted(told, words) {
    const known = new Set(told.map(({ prompt_id, node_id, item }) => `${prompt_id} ${node_id} ${item}`));
    for (const one of this.underWay(({ prompt_id, node_id, item }) => !known.has(`${prompt_id} ${node_id} ${item}`)))
      Object.assign(one, one.request_id ? { phase: "left", words } : { phase: "over", words, is_over: true });
  }

  /** @param {string[]} keys of jobs @returns {NodeStatus[]} */
  withKeys(keys) {
    return [...this.statuses.values()].filter(({ key }) => keys.includes(key));
  }

  /** @param {(status: NodeStatus) => boolean} wanted */
  underWay(wanted) {
    return [...this.statuses.values()].filter((one) => !one.is_over && wanted(one));
  }

  /**
   * Clips that are here and were not waited for, once no other one of the workflow is being made.
   *
   * @param {string} workflow_id
   */
  allHere(workflow_id) {
    const background = this.of(workflow_id).filter((one) => one.is_background && !["made", "made again"].includes(one.phase));
    return background.every(({ phase }) => phase !== "left") ? background.filter(({ phase }) => phase === "here") : [];
  }
}

/** Inputs that change nothing about what is asked of the provider. */
const NOT_IN_THE_JOB = new Set(["filename_prefix", "frames", "max_frames", "wait"]);

/** @typedef {Record<string, {class_type: string, inputs: Record<string, any>}>} Prompt in API format */

/**
 * Whether a node asks for the same clip in two prompts: it and all that feeds it are the same.
 *
 * @param {Prompt} one
 * @param {Prompt} other
 * @param {string} nodeId
 */
export function asksTheSame(one, other, nodeId) {
  const seen = new Set();
  /** @type {(id: string, leftOut?: Set<string>) => boolean} */
  const same = (id, leftOut = new Set()) => {
    if (seen.has(id)) return true;
    seen.add(id);
    const [a, b] = [one[id], other[id]];
    if (!a || !b || a.class_type !== b.class_type) return false;
    const names = new Set([...Object.keys(a.inputs), ...Object.keys(b.inputs)].filter((name) => !leftOut.has(name)));
    return [...names].every((name) => {
      const [x, y] = [a.inputs[name], b.inputs[name]];
      if (JSON.stringify(x) !== JSON.stringify(y)) return false;
      return !(Array.isArray(x) && x.length === 2 && String(x[0]) in one) || same(String(x[0]));
    });
  };
  return same(nodeId, NOT_IN_THE_JOB);
}
