import assert from "node:assert/strict";
import { test } from "node:test";

import { disagreements } from "../../eegdash/ui/viewer/disagreement.js";

const label = (verdict, onset_s, end, reviewer = "AB", about = null) => ({ verdict, onset_s, duration_s: end - onset_s, reviewer, about });
const reference = (seizures, coverage = [[0, 1000]]) => ({ source: "x_events.tsv", seizures, coverage });
const spans = (given) => disagreements({ detections: [], reference: null, labels: [], ...given }).map(({ onset, end }) => [onset, end]);

test("a detection and a reference seizure that meet are no disagreement", () => {
  assert.deepEqual(spans({ detections: [[10, 30]], reference: reference([[29, 60]]) }), []);
});

test("what touches only at the border is one, on both sides, with who says so", () => {
  const found = disagreements({ detections: [[10, 30]], reference: reference([[30, 60]]), labels: [] });
  assert.deepEqual(found.map(({ onset }) => onset), [10, 30]);
  assert.match(found[0].words[0], /^detection that the reference \(x_events.tsv\) does not have$/);
  assert.match(found[1].words[0], /^seizure of the reference \(x_events.tsv\) without a detection$/);
});

test("where the truth is not known a detection contradicts nothing", () => {
  assert.deepEqual(spans({ detections: [[10, 30], [510, 530]], reference: reference([], [[500, 600]]) }), [[510, 530]]);
});

test("without a score a reference seizure is not called undetected", () => {
  assert.deepEqual(spans({ detections: null, reference: reference([[10, 20]]), labels: [label("missed", 40, 50)] }), []);
});

test("a reader who disagrees, and a seizure marked where nothing was detected", () => {
  const labels = [label("disagree", 10, 30), label("agree", 50, 60), label("unsure", 70, 80), label("missed", 90, 99), label("missed", 52, 54)];
  assert.deepEqual(spans({ detections: [[10, 30], [50, 60], [70, 80]], labels }), [[10, 30], [90, 99]]);
});

test("two readers who contradict each other are named, once, at the detection", () => {
  const labels = [label("agree", 10, 30, "AB"), label("disagree", 12, 28, "CD", [10, 30])];
  const found = disagreements({ detections: [[10, 30]], reference: null, labels });
  assert.deepEqual(found, [{ onset: 10, end: 30, words: ["detection that CD disagrees with", "AB says seizure, CD says none"] }]);
  assert.deepEqual(spans({ detections: [[10, 30]], labels: [label("agree", 10, 30), label("unsure", 10, 30, "CD")] }), []);
});

test("3,000 detections, labels and seizures take a moment", () => {
  const at = (i) => [28 * i, 28 * i + 12];
  const detections = Array.from({ length: 3000 }, (_, i) => at(i));
  const labels = detections.map(([a, b], i) => label(i % 2 ? "agree" : "disagree", a, b));
  const begun = performance.now();
  const found = disagreements({ detections, reference: reference(detections.slice(0, 1500), [[0, 90000]]), labels });
  assert.ok(performance.now() - begun < 300);
  assert.equal(found.length, 750 + 1500);
});
