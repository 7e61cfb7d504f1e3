import assert from "node:assert/strict";
import { test } from "node:test";

import { orderOf } from "../../eegdash/ui/operating/sorting.js";

const rows = [["run-10", "3 of 4", "8,640"], ["run-2", "n/a", "16"], ["run-1", "10 of 12", "0.0"], ["run-3", "3 of 3", "n/a"]];

test("names are ordered as people count", () => {
  assert.deepEqual(orderOf(rows, 0, false), [2, 1, 3, 0]);
  assert.deepEqual(orderOf(rows, 0, true), [0, 3, 1, 2]);
});

test("numbers are ordered by value; what is undefined stands last either way, equals keep their place", () => {
  assert.deepEqual(orderOf(rows, 1, true), [2, 0, 3, 1]);
  assert.deepEqual(orderOf(rows, 1, false), [0, 3, 2, 1]);
  assert.deepEqual(orderOf(rows, 2, true), [0, 1, 2, 3]);
  assert.deepEqual(orderOf(rows, 2, false), [2, 1, 0, 3]);
});
