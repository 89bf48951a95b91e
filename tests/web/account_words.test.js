import assert from "node:assert/strict";
import test from "node:test";

import { inWords, nextStep, stateOf } from "../../web/account_words.js";

const trial = (verdict, more = {}) => ({ verdict, words: "", balance_usd: null, models: null, ...more });

test("the state of an account names where its key is from, and an error before all", () => {
  const states = [
    [{ source: "saved", error: null }, false, "saved", "good"],
    [{ source: "session", error: null }, false, "for this session", "good"],
    [{ source: "COMETAPI_KEY", error: null }, true, "from COMETAPI_KEY", "good"],
    [{ source: null, error: null }, false, "not set", "off"],
    [{ source: null, error: null }, true, "not set; the sandbox needs none", "off"],
    [{ source: null, error: "It is broken." }, true, "not usable", "bad"],
  ];
  for (const [account, sandbox, text, mark] of states) assert.deepEqual(stateOf(account, sandbox), { text, mark });
});

test("what came of trying a key is said in whole sentences", () => {
  const accepted = trial("accepted", { balance_usd: 12.5, models: 1 });
  assert.equal(inWords(accepted, "RunComfy", ""), "RunComfy accepts the key. Balance: $12.50. It offers 1 model.");
  assert.equal(inWords(trial("accepted"), "CometAPI", ""), "CometAPI accepts the key.");
  assert.equal(inWords(trial("refused"), "CometAPI", "no such key."), "CometAPI does not accept this key. It says: no such key.");
  assert.equal(
    inWords(trial("unanswered"), "RunComfy", "timed out"),
    "Whether RunComfy accepts the key is not known: timed out.",
  );
});

test("the next step is what is in the way of a clip", () => {
  assert.match(nextStep(trial("accepted"), true), /turn the sandbox off/);
  assert.match(nextStep(trial("accepted", { balance_usd: 0 }), false), /top up/);
  assert.match(nextStep(trial("unanswered"), false), /press Check/);
  assert.match(nextStep(null, false), /press Run/);
});
