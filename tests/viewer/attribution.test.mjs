import assert from "node:assert/strict";
import { test } from "node:test";

import { columnEdges, dominant, edges, evidence, grid, joined, joinedEdges, mass, mean, peaks, sharedLimit } from "../../eegdash/ui/attribution/grid.js";
import { chosenChannels, fieldOf, rowsOf, whyNot } from "../../eegdash/ui/attribution/parts.js";
import { figure, overlay, signed, signedColour, underlay } from "../../eegdash/ui/attribution/scale.js";
import { probabilitiesOf, rowsOfSpan, spanAt, strongest, windowsOf } from "../../eegdash/ui/attribution/span.js";
import { presetPanels, startIndex, startState } from "../../eegdash/ui/attribution/state.js";
import { nearestScored, spanAround, strongestIn } from "../../eegdash/ui/attribution/strip.js";
import { checksOf, limitWords, verdictOf } from "../../eegdash/ui/attribution/words.js";
import { Store, decode } from "../../eegdash/ui/attribution/store.js";
import { placeToExplain } from "../../eegdash/ui/viewer/explain.js";

// 3 segments x 2 channels x 2 frequencies x 2 frames; +1 in the first channel, -1 in the second
const VALUES = Float32Array.from({ length: 24 }, (_, i) => (Math.floor(i / 4) % 2 ? -1 : 1));
const MAP = grid(VALUES, [3, 2, 2, 2]);

test("evidence for and against of two channels does not cancel", () => {
  const field = evidence(MAP, 1, () => 0);
  assert.equal(field.columns, 6);
  assert.deepEqual([...field.pos], [2, 2, 2, 2, 2, 2]);
  assert.deepEqual([...field.neg], [2, 2, 2, 2, 2, 2]);
  assert.deepEqual(mass(field), { pos: 12, neg: 12, all: 24 });
  const apart = evidence(MAP, 2, (c) => c);
  assert.deepEqual([...apart.pos.slice(6)], [0, 0, 0, 0, 0, 0]);
  assert.equal(dominant(apart, 6), -2);
  assert.equal(dominant(apart, 0), 2);
});

test("every cell lands in its segment, row and column", () => {
  const values = Float32Array.from({ length: 24 }, (_, i) => i);
  const field = evidence(grid(values, [3, 2, 2, 2]), 4, (c, f) => 2 * c + f);
  // channel 1, frequency 0 of segment 2 begins at ((2 * 2 + 1) * 2 + 0) * 2
  assert.deepEqual([...field.pos.slice(2 * 6 + 4, 2 * 6 + 6)], [20, 21]);
  const means = mean(grid(values, [3, 2, 2, 2]), 1, (c, f) => (f === 0 ? 0 : -1));
  assert.equal(means.values[0], (0 + 4) / 2);
});

test("columns joined within a segment keep their sums and borders", () => {
  const field = { rows: 1, columns: 6, pos: Float32Array.of(1, 2, 3, 4, 5, 6), neg: new Float32Array(6) };
  const two = joined(field, 2, 2);
  assert.deepEqual([...two.pos], [3, 3, 9, 6]);
  const borders = columnEdges([0.5, 1.5, 2.5], 3, 2);
  assert.deepEqual(joinedEdges(borders, 2, 2), [[0, 2], [2, 3], [3, 5], [5, 6]]);
});

test("borders of a segment's frames reach to its ends", () => {
  assert.deepEqual(edges([0.5, 1, 1.5], 0, 3), [0, 0.75, 1.25, 3]);
  const found = columnEdges([0.5, 2.5], 3, 3);
  assert.deepEqual(found[0], [0, 1.5]);
  assert.deepEqual(found[5], [7.5, 9]);
});

test("one limit for all fields, in one unit", () => {
  const small = { rows: 1, columns: 1, pos: Float32Array.of(1), neg: Float32Array.of(0) };
  const large = { rows: 1, columns: 1, pos: Float32Array.of(0), neg: Float32Array.of(8) };
  assert.equal(sharedLimit([small, large], [1, 1]), 1); // one in 200 may lie beyond
  assert.equal(sharedLimit([large], [0.5]), 4);
  assert.equal(sharedLimit([], []), 0);
});

test("the strongest cells of each sign are marked, not their neighbours", () => {
  const field = { rows: 1, columns: 12, pos: new Float32Array(12), neg: new Float32Array(12) };
  field.pos.set([9, 8], 0);
  field.neg[10] = 5;
  const found = peaks(field, 3, 9);
  assert.deepEqual(found, [{ row: 0, column: 0, sign: 1 }, { row: 0, column: 10, sign: -1 }]);
});

test("colours are signed, zero is transparent, strong is opaque", () => {
  const alpha = (packed) => packed >>> 24;
  assert.equal(alpha(signedColour(0, false)), 0);
  assert.equal(alpha(signedColour(2, false)), 255);
  const [blue, orange] = [signedColour(-1, false), signedColour(1, false)];
  assert.ok(((blue >> 16) & 255) > (blue & 255), "against is blue");
  assert.ok((orange & 255) > ((orange >> 16) & 255), "for is orange-red");
  assert.deepEqual([overlay(0), overlay(50), overlay(100)], [0, 1, 1]);
  assert.deepEqual([underlay(0), underlay(50), underlay(100)], [1, 1, 0]);
});

test("numbers are short and keep their sign", () => {
  assert.equal(figure(0.012345), "0.0123");
  assert.equal(figure(0), "0");
  assert.equal(signed(-1.234), "−1.23");
  assert.equal(signed(0.5), "+0.5");
});

const HEADER = {
  ch_names: ["F7-T7", "F8-T8", "Fz-Cz"], placed: true, freqs_hz: [2, 6, 10],
  regions: [{ name: "LL", title: "left lateral", rows: [0] }, { name: "ML", title: "midline", rows: [2] }, { name: "RL", title: "right lateral", rows: [1] }],
  bands: [["delta", 0.5, 4], ["theta", 4, 8], ["alpha", 8, 13]], slices: [["B1", 2, 6], ["B2", 6, 10.5]],
};

test("rows of the views", () => {
  const choice = { of: "all", bandSet: "physiological" };
  const bands = rowsOf("bands", HEADER, choice);
  assert.deepEqual(bands.names, ["alpha", "theta", "delta"]);
  assert.deepEqual([0, 1, 2].map((f) => bands.rowOf(0, f)), [2, 1, 0]);
  assert.deepEqual(rowsOf("bands", HEADER, { of: "all", bandSet: "slices" }).names, ["B2", "B1"]);
  const regions = rowsOf("regions", HEADER, choice);
  assert.deepEqual([0, 1, 2].map((c) => regions.rowOf(c)), [0, 2, 1]);
  const one = rowsOf("map", HEADER, { of: "RL", bandSet: "physiological" });
  assert.deepEqual([one.rowOf(0, 1), one.rowOf(1, 1)], [-1, 1]);
  assert.deepEqual([...chosenChannels("Fz-Cz", HEADER)], [2]);
});

test("a map without places says what gives them", () => {
  const mixed = { ...HEADER, placed: false };
  assert.match(whyNot("regions", mixed), /Choose Integrated Gradients/);
  assert.equal(whyNot("map", mixed), "");
  assert.match(whyNot("bands", { ...HEADER, bands: [] }), /no bands/);
  const map = grid(Float32Array.of(1, 2, 3, 1, 2, 3, 1, 2, 3), [3, 1, 3, 1]);
  assert.deepEqual([...fieldOf("map", map, mixed, { of: "RL", bandSet: "physiological" }).field.pos], [1, 1, 1, 2, 2, 2, 3, 3, 3]);
});

// ---- where the page begins -----------------------------------------------------------------------

const TRACE = { first_centre_s: 4.5, step_s: 1.5, threshold_pm: 500 };
const PROBABILITY = Uint16Array.of(100, 200, 65535, 700, 900, 800, 100, 950);

test("an event is explained by its strongest window, a page by the one in its middle", () => {
  assert.equal(strongestIn(PROBABILITY, TRACE, 9, 13), 5 - 1);
  assert.equal(strongestIn(PROBABILITY, TRACE, 7.4, 7.6), 2); // the only centre inside is not scored
  assert.equal(nearestScored(PROBABILITY, TRACE, 7.4), 1);
  const at = (place, kept = null) => startIndex({ place, kept, trace: TRACE }, PROBABILITY, [[9, 13]]);
  assert.equal(at({ kind: "event", onset_s: 9, end_s: 13 }), 4);
  assert.equal(at({ kind: "page", onset_s: 0, end_s: 10 }), 0);
  assert.equal(at(null), 4);
  assert.equal(at(null, { index: 6 }), 6);
  assert.deepEqual(spanAround(30, 50), { start: 0, length: 50 });
  assert.deepEqual(spanAround(3000, 86400), { start: 2700, length: 600 });
});

const DATA = {
  trace: TRACE, model: "a", place: null, kept: null, labels: [],
  methods: ["integrated-gradients", "grad-cam", "grad-cam++", "gradient-shap"].map((name) => ({ name })),
  models: [{ sha256: "a", features: "log-power" }, { sha256: "b", features: "derivations" }],
  tuning: { models: [], problem: "None was fine-tuned." },
};

test("with no choice two methods are shown; what was kept comes back", () => {
  const state = startState(DATA, PROBABILITY, []);
  assert.deepEqual(state.panels.map(({ method }) => method), ["integrated-gradients", "grad-cam"]);
  assert.equal(state.index, 7);
  const kept = { ...state, index: 3, view: "bands" };
  assert.deepEqual(startState({ ...DATA, kept }, PROBABILITY, []), kept);
  const gone = { ...kept, panels: [{ ...kept.panels[0], model: "removed" }] };
  assert.equal(startState({ ...DATA, kept: gone }, PROBABILITY, []).view, "map");
  assert.equal(startState({ ...DATA, kept, place: { kind: "page", onset_s: 0, end_s: 9 } }, PROBABILITY, []).index, 0);
});

test("presets", () => {
  const [first] = startState(DATA, PROBABILITY, []).panels;
  assert.equal(presetPanels("methods", DATA, first).panels.length, 4);
  assert.deepEqual(presetPanels("contrast", DATA, first).panels.map(({ window }) => window), ["here", "quiet"]);
  assert.deepEqual(presetPanels("models", DATA, first).panels.map(({ model }) => model), ["a", "b"]);
  assert.equal(presetPanels("tuning", DATA, first).problem, "None was fine-tuned.");
  const tuned = { ...DATA, tuning: { models: ["a", "b"], problem: "" } };
  assert.deepEqual(presetPanels("tuning", tuned, first).panels.map(({ model }) => model), ["a", "b"]);
});

test("what the key explains: a marked span, the chosen detection on the page, else the page", () => {
  const page = [20, 30];
  assert.deepEqual(placeToExplain({ span: [21, 25], event: [22, 40], page }), { kind: "span", onset_s: 21, end_s: 25 });
  assert.deepEqual(placeToExplain({ span: null, event: [22, 40], page }), { kind: "event", onset_s: 22, end_s: 40 });
  assert.deepEqual(placeToExplain({ span: null, event: [40, 60], page }), { kind: "page", onset_s: 20, end_s: 30 });
});

// ---- whether to believe it -----------------------------------------------------------------------

const curve = (beats, auc) => ({ beats_random: beats, auc, n_random: 20, random_auc_mean: 0.5, random_auc_low: 0.4, random_auc_high: 0.6 });
const CHECKS = { insertion: curve(true, 0.9), deletion: curve(true, 0.1), randomisation: { signed: 0.05, survives: false, n_networks: 3, limit: 0.5 }, note: "" };
const ABOUT = { completeness_error: 0.01, complete: true, logit: 2, unit: "logit", no_positive_evidence: false, positive_mass: 3, negative_mass: 1, threshold_pm: 500, baseline_logit: -1, baseline: { title: "Quiet", logit: -1, probability: 0.1 } };
const judged = (about, checks, agreements = []) => verdictOf({ ...ABOUT, ...about }, checks, checksOf({ ...ABOUT, ...about }, checks, null, agreements));

test("a map that passes is believed, and says no more than that", () => {
  const { state, words } = judged({}, CHECKS);
  assert.equal(state, "good");
  assert.match(words, /Whether the detector is right is another question/);
});

test("each failure is named", () => {
  assert.match(judged({}, { ...CHECKS, randomisation: { ...CHECKS.randomisation, signed: 0.8, survives: true } }).words, /learned nothing/);
  assert.equal(judged({}, { ...CHECKS, insertion: curve(false, 0.3), deletion: curve(false, 0.7) }).state, "bad");
  assert.equal(judged({}, { ...CHECKS, deletion: curve(false, 0.45) }).state, "doubtful");
  assert.match(judged({ complete: false, completeness_error: 1 }, CHECKS).words, /do not add up/);
  assert.match(judged({ no_positive_evidence: true }, CHECKS).words, /No positive evidence/);
  assert.equal(judged({}, CHECKS, [{ name: "B", rho: 0.1, passed: true }]).state, "doubtful");
  // to differ from a map that fails is no fault
  assert.equal(judged({}, CHECKS, [{ name: "B", rho: 0.1, passed: false }]).state, "good");
  assert.equal(judged({ baseline: { ...ABOUT.baseline, probability: 0.7 } }, CHECKS).state, "doubtful");
  // several quiet windows are no single one whose probability could be named
  assert.equal(judged({ baseline_logit: -2, baseline: { ...ABOUT.baseline, probability: 0.7 } }, CHECKS).state, "good");
  assert.equal(judged({}, null).state, "open");
  assert.equal(judged({}, { ...CHECKS, insertion: null, deletion: null, note: "same logit" }).state, "doubtful");
});

test("checks say numbers and what they are measured against", () => {
  const words = checksOf(ABOUT, CHECKS, { infidelity: 2, infidelity_nothing: 1, sensitivity_max: 0.2, n_samples: 10 }, [{ name: "B", rho: 0.7 }]).map(({ title, words: said, state }) => `${state}: ${title}: ${said}`);
  assert.ok(words.includes("good: Adds up: values sum to +3.01 of +3 logit, error +0.01"), words[0]);
  assert.ok(words.some((line) => line.startsWith("good: Insertion: better than random orders: area 0.90; 20 random: 0.50 (95 %: 0.40 to 0.60)")));
  assert.ok(words.some((line) => line.startsWith("bad: Infidelity")));
  assert.equal(limitWords(0.5, "share"), "±0.5 % of a map's evidence");
  assert.equal(limitWords(0.5, "logit"), "±0.5 logit");
});

test("an answer is a header and its arrays", () => {
  const header = new TextEncoder().encode(JSON.stringify({ a: 1, arrays: { x: [2, 1], y: [1] } }).padEnd(44));
  const buffer = new ArrayBuffer(4 + header.length + 12);
  new DataView(buffer).setUint32(0, header.length, true);
  new Uint8Array(buffer, 4).set(header);
  new Float32Array(buffer, 4 + header.length).set([1.5, -2, 7]);
  const found = decode(buffer);
  assert.equal(found.a, 1);
  assert.deepEqual([...found.arrays.x.values], [1.5, -2]);
  assert.deepEqual(found.arrays.y, { shape: [1], values: Float32Array.of(7) });
});

// ---- asking ------------------------------------------------------------------------------------

const answered = (bytes) => ({ status: 200, ok: true, arrayBuffer: async () => bytes });
const promised = { status: 202, ok: true, json: async () => ({ progress: 0.5, state: "running" }) };

function packedHeader(header) {
  const text = new TextEncoder().encode(JSON.stringify({ ...header, arrays: {} }));
  const buffer = new ArrayBuffer(4 + text.length);
  new DataView(buffer).setUint32(0, text.length, true);
  new Uint8Array(buffer, 4).set(text);
  return buffer;
}

const until = async (holds) => {
  for (let i = 0; i < 100 && !holds(); i++) await new Promise((next) => setTimeout(next, 20));
  assert.ok(holds());
};

test("an answer is asked for until it is there, and kept", async () => {
  const asked = [];
  globalThis.fetch = async (address, { headers }) => {
    asked.push(headers["x-waiting"]);
    return asked.length < 3 ? promised : answered(packedHeader({ n: 7 }));
  };
  const store = new Store(() => {});
  assert.deepEqual(store.get("/a"), {});
  await until(() => store.known("/a").value);
  assert.equal(store.get("/a").value.n, 7);
  assert.deepEqual(asked, [undefined, "1", "1"]);
});

test("what was cancelled can be asked for again at once", async () => {
  const asked = [];
  globalThis.fetch = async (address, { method = "GET" }) => {
    asked.push(`${method} ${address}`);
    if (method === "DELETE") return { status: 204, ok: true };
    return address.includes("again") ? answered(packedHeader({ n: 1 })) : promised;
  };
  const store = new Store(() => {});
  store.get("/b");
  await until(() => store.known("/b").progress);
  store.cancel("/b");
  assert.equal(store.get("/b").problem, "Cancelled.");
  store.retry("/b");
  await until(() => store.known("/b").value);
  const before = asked.length;
  await new Promise((next) => setTimeout(next, 700));
  assert.equal(asked.length, before, "the cancelled chain goes on asking");
});

test("a refusal is told in the server's words, a silent server in ours", async () => {
  globalThis.fetch = async () => ({ status: 410, ok: false, text: async () => "Choose another method." });
  const store = new Store(() => {});
  store.get("/c");
  await until(() => store.known("/c").problem);
  assert.equal(store.known("/c").problem, "Choose another method.");
  globalThis.fetch = async () => {
    throw new TypeError("offline");
  };
  store.get("/d");
  await until(() => store.known("/d").problem);
  assert.match(store.known("/d").problem, /does not answer/);
});

const GRID = { first_centre_s: 4.5, step_s: 1.5 };

test("the windows of a span are those whose centre lies in it", () => {
  assert.deepEqual(windowsOf(GRID, 40, 9, 15), { first: 3, last: 7 });
  assert.deepEqual(windowsOf(GRID, 40, 9.1, 14.9), { first: 4, last: 6 });
  assert.deepEqual(windowsOf(GRID, 40, 9.2, 9.4), { first: 3, last: 3 });
  assert.deepEqual(windowsOf(GRID, 40, 0, 1), { first: 0, last: 0 });
  assert.deepEqual(windowsOf(GRID, 40, 500, 600), { first: 39, last: 39 });
});

test("a window belongs to what was marked, to a detection, to a label, or to nothing", () => {
  const around = { marked: [20, 30], events: [[10, 16], [25, 40]], labels: [{ onset_s: 60, duration_s: 5, verdict: "missed", blinded: true }], half: 0.75 };
  assert.equal(spanAt(26, around).words, "Marked span");
  assert.equal(spanAt(35, around).words, "Detection 2 of 2");
  assert.equal(spanAt(16.7, around).words, "Detection 1 of 2");
  assert.equal(spanAt(62, around).words, "Seizure marked by hand");
  assert.equal(spanAt(50, around), null);
});

test("the probability of a span's window is the calibrated one of its detector", () => {
  const answer = { arrays: { logit: { values: Float32Array.of(0, Math.log(9), NaN) } } };
  assert.deepEqual(probabilitiesOf(answer, 1), [500, 900, NaN]);
  assert.deepEqual(probabilitiesOf(answer, 0.5).slice(0, 2), [500, 988]); // 81 to 1
});

test("the rows of a span are bands, the highest on top, and regions", () => {
  // two bands, one region, two windows; for and against
  const answer = {
    indices: [3, 4], bands: [["delta", 1, 4], ["theta", 4, 8]], slices: [["B1", 1, 8]], regions: [["LL", "left lateral"]],
    arrays: { by_band: { values: Float32Array.of(1, 2, 3, NaN, 5, 6, 7, NaN) }, by_slice: { values: Float32Array.of(9, 9, 8, 8) }, by_region: { values: Float32Array.of(4, 2, 12, 6) } },
  };
  const { bands, regions } = rowsOfSpan(answer, "physiological");
  assert.deepEqual(bands.map(({ name }) => name), ["theta", "delta"]);
  assert.deepEqual([...bands[1].pos, ...bands[1].neg], [1, 2, 5, 6]);
  assert.deepEqual([...bands[0].pos], [3, NaN]);
  assert.deepEqual([...regions[0].neg], [12, 6]);
  assert.equal(strongest([...bands, ...regions]), 12);
  assert.equal(rowsOfSpan(answer, "slices").bands[0].title, "B1, 1 to 8 Hz");
});
