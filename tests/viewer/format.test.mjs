import assert from "node:assert/strict";
import { test } from "node:test";

import { clock, elapsed, orNA, parseTime, span } from "../../eegdash/ui/viewer/format.js";

test("elapsed time is written as h:mm:ss and read back", () => {
  assert.equal(elapsed(0), "0:00:00");
  assert.equal(elapsed(3599.96, 1), "1:00:00.0");
  assert.equal(elapsed(90061.5, 1), "25:01:01.5");
  for (const t of [0, 59, 60, 3599, 86399, 90061]) assert.equal(parseTime(elapsed(t)), t);
});

test("times are typed as h:mm:ss, mm:ss or seconds, and nothing else", () => {
  assert.equal(parseTime(" 1:02:03 "), 3723);
  assert.equal(parseTime("2:03"), 123);
  assert.equal(parseTime("75.5"), 75.5);
  for (const wrong of ["", "a", "1:2:3:4", "-5", "1:-2", "1e3", "NaN"]) assert.equal(parseTime(wrong), null);
});

test("the clock goes round at midnight", () => {
  assert.equal(clock(86390, 15), "00:00:05");
  assert.equal(clock(0, 3600 * 49 + 1), "01:00:01");
});

test("what is undefined is n/a, never 0", () => {
  assert.equal(orNA(null), "n/a");
  assert.equal(orNA(Number.NaN), "n/a");
  assert.equal(orNA(0), "0.00");
  assert.equal(span(89.9), "89.9 s");
  assert.equal(span(120), "2.0 min");
});
