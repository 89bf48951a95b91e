// @ts-check
/** The jobs that a list shows, kept in their order while answers come in. No page and no ComfyUI here. */

/** @typedef {import("./server.js").Job} Job */
/** @typedef {import("./server.js").Page} Page */
/** @typedef {import("./server.js").Wanted} Wanted */

/** What a list may be narrowed to, by states. @type {Record<string, string[]>} */
export const GROUPS = {
  all: [],
  needs_you: ["uncertain", "expired"],
  under_way: ["intent", "submitted", "finished"],
  saved: ["stored"],
  ended: ["refused", "failed", "cancelled"],
};

/** @returns {Wanted} */
export const everything = () => ({ states: [], model: "", search: "" });

/** @param {Wanted} wanted */
export const isNarrowed = ({ states, model, search }) => states.length > 0 || model !== "" || search !== "";

export class JobsModel {
  constructor() {
    /** @type {Job[]} newest first */
    this.rows = [];
    /** @type {Wanted} */
    this.wanted = everything();
    /** Where the next page begins; null when all are here. @type {string | null} */
    this.next = null;
    /** How many there are; null when that isn't known. @type {number | null} */
    this.total = null;
    /** @type {string[]} those there are jobs of */
    this.models = [];
    this.sandbox = false;
    /** Of the pack. */
    this.version = "";
    /** Whether a first page was ever had. */
    this.isKnown = false;
    /** @type {Map<string, Job>} */
    this.byKey = new Map();
  }

  /** The first page, in place of all there was. @param {Page} page */
  replace({ jobs, next, total, models, sandbox, version }) {
    Object.assign(this, { rows: [], next, total, models: models ?? this.models, sandbox, version, isKnown: true });
    this.byKey.clear();
    this.#take(jobs);
  }

  /** The page after those that are here. @param {Page} page */
  append({ jobs, next }) {
    this.next = next;
    this.#take(jobs.filter((job) => !this.byKey.has(job.key)));
  }

  /**
   * What was found of some jobs: changed ones change, new ones come in where they belong, the others are gone.
   *
   * @param {string[]} asked keys
   * @param {Job[]} found
   */
  patch(asked, found) {
    const here = new Map(found.map((job) => [job.key, job]));
    const before = this.rows.length;
    this.rows = this.rows.filter(({ key }) => !asked.includes(key));
    for (const key of asked) this.byKey.delete(key);
    this.#take([...here.values()].filter((job) => this.#belongs(job)));
    if (this.total !== null) this.total += this.rows.length - before;
  }

  /**
   * Something is said of a job, which stays where it is.
   *
   * @param {string} key
   * @param {Partial<Job>} facts
   */
  note(key, facts) {
    const at = this.indexOf(key);
    if (at < 0) return;
    this.rows[at] = { ...this.rows[at], ...facts };
    this.byKey.set(key, this.rows[at]);
  }

  /** @param {string} key @returns {number} -1 when it is not here */
  indexOf(key) {
    const job = this.byKey.get(key);
    if (!job) return -1;
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(this.rows[middle], job)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The keys of those that may have changed while nobody was told. */
  unsettled() {
    return this.rows.filter(({ state }) => GROUPS.under_way.includes(state)).map(({ key }) => key);
  }

  /** @param {Job} job whether the list would show it, and as far down as it is known */
  #belongs(job) {
    const last = this.rows.at(-1);
    return matches(job, this.wanted) && (this.next === null || !last || isBefore(job, last));
  }

  /** @param {Job[]} jobs */
  #take(jobs) {
    if (!jobs.length) return;
    for (const job of jobs) this.byKey.set(job.key, job);
    const isAtTheEnd = this.rows.length === 0 || isBefore(/** @type {Job} */ (this.rows.at(-1)), jobs[0]);
    this.rows = [...this.rows, ...jobs];
    if (!isAtTheEnd || jobs.length > 1) this.rows.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }
}

/** @param {Job} a @param {Job} b whether a stands above b */
const isBefore = (a, b) => a.created_at > b.created_at || (a.created_at === b.created_at && a.key > b.key);

/** @param {Job} job @param {Wanted} wanted */
export function matches({ state, model, prompt, request_id, file_name }, { states, model: only, search }) {
  const has = (/** @type {string | null} */ text) => !!text?.toLowerCase().includes(search.toLowerCase());
  return (!states.length || states.includes(state)) && (!only || only === model) && (!search || [prompt, request_id, file_name].some(has));
}

/** @typedef {{page: (wanted: Wanted, before: string | null, limit: number) => Promise<Page>, these: (keys: string[]) => Promise<{jobs: Job[]}>}} Ask */

/** Jobs asked for at a time. */
const MOST_KEYS = 100;
const PAGE = 100;
/** The same, on the way to what is far down. */
const FAR_PAGE = 1000;

/**
 * Keeps a model up to date by one question at a time: an answer never comes after that to a later question, and
 * questions that come while one is out are asked together.
 */
export class Feed {
  /**
   * @param {JobsModel} model
   * @param {Ask} ask
   * @param {() => void} changed an answer was taken
   * @param {(error: Error) => void} failed
   */
  constructor(model, ask, changed, failed) {
    this.model = model;
    this.ask = ask;
    this.changed = changed;
    this.failed = failed;
    this.wantsFirst = false;
    this.wantsMore = false;
    this.isFar = false;
    /** @type {Set<string>} */
    this.heardOf = new Set();
    /** @type {Promise<void> | null} */
    this.work = null;
  }

  /** Ask for the first page. Other jobs are wanted from now on where `wanted` is given. @param {Wanted} [wanted] */
  refresh(wanted) {
    if (wanted) this.model.wanted = wanted;
    this.wantsFirst = true;
    return this.#go();
  }

  /** Ask for the next page, if there is one. @param {boolean} [isFar] whether what is wanted is far down */
  more(isFar = false) {
    this.isFar = isFar;
    this.wantsMore = this.model.next !== null;
    return this.#go();
  }

  /** Something is said to have happened to these. @param {string[]} keys */
  heard(keys) {
    for (const key of keys) this.heardOf.add(key);
    return this.#go();
  }

  get isBusy() {
    return this.work !== null;
  }

  #go() {
    this.work ??= this.#ask().finally(() => (this.work = null));
    return this.work;
  }

  async #ask() {
    while (this.wantsFirst || this.heardOf.size || this.wantsMore) {
      try {
        await this.#askOnce();
      } catch (error) {
        this.wantsMore = false;
        this.failed(/** @type {Error} */ (error));
        continue;
      }
      this.changed();
    }
  }

  async #askOnce() {
    const { model } = this;
    const wanted = model.wanted;
    if (this.wantsFirst) {
      this.wantsFirst = this.wantsMore = false;
      const page = await this.ask.page(wanted, null, PAGE);
      if (wanted === model.wanted) model.replace(page);
    } else if (this.heardOf.size) {
      const keys = [...this.heardOf].slice(0, MOST_KEYS);
      for (const key of keys) this.heardOf.delete(key);
      const { jobs } = await this.ask.these(keys);
      if (wanted === model.wanted) model.patch(keys, jobs);
    } else {
      this.wantsMore = false;
      const page = await this.ask.page(wanted, model.next, this.isFar ? FAR_PAGE : PAGE);
      if (wanted === model.wanted && !this.wantsFirst) model.append(page);
    }
    // A search that looked through many jobs and found none goes on by itself.
    if (!model.rows.length && model.next !== null) this.wantsMore = true;
  }
}

/** Asks one question at a time, the latest one next; an answer to an earlier one is not taken. @template Q, A */
export class Latest {
  /**
   * @param {(question: Q) => Promise<A>} ask
   * @param {(answer: A) => void} take
   * @param {(error: Error) => void} failed
   */
  constructor(ask, take, failed) {
    this.ask = ask;
    this.take = take;
    this.failed = failed;
    /** @type {{question: Q} | null} */
    this.next = null;
    this.isBusy = false;
  }

  /** @param {Q} question */
  async want(question) {
    this.next = { question };
    if (this.isBusy) return;
    this.isBusy = true;
    while (this.next) {
      const { question: now } = this.next;
      this.next = null;
      try {
        const answer = await this.ask(now);
        if (!this.next) this.take(answer);
      } catch (error) {
        if (!this.next) this.failed(/** @type {Error} */ (error));
      }
    }
    this.isBusy = false;
  }
}
