// The bar under the probability: threshold, live event scores, event rules.

import * as fmt from "./format.js";
import { button, make } from "./dom.js";
import { RULES } from "./settings.js";

const MEANING = {
  Burden: "Share of the scored time inside detections, and minutes of detections per hour",
  Sensitivity: "Share of the reference seizures that a detection touches (30 s before to 60 s after)",
  Precision: "Share of counted detections that are true. Detections less than 90 s apart count as one (SzCORE)",
  F1: "Harmonic mean of sensitivity and precision",
  "FP/24 h": "False detections per 24 h. Detections less than 90 s apart count as one (SzCORE)",
};

export class Metrics {
  constructor(desk) {
    this.desk = desk;
    this.values = make("div", { class: "values" });
    this.note = make("p", { class: "note" });
    this.short = make("p", { class: "note" });
    this.ruleNote = make("p", { class: "note", role: "status" });
    this.slider = make("input", {
      type: "range", min: 0, max: 1000, step: 10, "aria-label": "Threshold, per mille",
      oninput: (e) => desk.operating.setThreshold(Number(e.target.value), false),
      onchange: (e) => desk.operating.setThreshold(Number(e.target.value), true),
    });
    this.reset = button("", "Back to the threshold that was locked with the model", () => desk.operating.setThreshold(desk.data.trace.locked_threshold_pm, true));
    this.rules = RULES.map(([name, text, lowest, highest, step]) => [
      name,
      make("input", { type: "number", min: lowest, max: highest, step, "aria-label": text, title: text, onchange: (e) => desk.operating.setRule(name, e.target.value) }),
      text,
    ]);
    this.summary = make("summary", { textContent: "Event rules" });
    const rules = make(
      "details",
      {},
      this.summary,
      make("div", { class: "row rules" }, ...this.rules.map(([, input, text]) => make("label", { class: "field" }, make("span", { textContent: text }), input))),
      button("Back to the model's rules", "Moving mean, hysteresis, merging and shortest event as locked with the model", () => desk.operating.resetRules()),
      this.ruleNote,
      this.note,
    );
    this.node = make("div", { class: "metrics" }, this.slider, this.reset, this.values, rules, this.short);
  }

  showRules(post, note = "") {
    this.rules.forEach(([name, input]) => (input.value = String(post[name])));
    this.ruleNote.textContent = note;
  }

  refresh() {
    const { operating, data } = this.desk;
    this.node.hidden = !operating.trace || this.desk.display.settings.show === "eeg";
    if (!operating.trace) return;
    const { trace, events, level, post, thresholdPm, scoredS } = operating;
    // paging changes nothing here
    const from = [trace, events, level, thresholdPm, data.reference, operating.table()];
    if (this.from && from.every((part, i) => part === this.from[i])) return;
    this.from = from;
    const burdenS = events.reduce((sum, e) => sum + (e.stop - e.first) * trace.step, 0);
    this.tooShort = scoredS < post.min_duration_s;
    const values = [
      ["Threshold", fmt.probability(thresholdPm)],
      ["Detections", String(events.length)],
      ["Burden", scoredS ? `${((100 * burdenS) / scoredS).toFixed(1)} %, ${((60 * burdenS) / scoredS).toFixed(1)} min/h` : "n/a"],
      ...this.scores(),
    ];
    this.values.replaceChildren(
      ...values.map(([name, value]) =>
        make("span", { class: "metric", "data-metric": name, title: MEANING[name] || "" }, make("small", { textContent: name }), make("b", { textContent: value })),
      ),
    );
    this.short.textContent = this.tooShort
      ? `Only ${fmt.span(scoredS)} could be scored, and a detection needs ${post.min_duration_s} s: nothing can be detected here.`
      : "";
    this.summary.textContent = values.length > 3 ? "Event rules; SzCORE merges gaps < 90 s" : "Event rules";
    this.note.textContent = this.against();
    this.slider.value = String(thresholdPm);
    const locked = data.trace.locked_threshold_pm;
    this.reset.disabled = thresholdPm === locked; // it keeps its place, so that nothing jumps
    this.reset.textContent = `↺ ${fmt.probability(locked)}`;
  }

  // Scores against the reference; "…" while the table is on its way, "n/a" where undefined.
  scores() {
    const { operating, data } = this.desk;
    if (!data.reference || !data.reference.coverage.length || this.tooShort) return [];
    const table = operating.table();
    const row = table ? Math.round(operating.thresholdPm / 10) : -1;
    const cell = (name, digits = 2) => (row < 0 ? "…" : fmt.orNA(table[name][row], digits));
    const of = row < 0 ? "" : ` (${table.tp[row]}/${table.n_ref[row]})`;
    return [["Sensitivity", cell("sensitivity") + of], ["Precision", cell("precision")], ["F1", cell("f1")], ["FP/24 h", cell("fp_per_24h", 1)]];
  }

  against() {
    const { reference } = this.desk.data;
    if (!reference) return "No reference annotations beside this recording, so there are no scores.";
    if (!reference.coverage.length) return "The truth of this clip is not known, so there are no scores.";
    return `Against: ${reference.source}. Event scores by SzCORE (gaps under 90 s are merged again, 30 s before and 60 s after are tolerated).`;
  }
}
