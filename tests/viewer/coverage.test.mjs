import assert from "node:assert/strict";
import { test } from "node:test";

import { between, scoredSpans, uncovered } from "../../eegdash/ui/viewer/coverage.js";

test("what was not seen, in seconds", () => {
  assert.equal(uncovered([[0, 100]], []), 100);
  assert.equal(uncovered([[0, 100]], [[0, 100]]), 0);
  assert.equal(uncovered([[0, 100]], [[-5, 10], [20, 30], [95, 200]]), 75);
  assert.equal(uncovered([[0, 10], [20, 30], [40, 50]], [[5, 45]]), 10);
  assert.equal(uncovered([], [[0, 10]]), 0);
});

test("it equals counting seconds one by one", () => {
  let seed = 7;
  const random = (n) => (seed = (seed * 16807) % 2147483647) % n;
  const cut = () => [...new Set(Array.from({ length: 12 }, () => random(200)))].sort((a, b) => a - b);
  const pairs = (edges) => edges.flatMap((edge, i) => (i % 2 && edge > edges[i - 1] ? [[edges[i - 1], edge]] : []));
  const inside = (spans, t) => spans.some(([a, b]) => t >= a && t < b);
  for (let round = 0; round < 200; round++) {
    const spans = pairs(cut());
    const by = pairs(cut());
    let expected = 0;
    for (let t = 0; t < 200; t++) if (inside(spans, t) && !inside(by, t)) expected += 1;
    assert.equal(uncovered(spans, by), expected);
  }
});

test("gaps and unscored windows need not be seen", () => {
  assert.deepEqual(between([[10, 20], [50, 60]], 60), [[0, 10], [20, 50]]);
  assert.deepEqual(between([], 5), [[0, 5]]);
  assert.deepEqual(scoredSpans([5, 5, -1, -1, 7], 4.5, 1.5), [[3.75, 6.75], [9.75, 11.25]]);
  assert.deepEqual(scoredSpans([-1], 4.5, 1.5), []);
});
