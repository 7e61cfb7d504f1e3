import assert from "node:assert/strict";
import { test } from "node:test";

import { TABLES, css, limited } from "../../eegdash/ui/viewer/colours.js";
import { levelOf, tilesIn } from "../../eegdash/ui/viewer/pyramid.js";
import {
  aeegHeight, aeegHeightOfCount, aeegMicrovolt, aeegRuns, aeegWords, asymmetry, asymmetryOfCount, asymmetryTile, decibel,
} from "../../eegdash/ui/viewer/trendvalues.js";

const near = (a, b, within) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);
const INFO = { db_low: -40, db_high: 60, levels: 4, step_s: 1, tile: 256, columns: 86400 };

// ---- asymmetry -------------------------------------------------------------------------------

test("asymmetry is (R - L) / (R + L) of power", () => {
  for (const [left, right] of [[1, 1], [1, 3], [3, 1], [1, 1e6], [50, 0.5]]) {
    const db = (power) => 10 * Math.log10(power);
    near(asymmetry(db(left), db(right)), (right - left) / (right + left), 1e-12);
  }
  assert.equal(asymmetry(12, 12), 0);
  assert.ok(asymmetry(0, 3) > 0, "more power right is positive");
});

// count of a power in dB
const count = (db) => 1 + Math.round((254 * (db + 40)) / 100);

function tile(strips) {
  const [panels, columns, bins] = [strips.length, strips[0].length, strips[0][0].length];
  return { panels, columns, bins, power: Uint8Array.from(strips.flat(2)) };
}

test("the asymmetry of a tile follows from the dB of its mirrored strips", () => {
  const left = [[count(10), count(10), count(0)]];
  const right = [[count(10), count(20), count(-20)]];
  const found = asymmetryTile(tile([left, right]), [[0, 1]], INFO, 3);
  const values = Array.from(found.power, asymmetryOfCount);
  // each frequency with its neighbours
  [[20, 110], [21, 110.01], [11, 100.01]].forEach(([l, r], b) => near(values[b], (r - l) / (r + l), 0.03));
  // all together: powers are added before the ratio is taken
  const [l, r] = [10 + 10 + 1, 10 + 100 + 0.01];
  near(found.together[0], (r - l) / (r + l), 0.03);
  // a known ratio at every power that a tile can hold
  for (let db = -30; db <= 50; db += 5) {
    const one = asymmetryTile(tile([[[count(db)]], [[count(db + 6)]]]), [[0, 1]], INFO, 1);
    near(asymmetryOfCount(one.power[0]), asymmetry(0, 6), 0.03);
  }
});

test("several pairs add their power, each on its side", () => {
  const strips = [[[count(0)]], [[count(10)]], [[count(20)]], [[count(0)]]];
  const found = asymmetryTile(tile(strips), [[0, 1], [2, 3]], INFO, 1);
  near(asymmetryOfCount(found.power[0]), (11 - 101) / (11 + 101), 0.03);
});

test("no data on one side is no asymmetry, and never a side", () => {
  const strips = [[[0, count(0)], [0, 0]], [[count(0), count(0)], [count(10), 0]]];
  const found = asymmetryTile(tile(strips), [[0, 1]], INFO, 2);
  assert.deepEqual([...found.power], [0, 128, 0, 0]);
  near(found.together[0], 0, 1e-6);
  assert.ok(Number.isNaN(found.together[1]));
  // where one of two pairs has none, the other speaks
  const two = [[[count(0)]], [[0]], [[count(0)]], [[count(10)]]];
  near(asymmetryOfCount(asymmetryTile(tile(two), [[0, 1], [2, 3]], INFO, 1).power[0]), 9 / 11, 0.03);
});

test("only the frequencies shown count for the line", () => {
  const strips = [[[count(0), count(40)]], [[count(0), count(0)]]];
  near(asymmetryTile(tile(strips), [[0, 1]], INFO, 1).together[0], 0, 1e-6);
  assert.ok(asymmetryTile(tile(strips), [[0, 1]], INFO, 2).together[0] < -0.9);
});

// ---- amplitude-integrated EEG ------------------------------------------------------------------

test("the scale is linear to 10 µV and logarithmic to 100 µV", () => {
  [[0, 0], [5, 0.25], [10, 0.5], [Math.sqrt(1000), 0.75], [100, 1], [500, 1], [-3, 0]].forEach(([uv, height]) => near(aeegHeight(uv), height, 1e-12));
});

test("a count and its microvolt belong together", () => {
  assert.equal(aeegMicrovolt(1), 0);
  near(aeegMicrovolt(128), 10, 1e-9);
  near(aeegMicrovolt(255), 100, 1e-9);
  for (let v = 1; v <= 255; v++) near(aeegHeight(aeegMicrovolt(v)), aeegHeightOfCount(v), 1e-9);
});

test("margins in words", () => {
  assert.equal(aeegWords(64, 192), "5.0 to 32 µV");
  assert.equal(aeegWords(200, 255), "37 to >100 µV");
  assert.equal(aeegWords(0, 0), "no value");
});

test("runs end where there is no data, and go on from tile to tile", () => {
  const aeeg = (columns) => ({ columns: columns.length, power: Uint8Array.from([...columns, ...columns.map(() => [1, 1])].flat()) });
  const pieces = [
    { start: 0, columnS: 15, tile: aeeg([[1, 128], [0, 0], [64, 128]]) },
    { start: 45, columnS: 15, tile: aeeg([[128, 255]]) },
    { start: 60, columnS: 15, tile: null },
    { start: 75, columnS: 15, tile: aeeg([[1, 1]]) },
  ];
  const runs = aeegRuns(pieces, 0);
  assert.deepEqual(runs.map((run) => [run.from, run.lower.length]), [[0, 1], [30, 2], [75, 1]]);
  near(runs[1].upper[1], 1, 1e-9);
  assert.equal(aeegRuns(pieces, 1)[0].lower.length, 4);
});

// ---- tiles and colours -------------------------------------------------------------------------

test("the level has as many columns as the pixels can show", () => {
  assert.equal(levelOf(INFO, 600, 800), 0);
  assert.equal(levelOf(INFO, 3600, 800), 1);
  assert.equal(levelOf(INFO, 86400, 800), 3);
  assert.equal(levelOf({ ...INFO, step_s: 15 }, 86400, 1000), 1);
});

test("the tiles of a view cover it, and none lies outside", () => {
  const view = { start: 500, length: 600 };
  const found = tilesIn(INFO, view, 0);
  assert.deepEqual(found.map((piece) => piece.index), [1, 2, 3, 4]);
  assert.equal(found[0].start, 256);
  assert.deepEqual(tilesIn({ ...INFO, columns: 300 }, { start: 0, length: 600 }, 0).map((piece) => piece.index), [0, 1]);
  assert.deepEqual(tilesIn({ ...INFO, columns: 0 }, view, 0), []);
  assert.equal(tilesIn(INFO, { start: 0, length: 86400 }, 3).length, Math.ceil(1350 / 256));
});

test("colours lie between fixed limits, and no data is transparent", () => {
  const map = limited(TABLES.viridis, -10, 25, (v) => decibel(INFO, v));
  assert.equal(map[0], 0);
  assert.equal(map[1], TABLES.viridis[1]);
  assert.equal(map[255], TABLES.viridis[255]);
  assert.equal(map[count(7.5)], TABLES.viridis[1 + Math.round(254 * (decibel(INFO, count(7.5)) + 10) / 35)]);
  assert.equal(css(TABLES.viridis[1]), "rgb(68,1,84)");
});

test("the middle of the balance is the ground of the page; its ends are blue and orange-red", () => {
  for (const [name, ground] of [["balanceLight", "rgb(245,246,249)"], ["balanceDark", "rgb(27,31,41)"]]) {
    assert.equal(css(TABLES[name][128]), ground);
    const channel = (v) => [TABLES[name][v] & 255, (TABLES[name][v] >> 16) & 255];
    const [red, blue] = channel(60);
    assert.ok(blue > red);
    const [redRight, blueRight] = channel(196);
    assert.ok(redRight > blueRight);
  }
});
