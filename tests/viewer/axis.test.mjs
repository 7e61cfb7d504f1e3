import assert from "node:assert/strict";
import { test } from "node:test";

import { SpanIndex, bars, clampStart, edgeAt, lowerBound, shareOf, tickStep, timeAt, trendView, withSpan, xOf } from "../../eegdash/ui/viewer/axis.js";

const area = { left: 96, plot: 1000 };
const view = { start: 3600, length: 10 };

test("a moment and its pixel belong together", () => {
  assert.equal(xOf(area, view, 3600), 96);
  assert.equal(xOf(area, view, 3610), 1096);
  for (const t of [3600, 3601.25, 3609.9]) assert.ok(Math.abs(timeAt(area, view, xOf(area, view, t)) - t) < 1e-9);
});

test("ticks keep their distance and are round", () => {
  assert.equal(tickStep(10 / 1000, 90), 1);
  assert.equal(tickStep(86400 / 1000, 90), 10800);
  assert.equal(tickStep(1e6, 90), 43200);
});

test("a page starts inside the recording, and the last page shows its end", () => {
  assert.equal(clampStart(-5, 100, 10), 0);
  assert.equal(clampStart(1e9, 100, 10), 90);
  assert.equal(clampStart(1e9, 95, 10), 90);
  assert.equal(clampStart(5, 3, 10), 0);
});

test("the trend stays inside the recording with the page in its middle", () => {
  assert.deepEqual(trendView(1000, 10, 86400, 600), { start: 705, length: 600 });
  assert.deepEqual(trendView(0, 10, 86400, 600), { start: 0, length: 600 });
  assert.deepEqual(trendView(86390, 10, 86400, 600), { start: 85800, length: 600 });
  assert.deepEqual(trendView(50, 10, 86400, 0), { start: 0, length: 86400 });
  assert.deepEqual(trendView(0, 10, 4, 600), { start: 0, length: 10 });
});

test("seen spans are joined where they touch, in any order", () => {
  let spans = [];
  for (const span of [[20, 30], [0, 10], [10, 20], [50, 60], [55, 58]]) spans = withSpan(spans, span);
  assert.deepEqual(spans, [[0, 30], [50, 60]]);
  assert.equal(shareOf(spans, 80), 0.5);
  assert.equal(shareOf([], 0), 0);
});

test("the first value not below the wanted one", () => {
  const values = [1, 3, 3, 7];
  assert.deepEqual([0, 1, 2, 3, 4, 8].map((wanted) => lowerBound(values, wanted)), [0, 0, 1, 1, 3, 4]);
});

test("the index finds what a look at every span finds", () => {
  let state = 1;
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  const spans = Array.from({ length: 3000 }, () => {
    const onset = random() * 86400;
    return [onset, onset + (random() < 0.02 ? 5000 : 20) * random()];
  });
  const index = new SpanIndex(spans, (span) => span);
  for (let k = 0; k < 200; k++) {
    const from = random() * 86400;
    const to = from + random() * 600;
    const plain = spans.filter(([a, b]) => b >= from && a <= to).sort((x, y) => x[0] - y[0]);
    assert.deepEqual(index.within(from, to), plain);
  }
});

test("bars that share a pixel are drawn once and nothing is lost", () => {
  const day = { start: 0, length: 86400 };
  const spans = Array.from({ length: 3000 }, (_, i) => [i * 28.8, i * 28.8 + 1]);
  const drawn = bars(spans, area, day);
  assert.ok(drawn.length <= 1001);
  for (const [onset] of spans) {
    const x = xOf(area, day, onset);
    assert.ok(drawn.some(([left, width]) => x >= left - 1e-9 && x <= left + width + 2));
  }
  assert.deepEqual(bars([[3601, 3602], [3605, 3606]], area, view), [[196, 100], [596, 100]]);
});

test("an edge is under the hand within a few pixels, the nearer one wins", () => {
  const span = [3602, 3604];
  assert.equal(edgeAt(span, area, view, 296), "onset");
  assert.equal(edgeAt(span, area, view, 501), "end");
  assert.equal(edgeAt(span, area, view, 400), null);
  assert.equal(edgeAt([3602, 3602.05], area, view, 303), "end");
});
