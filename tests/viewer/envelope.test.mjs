import assert from "node:assert/strict";
import { test } from "node:test";

import { NO_SAMPLE, levelRange, strokeRow, strokeTiles } from "../../eegdash/ui/viewer/envelope.js";

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

// ---- pairs of lowest and highest, and the joins of tiles ----

test("with room for every bin its lowest and highest are an upright stroke in its middle", () => {
  const strokes = [];
  strokeRow(Int16Array.of(-5, 40, 30, 60), 0, 4, 100, 3, 0, 1e6, (x, v) => strokes.push(["M", x, v]), (x, v) => strokes.push(["L", x, v]), true);
  assert.deepEqual(strokes, [["M", 103, -5], ["L", 103, 40], ["L", 109, 30], ["L", 109, 60]]);
});

const asTile = (values, rate, pairs = false) => ({ rows: 1, samples: values.length, rate, pairs, scale: Float32Array.of(0.5), counts: Int16Array.from(values) });

function strokedTiles(tiles, pxPerS, right = 1e6) {
  const strokes = [];
  strokeTiles(tiles, 0, (t) => t * pxPerS, pxPerS, 0, right, (x, uv) => strokes.push(["M", x, uv]), (x, uv) => strokes.push(["L", x, uv]));
  return strokes;
}

test("the line goes on from one tile to the next, and not over one that has not arrived", () => {
  const [a, b] = [asTile([2, 4], 1), asTile([6, 8], 1)];
  assert.deepEqual(strokedTiles([{ start: 0, tile: a }, { start: 2, tile: b }], 10), [["M", 0, 1], ["L", 10, 2], ["L", 20, 3], ["L", 30, 4]]);
  assert.deepEqual(strokedTiles([{ start: 0, tile: a }, { start: 2, tile: null }, { start: 4, tile: b }], 10).filter(([pen]) => pen === "M").length, 2);
});

test("a sample that is missing at a join lifts the pen", () => {
  const broken = strokedTiles([{ start: 0, tile: asTile([2, NO_SAMPLE], 1) }, { start: 2, tile: asTile([6, 8], 1) }], 10);
  assert.deepEqual(broken, [["M", 0, 1], ["M", 20, 3], ["L", 30, 4]]);
  const other = strokedTiles([{ start: 0, tile: asTile([2, 4], 1) }, { start: 2, tile: asTile([NO_SAMPLE, 8], 1) }], 10);
  assert.deepEqual(other, [["M", 0, 1], ["L", 10, 2], ["M", 30, 4]]);
});

for (const width of [320, 700, 1004, 1700, 2400]) {
  for (const pageS of [5, 10, 15, 20, 30, 60]) {
    test(`a spike of 70 uV and 100 ms at a join of tiles survives ${pageS} s on ${width} px, also as pairs`, () => {
      const long = pageS >= 30;
      const rate = long ? 64 : 256;
      const tileS = long ? 60 : 10;
      const spikeFrom = tileS - 0.05; // half of it in either tile
      const uvAt = (t) => 70 * Math.max(1 - Math.abs(t - spikeFrom - 0.05) / 0.05, 0);
      const tiles = [0, 1].map((k) => {
        const values = Array.from({ length: tileS * rate }, (_, i) => {
          const bin = long ? Math.floor(i / 2) * 2 : i;
          const inBin = Array.from({ length: 8 }, (_, j) => uvAt(k * tileS + bin / rate + j / 256));
          return Math.round(2 * (long ? (i % 2 ? Math.max(...inBin) : Math.min(...inBin)) : uvAt(k * tileS + i / rate)));
        });
        return { start: k * tileS, tile: asTile(values, rate, long) };
      });
      const start = tileS - pageS / 2;
      const strokes = [];
      const xOfTime = (t) => ((t - start) * width) / pageS;
      strokeTiles(tiles, 0, xOfTime, width / pageS, 0, width, (x, uv) => strokes.push([x, uv]), (x, uv) => strokes.push([x, uv]));
      const highest = strokes.reduce((best, stroke) => (stroke[1] > best[1] ? stroke : best));
      assert.ok(highest[1] >= 69, `${highest[1]} uV`);
      assert.ok(Math.abs(highest[0] - xOfTime(tileS)) <= Math.max(1.5, (0.02 * width) / pageS));
      const wide = strokes.filter((stroke) => stroke[1] > 35).map((stroke) => stroke[0]);
      assert.ok(wide.every((x) => Math.abs(x - xOfTime(tileS)) <= (0.06 * width) / pageS + 1.5));
    });
  }
}
