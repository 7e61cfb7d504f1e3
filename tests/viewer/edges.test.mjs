import assert from "node:assert/strict";
import { test } from "node:test";

import { SHORTEST_S, edgeUnder, withEdge } from "../../eegdash/ui/viewer/edges.js";

const AREA = { left: 100, plot: 1000 };
const VIEW = { start: 0, length: 100 }; // 10 px a second

test("the edge under the hand, the more important target first", () => {
  const marked = { name: "marked", span: [10, 20] };
  const label = { name: "label", span: [10.2, 40] };
  assert.deepEqual(edgeUnder([marked, label], AREA, VIEW, 201), { target: marked, edge: "onset" });
  assert.deepEqual(edgeUnder([marked, label], AREA, VIEW, 497), { target: label, edge: "end" });
  assert.equal(edgeUnder([marked, label], AREA, VIEW, 250), null);
});

test("a bar that is all edge cannot be dragged", () => {
  assert.equal(edgeUnder([{ span: [10, 11] }], AREA, VIEW, 200), null);
});

test("an edge stays inside the recording and never crosses the other", () => {
  assert.deepEqual(withEdge([10, 20], "onset", 12.3456, 100), [12.35, 20]);
  assert.deepEqual(withEdge([10, 20], "onset", 30, 100), [20 - SHORTEST_S, 20]);
  assert.deepEqual(withEdge([10, 20], "onset", -3, 100), [0, 20]);
  assert.deepEqual(withEdge([10, 20], "end", 3, 100), [10, 10 + SHORTEST_S]);
  assert.deepEqual(withEdge([10, 20], "end", 300, 100), [10, 100]);
});
