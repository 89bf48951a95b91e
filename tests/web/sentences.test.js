// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { Sentences } from "../../web/sentences.js";

const GERMAN = new Sentences({
  "in the queue (place {})": "in der Schlange (Platz {0})",
  "Not billed.": "Nicht berechnet.",
  "{} refused the request{}: {}": "{0} lehnt die Anfrage ab{1}: {2}",
  " ({} s)": " ({0} Sek.)",
  "Change the inputs and run again.": "Aendern Sie die Eingaben.",
  "saved": "gespeichert",
  "{} of {}": "{1} davon {0}",
});

for (const [said, expected] of [
  ["in the queue (place 3) | 0:01", "in der Schlange (Platz 3) | 0:01"],
  ["Saved", "gespeichert"],
  ["RunComfy refused the request (5 s): no $& <b>\nNext: Change the inputs and run again.", "RunComfy lehnt die Anfrage ab (5 Sek.): no $& <b>\nNext: Aendern Sie die Eingaben."],
  ["Unheard of. Not billed.", "Unheard of. Nicht berechnet."],
  ["Clip 2: in the queue (place 4)", "Clip 2: in der Schlange (Platz 4)"],
  ["3 of 5", "5 davon 3"],
  ["constructor", "constructor"],
  ["", ""],
]) {
  test(JSON.stringify(said), () => assert.equal(GERMAN.translated(said), expected));
}
