// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { Feed, GROUPS, JobsModel, Latest, everything, matches } from "../../web/jobs_model.js";

/** @param {number} number @param {object} [more] @returns {any} */
const job = (number, more = {}) => ({ key: `k${String(number).padStart(3, "0")}`, created_at: number, state: "stored", model: "Veo 3", prompt: null, request_id: null, file_name: null, ...more });
/** @param {number[]} numbers @param {string | null} next @returns {any} */
const page = (numbers, next = null) => ({ jobs: numbers.map((number) => job(number)), next, total: null, models: ["Veo 3"], sandbox: false, version: "1.2.3" });
/** @param {JobsModel} model */
const numbers = (model) => model.rows.map(({ created_at }) => created_at);

test("pages stand one after the other, and a job that is on two of them is shown once", () => {
  const model = new JobsModel();
  model.replace(page([9, 8, 7], "7"));
  model.append(page([7, 6, 5]));
  assert.deepEqual(numbers(model), [9, 8, 7, 6, 5]);
  assert.equal(model.next, null);
  assert.deepEqual(model.rows.map(({ key }) => model.indexOf(key)), [0, 1, 2, 3, 4]);
  assert.equal(model.indexOf("none"), -1);
});

test("a new job comes in on top, a changed one where it is, and one that is forgotten goes", () => {
  const model = new JobsModel();
  model.replace({ ...page([9, 8, 7]), total: 3 });
  model.patch(["k010", "k008", "k007"], [job(10), job(8, { state: "failed" })]);
  assert.deepEqual(numbers(model), [10, 9, 8]);
  assert.equal(model.byKey.get("k008")?.state, "failed");
  assert.equal(model.total, 3);
});

test("a job that was submitted anew stands where it is new", () => {
  const model = new JobsModel();
  model.replace(page([9, 8, 7]));
  model.patch(["k007"], [{ ...job(7), created_at: 20 }]);
  assert.deepEqual(numbers(model), [20, 9, 8]);
});

test("what the list would not show stays out: another state, another model, further down than is known", () => {
  const model = new JobsModel();
  model.wanted = { states: GROUPS.needs_you, model: "", search: "" };
  model.replace({ ...page([]), jobs: [job(9, { state: "uncertain" }), job(5, { state: "expired" })], next: "5" });
  model.patch(["k009", "k006", "k003", "k007"], [job(9), job(6, { state: "uncertain" }), job(3, { state: "uncertain" }), job(7)]);
  assert.deepEqual(numbers(model), [6, 5]);
});

test("words are looked for in the prompt, the id and the file's name", () => {
  const one = job(1, { prompt: "A Flag in the wind", request_id: "req-1", file_name: "Sea.mp4" });
  for (const search of ["flag", "REQ-1", "sea.mp4"]) assert.ok(matches(one, { ...everything(), search }));
  assert.ok(!matches(one, { ...everything(), search: "boat" }));
  assert.ok(!matches(one, { ...everything(), model: "Kling" }));
});

test("what is said of a job leaves it in its place, and is a new object", () => {
  const model = new JobsModel();
  model.replace(page([9, 8, 7]));
  const before = model.rows[1];
  model.note("k008", { live: "in the queue" });
  assert.equal(model.rows[1].live, "in the queue");
  assert.notEqual(model.rows[1], before);
  assert.deepEqual(numbers(model), [9, 8, 7]);
});

/** A server that answers when it is told to. */
function server() {
  /** @type {{what: any, answer: (value: any) => void, refuse: (error: Error) => void}[]} */
  const asked = [];
  const ask = (/** @type {any} */ what) => new Promise((answer, refuse) => asked.push({ what, answer, refuse }));
  return { asked, page: (/** @type {any} */ wanted, /** @type {any} */ before) => ask({ search: wanted.search, before }), these: (/** @type {string[]} */ keys) => ask(keys) };
}
const turn = () => new Promise((next) => setTimeout(next));

test("an answer to an earlier question never takes the place of a later one's", async () => {
  const [model, asked] = [new JobsModel(), server()];
  const feed = new Feed(model, asked, () => {}, assert.fail);
  feed.refresh({ ...everything(), search: "a" });
  feed.refresh({ ...everything(), search: "ab" });
  const done = feed.refresh({ ...everything(), search: "abc" });
  assert.deepEqual(asked.asked.map(({ what }) => what.search), ["a"], "one question at a time");
  asked.asked[0].answer(page([1]));
  await turn();
  assert.deepEqual(numbers(model), []);
  assert.deepEqual(asked.asked.map(({ what }) => what.search), ["a", "abc"], "and those between are not asked");
  asked.asked[1].answer(page([2]));
  await done;
  assert.deepEqual(numbers(model), [2]);
  assert.ok(!feed.isBusy);
});

test("jobs that are heard of while a page is on its way are asked for after it, together", async () => {
  const [model, asked] = [new JobsModel(), server()];
  const feed = new Feed(model, asked, () => {}, assert.fail);
  feed.refresh();
  feed.heard(["k009"]);
  const done = feed.heard(["k009", "k010"]);
  asked.asked[0].answer(page([9, 8]));
  await turn();
  assert.deepEqual(asked.asked[1].what, ["k009", "k010"]);
  asked.asked[1].answer({ jobs: [job(9, { state: "failed" }), job(10)] });
  await done;
  assert.deepEqual(model.rows.map(({ created_at, state }) => [created_at, state]), [[10, "stored"], [9, "failed"], [8, "stored"]]);
});

test("a question that fails is told, and the next one is asked all the same", async () => {
  const [model, asked] = [new JobsModel(), server()];
  /** @type {string[]} */
  const told = [];
  const feed = new Feed(model, asked, () => {}, (error) => told.push(error.message));
  const done = feed.refresh();
  feed.heard(["k001"]);
  asked.asked[0].refuse(new Error("no answer"));
  await turn();
  asked.asked[1].answer({ jobs: [job(1)] });
  await done;
  assert.deepEqual(told, ["no answer"]);
  assert.deepEqual(numbers(model), [1]);
});

test("a search goes on by itself until it finds something or is at the end", async () => {
  const [model, asked] = [new JobsModel(), server()];
  const feed = new Feed(model, asked, () => {}, assert.fail);
  const done = feed.refresh({ ...everything(), search: "x" });
  for (const [at, answer] of [page([], "50"), page([], "20"), page([7], "5")].entries()) {
    asked.asked[at].answer(answer);
    await turn();
  }
  await done;
  assert.deepEqual(asked.asked.map(({ what }) => what.before), [null, "50", "20"]);
  assert.deepEqual(numbers(model), [7]);
});

test("of several questions only the first and the last are asked, and only the last one's answer is taken", async () => {
  const asked = server();
  /** @type {any[]} */
  const taken = [];
  const latest = new Latest(asked.these, (answer) => taken.push(answer), assert.fail);
  for (const question of [["a"], ["b"], ["c"]]) latest.want(question);
  asked.asked[0].answer("of a");
  await turn();
  asked.asked[1].answer("of c");
  await turn();
  assert.deepEqual(asked.asked.map(({ what }) => what[0]), ["a", "c"]);
  assert.deepEqual(taken, ["of c"]);
});
