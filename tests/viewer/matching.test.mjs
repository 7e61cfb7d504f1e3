import assert from "node:assert/strict";
import { test } from "node:test";

import { SpanIndex } from "../../eegdash/ui/viewer/axis.js";
import { aboutOf, labelsByEvent } from "../../eegdash/ui/viewer/matching.js";

const label = (onset_s, end, more = {}) => ({ onset_s, duration_s: end - onset_s, own: true, verdict: "agree", about: null, ...more });
const match = (events, labels) => labelsByEvent(events, (e) => e, new SpanIndex(labels, aboutOf));

test("a label belongs to the detection with which it shares more than half", () => {
  const events = [[0, 10], [20, 30]];
  const near = label(2, 11); // shares 8 of 11
  const far = label(24, 40); // shares 6 of 20
  const found = match(events, [near, far]);
  assert.equal(found.get(events[0]), near);
  assert.equal(found.has(events[1]), false);
});

test("corrected times do not tear a label from its detection", () => {
  const events = [[0, 60]];
  const corrected = label(10, 20, { about: [0, 60] });
  assert.equal(match(events, [corrected]).get(events[0]), corrected);
  assert.equal(match(events, [label(10, 20)]).size, 0);
});

test("another reader's label and a missed seizure are no label of a detection", () => {
  const events = [[0, 10]];
  assert.equal(match(events, [label(0, 10, { own: false }), label(0, 10, { verdict: "missed" })]).size, 0);
});

test("3,000 labels on 3,000 detections are matched in a moment, as one by one", () => {
  const events = Array.from({ length: 3000 }, (_, i) => [28 * i, 28 * i + 12]);
  const labels = events.map(([a, b], i) => label(a + (i % 3), b + (i % 5)));
  const begun = performance.now();
  const found = match(events, labels);
  assert.ok(performance.now() - begun < 100);
  events.forEach((event, i) => assert.equal(found.get(event), labels[i]));
});
