import assert from "node:assert/strict";
import { test } from "node:test";

import { flags } from "../../eegdash/ui/viewer/notes.js";

const width = (text) => 6 * text.length;
const at = (pxPerS) => (t) => 100 + pxPerS * t;

test("a note far from others has its whole text", () => {
  const found = flags([[1, 0, "eyes closed"], [8, 2, "photic"]], at(80), width, 900);
  assert.deepEqual(found, [{ x: 180, poles: [180], text: "eyes closed" }, { x: 740, poles: [740], text: "photic" }]);
});

test("a text never reaches the next flag or the right edge", () => {
  const notes = Array.from({ length: 16 }, (_, i) => [i * 0.6, 0, `a note of some length, number ${i}`]);
  const found = flags(notes, at(80), width, 900);
  found.forEach(({ x, text }, i) => assert.ok(x + width(text) < (i + 1 < found.length ? found[i + 1].x : 900)));
  assert.ok(found[0].text.endsWith("…"));
});

test("notes too close for words share a flag, and each pixel has one pole", () => {
  const [flag, ...more] = flags([[1, 0, "one"], [1.0001, 0, "two"], [1.1, 0, "three"]], at(80), width, 900);
  assert.equal(more.length, 0);
  assert.deepEqual(flag, { x: 180, poles: [180, 188], text: "3 notes: one; two; three" });
});

test("thousands of notes on a page cost no more than its pixels", () => {
  const notes = Array.from({ length: 3000 }, (_, i) => [i / 300, 0, "x".repeat(300)]);
  let measured = 0;
  const found = flags(notes, at(80), (text) => ((measured += text.length), width(text)), 900);
  assert.ok(found.length <= 800 / 33 + 1);
  assert.ok(found.reduce((sum, flag) => sum + flag.poles.length, 0) <= 801);
  assert.ok(measured < 200_000);
});

test("markup is text like any other", () => {
  assert.equal(flags([[0, 0, "<img src=x>"]], at(1), width, 900)[0].text, "<img src=x>");
});
