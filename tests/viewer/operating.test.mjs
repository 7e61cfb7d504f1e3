import assert from "node:assert/strict";
import { test } from "node:test";

import { choose, columnOf, countsAt, curveOf, eventRates, middleOfLongestRun, personsOf, spread, windowRates } from "../../eegdash/ui/operating/rates.js";
import { axis, countTicks, nearest, plotArea, roundUp, xOf, yOf } from "../../eegdash/ui/operating/scales.js";
import { rulesPath } from "../../eegdash/ui/operating/tables.js";

const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);

const TABLE = {
  threshold_pm: [0, 500, 1000],
  recordings: [
    { person: "p1", person_key: "x/p1", covered_s: 3600, sampled_s: 3600, n_seizure_windows: 10, n_free_windows: 90 },
    { person: "p2", person_key: "x/p2", covered_s: 1800, sampled_s: 1800, n_seizure_windows: 0, n_free_windows: 50 },
    { person: "p1", person_key: "x/p1", covered_s: 1800, sampled_s: 1800, n_seizure_windows: 5, n_free_windows: 45 },
  ],
  counts: {
    n_events: [[4, 2, 0], [3, 1, 0], [2, 1, 0]],
    tp: [[2, 1, 0], [0, 0, 0], [1, 1, 0]],
    fp: [[3, 1, 0], [2, 1, 0], [1, 0, 0]],
    n_ref: [[2, 2, 2], [0, 0, 0], [1, 1, 1]],
    sample_tp: [[60, 30, 0], [0, 0, 0], [30, 20, 0]],
    sample_fp: [[300, 30, 0], [90, 9, 0], [60, 0, 0]],
    sample_n_ref: [[60, 60, 60], [0, 0, 0], [30, 30, 30]],
    window_tp: [[10, 6, 0], [0, 0, 0], [5, 4, 0]],
    window_fp: [[90, 9, 0], [50, 5, 0], [45, 0, 0]],
  },
};

test("the column of a threshold is its own or the next higher one", () => {
  assert.equal(columnOf([0, 500, 1000], 500), 1);
  assert.equal(columnOf([0, 500, 1000], 501), 2);
  assert.equal(columnOf([0, 500, 900], 1000), 2);
});

test("counts are summed, then divided", () => {
  const { events, samples, windows } = countsAt(TABLE, 1);
  assert.deepEqual(events, { tp: 2, fp: 2, n: 3, seconds: 7200, found: 4 });
  const rates = eventRates(events);
  close(rates.sensitivity, 2 / 3);
  close(rates.precision, 1 / 2);
  close(rates.f1, 4 / 7);
  close(rates.fpPerDay, 24);
  close(eventRates(samples).sensitivity, 50 / 90);
  const found = windowRates(windows);
  assert.deepEqual([found.tn, found.fp, found.fn, found.tp], [171, 14, 5, 10]);
  close(found.accuracy, 181 / 200);
  close(found.specificity, 171 / 185);
});

test("a person's recordings only, and what has no value is null and not 0", () => {
  const { events, windows } = countsAt(TABLE, 2, [1]);
  assert.deepEqual(eventRates(events), { sensitivity: null, precision: null, f1: null, fpPerDay: 0 });
  assert.equal(windowRates(windows).sensitivity, null);
  assert.equal(windowRates(windows).weightedF1, 1);
  assert.equal(windowRates({ tp: 0, fp: 0, n: 0, free: 0 }).weightedF1, null);
  assert.equal(eventRates({ tp: 0, fp: 0, n: 0, seconds: 0 }).fpPerDay, null);
});

test("persons keep their order; recordings of one are together", () => {
  assert.deepEqual(personsOf(TABLE).map(({ person, rows }) => [person, rows]), [["p1", [0, 2]], ["p2", [1]]]);
});

test("spread leaves out what is undefined", () => {
  assert.deepEqual(spread([null, null]), { mean: null, sd: null, n: 0 });
  assert.deepEqual(spread([2, null]), { mean: 2, sd: null, n: 1 });
  const found = spread([1, 2, null, 6]);
  close(found.mean, 3);
  close(found.sd, Math.sqrt(7));
});

test("among equally good thresholds the middle of the longest run is chosen", () => {
  assert.equal(middleOfLongestRun([true, false, true, true, true, false]), 3);
  assert.equal(middleOfLongestRun([true, true, false, true, true]), 0); // the first of two equal ones
});

test("a target that nothing reaches chooses nothing", () => {
  const curve = curveOf(TABLE);
  assert.equal(choose(curve, "sensitivity", 1.01), null);
  assert.equal(choose(curve, "sensitivity", 0.6).threshold_pm, 500);
  assert.equal(choose(curve, "fp-per-24h", 0).threshold_pm, 1000);
});

test("values and pixels", () => {
  const area = plotArea(300, 200);
  const x = axis(0, 99, true);
  close(xOf(area, x, 0), area.left);
  close(xOf(area, x, 99), area.left + area.width);
  close(xOf(area, x, 9), area.left + area.width / 2);
  close(yOf(area, axis(0, 1), 0.25), area.top + 0.75 * area.height);
  assert.equal(nearest([[0, 0], null, [10, 0]], 8, 1), 2);
  assert.equal(nearest([], 1, 1), -1);
  assert.deepEqual([0, 0.4, 7, 30, 288].map(roundUp), [1, 0.5, 10, 30, 300]);
  assert.deepEqual(countTicks(100), [0, 1, 3, 10, 30, 100]);
  assert.deepEqual(countTicks(1), [0, 0.1, 0.3, 1]);
});

test("event rules as the address carries them", () => {
  assert.equal(rulesPath({ smoothing_s: 4.5, hysteresis: 1, merge_gap_s: 3, min_duration_s: 6 }), "4.5-1-3-6");
});
