import assert from "node:assert/strict";
import { test } from "node:test";

import { badNames, faultWords, pageFlags, rowStates, rowsNote } from "../../eegdash/ui/viewer/rows.js";

// Fp1-F7, F7-T7, T7-P7 of a recording of the channels Fp1, F7, T7, P7
const montage = { names: ["Fp1-F7", "F7-T7", "T7-P7"], sides: ["L", "L", "L"], sums: ["", "", ""], inputs: [[0, 1], [1, 2], [2, 3]] };
const labels = ["Fp1", "F7", "T7", "P7"];
const choice = (changes) => ({ bad: new Set(), hidden: new Set(), solo: null, faint: false, ...changes });
const shown = (changes) => rowStates(montage, choice(changes)).filter((row) => row.shown).map((row) => row.name);

test("everything is drawn until something is chosen", () => {
  assert.deepEqual(shown({}), montage.names);
  assert.equal(rowsNote(rowStates(montage, choice({})), new Set(), labels), "");
});

test("a row with a bad channel is hidden, or drawn where faint is chosen, and is bad either way", () => {
  assert.deepEqual(shown({ bad: new Set([2]) }), ["Fp1-F7"]);
  assert.deepEqual(shown({ bad: new Set([2]), faint: true }), montage.names);
  assert.deepEqual(rowStates(montage, choice({ bad: new Set([2]), faint: true })).map((row) => row.bad), [false, true, true]);
});

test("rows keep their place in the tiles when others are hidden", () => {
  const rows = rowStates(montage, choice({ hidden: new Set(["Fp1-F7"]) })).filter((row) => row.shown);
  assert.deepEqual(rows.map((row) => row.row), [1, 2]);
});

test("one row only, also a hidden or bad one; a row of another montage changes nothing", () => {
  assert.deepEqual(shown({ solo: "F7-T7", hidden: new Set(["F7-T7"]), bad: new Set([2]) }), ["F7-T7"]);
  assert.deepEqual(shown({ solo: "Cz-Pz" }), montage.names);
});

test("the heading says what is not on screen", () => {
  const bad = new Set([2]);
  assert.equal(rowsNote(rowStates(montage, choice({ bad })), bad, labels), "2 of 3 rows hidden, T7 bad");
  assert.equal(rowsNote(rowStates(montage, choice({ bad, faint: true })), bad, labels), "T7 bad");
  const hidden = new Set(["T7-P7", "not of this montage"]);
  assert.equal(rowsNote(rowStates(montage, choice({ hidden })), new Set(), labels), "1 of 3 rows hidden");
  assert.equal(rowsNote(rowStates(montage, choice({ bad: new Set([9]) })), new Set([9]), labels), ""); // not used here
});

test("bad channels are named where they are part of something, each once, many as a number", () => {
  assert.equal(badNames([0, 2, 2, 1], new Set([2, 9]), labels), "T7");
  assert.equal(badNames([2, 0], new Set([0, 2]), labels), `${labels[0]}, T7`);
  assert.equal(badNames([0, 1], new Set([2]), labels), "");
  assert.equal(badNames([0, 1, 2, 3, 4], new Set([0, 1, 2, 3, 4]), ["a", "b", "c", "d", "e"]), "5 channels");
});

test("what is wrong is said in words, from all tiles of the page that have arrived", () => {
  const tile = (...flags) => ({ tile: { flags: Uint8Array.from(flags) } });
  assert.deepEqual(pageFlags([tile(0, 1, 0), { tile: null }, tile(4, 2, 0)]), [4, 3, 0]);
  assert.deepEqual([0, 1, 2, 4, 3].map(faultWords), [[], ["flat"], ["saturated"], ["incomplete"], ["flat", "saturated"]]);
});
