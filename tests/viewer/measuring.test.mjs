import assert from "node:assert/strict";
import { test } from "node:test";

import { NO_SAMPLE } from "../../eegdash/ui/viewer/envelope.js";
import { between, dominantHz, measured, valueAt } from "../../eegdash/ui/viewer/measuring.js";

const RATE = 256;
const SCALE = 0.01; // uV per count

// Tiles of 10 s that hold uv(t), row 0, and twice that, row 1.
function tilesOf(uv, n = 2, rate = RATE) {
  return Array.from({ length: n }, (_, k) => {
    const samples = 10 * rate;
    const counts = new Int16Array(2 * samples);
    for (let i = 0; i < samples; i++) {
      counts[i] = Math.round(uv(10 * k + i / rate) / SCALE);
      counts[samples + i] = counts[i];
    }
    return { start: 10 * k, tile: { rows: 2, samples, rate, pairs: false, scale: Float32Array.of(SCALE, 2 * SCALE), counts } };
  });
}

// The same as lowest and highest of bins of `length` samples.
function binned(tiles, length) {
  return tiles.map(({ start, tile }) => {
    const bins = tile.samples / length;
    const counts = new Int16Array(2 * tile.rows * bins);
    for (let row = 0; row < tile.rows; row++)
      for (let b = 0; b < bins; b++) {
        const part = tile.counts.subarray(row * tile.samples + b * length, row * tile.samples + (b + 1) * length);
        counts[2 * (row * bins + b)] = Math.min(...part);
        counts[2 * (row * bins + b) + 1] = Math.max(...part);
      }
    return { start, tile: { ...tile, samples: 2 * bins, rate: (2 * tile.rate) / length, pairs: true, counts } };
  });
}

const ramp = (t) => 10 * t - 100;

test("the sample nearest to a time, to the microvolt, in both tiles and at their join", () => {
  const tiles = tilesOf(ramp);
  for (const t of [0, 3.1, 9.9999, 10, 12.345, 19.99]) {
    const found = valueAt(tiles, 0, t);
    assert.equal(found.state, "value");
    assert.ok(Math.abs(found.t - t) < 1 / RATE, String(t));
    assert.ok(Math.abs(found.uv - ramp(found.t)) <= SCALE / 2 + 1e-6);
    assert.ok(Math.abs(valueAt(tiles, 1, t).uv - 2 * found.uv) < 1e-4);
  }
});

test("of bins the lowest and the highest, of the bin that holds the time", () => {
  const tiles = binned(tilesOf(ramp), 8);
  const found = valueAt(tiles, 0, 12.345);
  assert.equal(found.state, "range");
  assert.equal(found.span, 8 / RATE);
  const first = Math.floor((12.345 * RATE) / 8) * 8;
  assert.ok(Math.abs(found.lo - ramp(first / RATE)) <= SCALE);
  assert.ok(Math.abs(found.hi - ramp((first + 7) / RATE)) <= SCALE);
});

test("no sample, not arrived, and outside are said and never 0", () => {
  const tiles = tilesOf(ramp);
  tiles[0].tile.counts[512] = NO_SAMPLE;
  assert.deepEqual(valueAt(tiles, 0, 2), { state: "none" });
  assert.deepEqual(valueAt([tiles[0], { start: 10, tile: null }], 0, 12), { state: "pending" });
  assert.deepEqual(valueAt(tiles, 0, 25), { state: "none" });
  assert.deepEqual(valueAt([], 0, 1), { state: "none" });
});

test("peak to peak over a join of tiles, and of bins no less", () => {
  const uv = (t) => (Math.abs(t - 10.02) < 0.05 ? 70 : 0) - (Math.abs(t - 9.5) < 0.01 ? 30 : 0);
  const tiles = tilesOf(uv);
  assert.ok(Math.abs(measured(tiles, 0, 9, 11).peakToPeak - 100) < 0.01);
  assert.ok(Math.abs(measured(tiles, 0, 11, 9).peakToPeak - 100) < 0.01); // drawn the other way
  assert.ok(Math.abs(measured(tiles, 0, 9.8, 11).peakToPeak - 70) < 0.01);
  assert.ok(Math.abs(measured(binned(tiles, 8), 0, 9, 11).peakToPeak - 100) < 0.01);
});

test("only what lies between the calipers counts", () => {
  const tiles = tilesOf((t) => t);
  const { lo, hi, values } = between(tiles, 0, 4, 6);
  assert.ok(Math.abs(lo - 4) < 0.01 && Math.abs(hi - 6) < 0.01);
  assert.equal(values.length, 2 * RATE + 1);
});

test("what has not arrived makes a measure unknown, unless it lies elsewhere", () => {
  const tiles = [tilesOf(ramp)[0], { start: 10, tile: null }];
  assert.equal(measured(tiles, 0, 9, 11).peakToPeak, null);
  assert.ok(measured(tiles, 0, 5, 7).peakToPeak > 19);
});

for (const hz of [1, 2.5, 3.17, 6, 10.4, 22, 40]) {
  for (const seconds of [1, 2, 4.5, 10]) {
    if (hz * seconds < 2) continue;
    test(`a sine of ${hz} Hz over ${seconds} s, on a drift and an offset`, () => {
      const n = Math.round(seconds * RATE);
      const values = Array.from({ length: n }, (_, i) => 50 * Math.sin((2 * Math.PI * hz * i) / RATE + 0.7) + 20 + (5 * i) / RATE);
      const found = dominantHz(values, RATE);
      assert.ok(Math.abs(found - hz) < 0.12 / seconds, `${found}`);
    });
  }
}

test("the stronger of two rhythms is the dominant one", () => {
  const values = Array.from({ length: 4 * RATE }, (_, i) => 20 * Math.sin((2 * Math.PI * 11 * i) / RATE) + 60 * Math.sin((2 * Math.PI * 3 * i) / RATE));
  assert.ok(Math.abs(dominantHz(values, RATE) - 3) < 0.05);
});

test("no frequency is made up: too short, flat, holes, or bins that are too coarse", () => {
  const wave = (hz) => (t) => 50 * Math.sin(2 * Math.PI * hz * t);
  assert.equal(dominantHz(Array.from({ length: RATE }, (_, i) => wave(1)(i / RATE)), RATE), null); // one cycle
  assert.equal(dominantHz(new Array(1000).fill(7), RATE), null);
  const tiles = tilesOf(wave(6));
  assert.ok(Math.abs(measured(tiles, 0, 2, 4).cycles - 12) < 0.15);
  assert.equal(measured(tiles, 0, 2, 4).asOneCycle, 0.5);
  tiles[0].tile.counts[3 * RATE] = NO_SAMPLE;
  assert.equal(measured(tiles, 0, 2, 4).hz, null);
  const coarse = measured(binned(tilesOf(wave(6)), 8), 0, 2, 4);
  assert.deepEqual([coarse.hz, coarse.coarse], [null, true]);
});
