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
  "It has {}{}. Nothing was sent.": "Es hat {0}{1}. Nichts gesendet.",
  ", {} of it for clips": ", davon {0} fuer Clips",
  "The clip": "Der Clip",
  "`{}` is {}; {}.": "`{0}` ist {1}; {2}.",
  "empty": "leer",
  "one of {}": "eines von {0}",
  " or ": " oder ",
  "Next: ": "Jetzt: ",
});

for (const [said, expected] of [
  ["in the queue (place 3) | 0:01", "in der Schlange (Platz 3) | 0:01"],
  ["Saved", "gespeichert"],
  ["RunComfy refused the request (5 s): no $& <b>\nNext: Change the inputs and run again.", "RunComfy lehnt die Anfrage ab (5 Sek.): no $& <b>\nJetzt: Aendern Sie die Eingaben."],
  ["Unheard of. Not billed.", "Unheard of. Nicht berechnet."],
  ["Clip 2: in the queue (place 4)", "Clip 2: in der Schlange (Platz 4)"],
  ["3 of 5", "5 davon 3"],
  ["It has $2, $1 of it for clips. Nothing was sent.", "Es hat $2, davon $1 fuer Clips. Nichts gesendet."],
  ["It has $2. Nothing was sent.", "Es hat $2. Nichts gesendet."],
  ["`the clip` is empty; one of a or b.", "`Der Clip` ist leer; eines von a oder b."],
  ["Veo 3: `the clip` is empty; one of a or b.", "Veo 3: `Der Clip` ist leer; eines von a oder b."],
  ["`a` is b; one of any files or any folders.", "`a` ist b; eines von any files or any folders."],
  ["It says: 3 of 5", "It says: 5 davon 3"],
  ["constructor", "constructor"],
  ["", ""],
]) {
  test(JSON.stringify(said), () => assert.equal(GERMAN.translated(said), expected));
}
