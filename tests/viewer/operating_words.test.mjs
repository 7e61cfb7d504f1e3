import assert from "node:assert/strict";
import { test } from "node:test";

import { PLOTS, columnAt } from "../../eegdash/ui/operating/plots.js";
import { CRITERIA, TARGETS, criterion, interval, length, meanSd, notes, perDay, share, threshold } from "../../eegdash/ui/operating/words.js";
import { CRITERIA as GOALS } from "../../eegdash/ui/operating/rates.js";

const recording = (person_key, covered_s = 86400, events_possible = true) => ({ person_key, covered_s, events_possible });
const table = (recordings, seizures = 40) => ({ recordings, counts: { n_ref: recordings.map((_, i) => [i ? 0 : seizures]) } });
const many = Array.from({ length: 12 }, (_, i) => recording(`p${i}`));
const clean = { tuned: 0, tunedPersons: 0, trained: 0, origin: "as it came with the detector" };

test("a threshold chosen on what it is scored on is always a warning", () => {
  const [[text, bad]] = notes(table(many), { ...clean, tuned: 12 });
  assert.ok(bad && text.includes("chosen on the 12 recordings it is scored on"));
  assert.ok(notes(table(many), { ...clean, tuned: 5 })[0][0].includes("5 of the 12 recordings"));
  assert.ok(notes(table(many.slice(0, 1)), { ...clean, tuned: 1 })[0][0].includes("chosen on the recording it is scored on"));
  const [[other, warned]] = notes(table(many), { ...clean, tunedPersons: 1 });
  assert.ok(warned && other.includes("other recordings of 1 person among these"));
});

test("the first sentence is always there, so that nothing moves when the threshold does", () => {
  const said = notes(table(many), clean);
  assert.equal(said.length, 1);
  assert.deepEqual(said[0], ["This threshold was not chosen on these recordings (as it came with the detector).", false]);
  assert.equal(notes(table(many), { ...clean, tuned: 12 }).length, 1);
});

test("training recordings, few data and recordings too short are said", () => {
  assert.ok(notes(table(many), { ...clean, trained: 3 })[1][0].includes("trained on 3 of these 12"));
  const few = notes(table([recording("p", 90)], 1), clean)[1][0];
  assert.ok(few.startsWith("Only 1 person, 1 seizure, 90 s of known truth"));
  const short = notes(table([...many, recording("q", 86400, false)]), clean)[1][0];
  assert.ok(short.startsWith("1 recording too short"));
});

test("undefined is n/a, never 0", () => {
  assert.deepEqual([share(null), perDay(null), share(undefined), meanSd({ mean: null, sd: null, n: 0 }), interval([null, null, null])], Array(5).fill("n/a"));
  assert.deepEqual([share(0), perDay(0)], ["0.00", "0.0"]);
});

test("numbers as they are read", () => {
  assert.equal(perDay(1.25), "1.3");
  assert.equal(perDay(12345.6), "12,346");
  assert.deepEqual([threshold(590), threshold(593), threshold(1000)], ["0.59", "0.593", "1.00"]);
  assert.equal(meanSd({ mean: 0.5, sd: null, n: 1 }), "0.50 (n 1)");
  assert.equal(meanSd({ mean: 0.5, sd: 0.25, n: 3 }), "0.50 ± 0.25 (n 3)");
  assert.equal(interval([0.9, 0.8, 1]), "0.90 (95 %: 0.80 to 1.00)");
  assert.deepEqual([length(90), length(600), length(86400)], ["90 s", "10.0 min", "24.0 h"]);
});

test("every criterion has words, and a target where it needs one", () => {
  assert.deepEqual(CRITERIA.map(([name]) => name).slice(1), Object.keys(GOALS));
  assert.equal(criterion("fp-per-24h", 2), "false alarms per 24 h, at most 2");
  assert.equal(criterion("", null), "as it came with the detector");
  assert.deepEqual(Object.keys(TARGETS), ["fp-per-24h", "sensitivity"]);
});

test("the hand takes the threshold under it, or the nearest point of the curve", () => {
  const drawn = { places: [[10, 10], null, [50, 10]], area: { left: 10, width: 100 } };
  assert.equal(columnAt(drawn, PLOTS.roc, [0, 500, 1000], 48, 90), 2);
  assert.equal(columnAt(drawn, PLOTS.f1, [0, 500, 1000], 62, 5), 1); // also where F1 is undefined
});
