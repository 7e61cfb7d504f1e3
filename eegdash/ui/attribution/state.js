// What the page shows to begin with, and ready-made comparisons. Pure.

import * as fmt from "../viewer/format.js";
import { nearestScored, strongestIn } from "./strip.js";

const FIRST = ["integrated-gradients", "grad-cam"];
const MORE = ["integrated-gradients", "grad-cam", "grad-cam-plus-plus", "grad-cam++", "gradient-shap", "occlusion"];
const MOST_LISTED = 200;

export const PRESETS = [
  ["methods", "methods on this window"],
  ["contrast", "this event and the nearest confident non-seizure"],
  ["tuning", "before and after fine-tuning"],
  ["models", "two detectors"],
];

const known = (data, names) => names.filter((name) => data.methods.some((method) => method.name === name));

// Where to begin: what was asked for, else what was shown last, else the strongest detection.
export function startIndex({ place, kept, trace }, values, events) {
  if (place) return place.kind === "page" ? nearestScored(values, trace, (place.onset_s + place.end_s) / 2) : strongestIn(values, trace, place.onset_s, place.end_s);
  if (kept && kept.index < values.length) return kept.index;
  const best = (spans) => spans.map(([a, b]) => strongestIn(values, trace, a, b)).sort((a, b) => values[b] - values[a])[0];
  return best(events.length ? events : [[0, trace.first_centre_s + values.length * trace.step_s]]);
}

export function startState(data, values, events) {
  const index = startIndex(data, values, events);
  const { kept } = data;
  const fits = kept && kept.panels.every(({ model, method }) => data.models.some(({ sha256 }) => sha256 === model) && known(data, [method]).length);
  const { place } = data;
  const marked = place && place.kind === "span" ? [place.onset_s, place.end_s] : (kept && kept.marked) || null;
  if (fits && kept.main === data.model) return { ...kept, index, marked };
  const reads = data.models.find(({ sha256 }) => sha256 === data.model);
  const panels = known(data, FIRST).map((method) => ({ method, window: "here", model: data.model, baseline: "" }));
  return { index, marked, main: data.model, panels, preset: "methods", view: reads && reads.features === "derivations" ? "traces" : "map", slider: 50, of: "all", bandSet: "physiological", colours: "auto" };
}

// Panels of a ready-made comparison, or why there is none: {panels} or {problem}.
export function presetPanels(name, data, first) {
  const here = { ...first, window: "here" };
  if (name === "methods") return { panels: known(data, MORE).slice(0, 4).map((method) => ({ ...here, model: data.model, baseline: "", method })) };
  if (name === "contrast") return { panels: [here, { ...here, window: "quiet" }] };
  if (name === "tuning") {
    if (data.tuning.models.length < 2) return { problem: data.tuning.problem || "No detector here was fine-tuned from another one." };
    return { panels: data.tuning.models.map((model) => ({ ...here, model, baseline: "" })) };
  }
  const other = data.models.find(({ sha256 }) => sha256 !== data.model);
  if (!other) return { problem: "There is only one detector that works on this grid of windows. Copy another one into models of the workspace." };
  return { panels: [{ ...here, model: data.model, baseline: "" }, { ...here, model: other.sha256, baseline: "" }] };
}

const WORDS = { missed: "missed seizure", agree: "agreed", disagree: "disagreed", unsure: "unsure" };

// Windows that a panel may show: [value, words].
export function placed(data, values, events) {
  const { trace } = data;
  const found = [["here", "the window above"], ["quiet", "nearest confident non-seizure"]];
  events.slice(0, MOST_LISTED).forEach(([a, b], i) => found.push([String(strongestIn(values, trace, a, b)), `detection ${i + 1}, ${fmt.elapsed(a)}`]));
  data.labels.slice(0, MOST_LISTED).forEach(({ onset_s: a, duration_s: d, verdict, blinded }) => {
    const index = String(strongestIn(values, trace, a, a + d));
    const words = `${verdict === "missed" && blinded ? "marked by hand" : WORDS[verdict] || verdict}, ${fmt.elapsed(a)}`;
    if (!found.some(([value]) => value === index)) found.push([index, words]);
  });
  const seen = new Set();
  return found.filter(([value]) => !seen.has(value) && seen.add(value));
}
