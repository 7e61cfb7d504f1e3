import assert from "node:assert/strict";
import { test } from "node:test";

import { clock, dayOf, elapsed, orNA, parseClock, parseTime, span } from "../../eegdash/ui/viewer/format.js";

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

test("a clock time is its next occurrence", () => {
  const start = 23 * 3600; // 23:00
  const day = 86400;
  assert.equal(parseClock("23:10", start, 0, 3 * day), 600);
  assert.equal(parseClock("01:00:30.5", start, 0, 3 * day), 7230.5); // past midnight
  assert.equal(parseClock("22:59", start, 0, 3 * day), day - 60);
  assert.equal(parseClock("23:10", start, 601, 3 * day), 600 + day); // the next day's
  assert.equal(parseClock("23:10", start, 600, 3 * day), 600); // here already
  assert.equal(parseClock("23:10", start, 2 * day + 700, 3 * day), 600); // none later: the first
  assert.equal(parseClock("23:00", start, 0, 10), 0);
  assert.equal(parseClock("23:10", 23 * 3600 + 600 - 0.25, 0, 10), 0.25);
});

test("a clock time that the recording does not reach, and what is none", () => {
  assert.equal(parseClock("05:00", 23 * 3600, 0, 3600), "none");
  for (const wrong of ["", "24:00", "12", "1:2", "12:60", "12:00:61", "noon", "-1:00"]) assert.equal(parseClock(wrong, 0, 0, 86400), null);
});

test("the clock written is read back at every moment of two days", () => {
  const start = 17 * 3600 + 11;
  for (let t = 0; t < 2 * 86400; t += 997) assert.equal(parseClock(clock(start, t), start, t, 2 * 86400), t);
  assert.deepEqual([0, 86400 - start - 1, 86400 - start, 2 * 86400].map((t) => dayOf(start, t)), [1, 1, 2, 3]);
});
