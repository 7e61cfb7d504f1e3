import assert from "node:assert/strict";
import { test } from "node:test";

import { NO_SAMPLE, levelRange, strokeRow } from "../../eegdash/ui/viewer/envelope.js";

function stroked(values, { origin = 0, pxPerValue = 1, left = 0, right = 1e6, offset = 0, samples = values.length } = {}) {
  const strokes = [];
  strokeRow(values, offset, samples, origin, pxPerValue, left, right, (x, v) => strokes.push(["M", x, v]), (x, v) => strokes.push(["L", x, v]));
  return strokes;
}

test("with room for every value the line goes through every value", () => {
  assert.deepEqual(stroked(Int16Array.of(1, -2, 3), { pxPerValue: 4, origin: 10 }), [["M", 10, 1], ["L", 14, -2], ["L", 18, 3]]);
});

test("a missing sample lifts the pen and is never zero", () => {
  const strokes = stroked(Int16Array.of(5, NO_SAMPLE, 6), { pxPerValue: 4 });
  assert.deepEqual(strokes, [["M", 0, 5], ["M", 8, 6]]);
  assert.deepEqual(stroked(new Int16Array(100).fill(NO_SAMPLE), { pxPerValue: 0.1 }), []);
});

test("only what is in view is visited", () => {
  const strokes = stroked(new Int16Array(1000), { pxPerValue: 1, left: 100, right: 200 });
  assert.ok(strokes.length <= 104);
});

for (const width of [320, 700, 1004, 1700]) {
  for (const pageS of [5, 10, 15, 20, 30, 60]) {
    test(`a spike of 100 ms survives a page of ${pageS} s on ${width} px`, () => {
      const rate = pageS < 30 ? 256 : 64;
      const n = pageS * rate;
      const values = Int16Array.from({ length: n }, (_, i) => (i * 37) % 5);
      const from = Math.round(0.617 * n);
      for (let k = 0; k < Math.max(Math.round(0.1 * rate), 1); k++) values[from + k] = k === 2 ? 7000 : 3500;
      const strokes = stroked(values, { pxPerValue: width / n, right: width });
      assert.equal(Math.max(...strokes.map((s) => s[2])), 7000);
      assert.equal(Math.min(...strokes.map((s) => s[2])), 0);
      const peak = strokes.find((s) => s[2] === 7000);
      assert.ok(Math.abs(peak[1] - ((from + 2) * width) / n) <= 1);
    });
  }
}

test("lowest and highest level per pixel, without the unscored", () => {
  const level = Int32Array.from({ length: 4000 }, (_, i) => (i % 100 === 7 ? 900 : i % 10 ? 100 : -1));
  const found = [];
  levelRange(level, 0, 3999, 400, (px, lo, hi) => found.push([px, lo, hi]));
  assert.equal(found.filter(([, , hi]) => hi === 900).length >= 40, true);
  assert.ok(found.every(([, lo]) => lo >= 100));
  levelRange(new Int32Array(50).fill(-1), 0, 49, 10, () => assert.fail("nothing was scored"));
});
