import assert from "node:assert/strict";
import { test } from "node:test";

import { stepAmong } from "../../eegdash/ui/viewer/stepping.js";

const ITEMS = [[10, 20], [15, 16], [100, 110], [300, 310]];
const same = (span) => span;
const step = (current, direction, start) => stepAmong(ITEMS, same, current, direction, { start, end: start + 10 });

test("from the current one while it is on the page", () => {
  assert.equal(step(0, 1, 9), 1);
  assert.equal(step(1, 1, 9), 2);
  assert.equal(step(1, -1, 9), 0);
  assert.equal(step(3, 1, 298), 4); // none later
  assert.equal(step(0, -1, 9), -1); // none earlier
});

test("from the page when the current one is elsewhere", () => {
  assert.equal(step(0, 1, 50), 2);
  assert.equal(step(3, -1, 50), 1);
  assert.equal(step(-1, 1, 0), 0);
  assert.equal(step(-1, 1, 310), 4);
  assert.equal(step(-1, -1, 0), -1);
  assert.equal(step(99, 1, 120), 3); // an index of a list that was longer
});
