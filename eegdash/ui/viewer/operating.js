// The operating point: threshold, event rules, and the detections that follow from them.

import { findEvents, smooth, smoothWindows } from "./events.js";
import { SpanIndex } from "./axis.js";
import { RULES } from "./settings.js";
import { decodeJson, decodeTrace } from "./tiles.js";

export class Operating {
  constructor(desk) {
    this.desk = desk;
    this.clear();
  }

  clear() {
    this.trace = null; // once its values are here: {first, step, values, ...}
    this.level = null; // smoothed, per mille; -1 is "not scored"
    this.events = [];
    this.selected = null;
    this.index = new SpanIndex([], () => [0, 0]);
  }

  open() {
    this.clear();
    const { trace } = this.desk.data;
    if (!trace) return;
    this.thresholdPm = trace.threshold_pm;
    this.post = { ...trace.post };
    this.desk.metrics.showRules(this.post);
    this.read();
  }

  read() {
    const { trace } = this.desk.data;
    if (this.trace || !trace) return;
    const values = this.desk.tiles.get(trace.address, decodeTrace);
    if (!values) return;
    this.trace = { ...trace, first: trace.first_centre_s, step: trace.step_s, values };
    this.smoothAgain();
  }

  smoothAgain() {
    this.level = smooth(this.trace.values, smoothWindows(this.post, this.trace.step));
    this.scoredS = this.level.reduce((sum, v) => sum + (v >= 0), 0) * this.trace.step;
    this.findAgain();
  }

  findAgain() {
    const old = this.selected;
    this.events = findEvents(this.level, this.thresholdPm, this.post, this.trace.step);
    this.index = new SpanIndex(this.events, (event) => this.spanOf(event));
    this.selected = old ? this.events.find((e) => e.first < old.stop && e.stop > old.first) || null : null;
  }

  spanOf(event) {
    const { first, step } = this.trace;
    return [first + (event.first - 0.5) * step, first + (event.stop - 0.5) * step];
  }

  isSelected(event) {
    return Boolean(this.selected) && this.selected.first === event.first && this.selected.stop === event.stop;
  }

  setThreshold(pm, released) {
    if (!this.trace) return;
    this.thresholdPm = Math.min(Math.max(Math.round(pm / 10) * 10, 0), 1000);
    this.moving = !released;
    this.findAgain();
    this.desk.redraw({ eventsOnly: true });
    if (released) this.send();
  }

  send() {
    this.moving = false;
    this.desk.redraw({ eventsOnly: true });
    this.desk.send("operating", {
      seek: this.desk.navigation.seek, threshold_pm: this.thresholdPm, post: this.post, model_sha256: this.trace.model_sha256,
    });
  }

  setRule(name, value) {
    const number = Number(value);
    const [, words, lowest, highest] = RULES.find((rule) => rule[0] === name);
    if (!this.trace || value === "" || !(number >= lowest && number <= highest))
      return this.desk.metrics.showRules(this.post, `${words} lies between ${lowest} and ${highest}; it stays at ${this.post[name]}.`);
    this.post[name] = number;
    this.rulesChanged();
  }

  resetRules() {
    this.post = { ...this.desk.data.trace.locked_post };
    this.rulesChanged();
  }

  rulesChanged() {
    this.desk.metrics.showRules(this.post);
    this.smoothAgain();
    this.desk.redraw();
    this.send();
  }

  // Event scores at 101 thresholds under the rules on screen, or null while they are on their way.
  table() {
    const { base, mark, trace, reference } = this.desk.data;
    if (!trace || !reference || !reference.coverage.length) return null;
    const p = this.post;
    const rules = [p.smoothing_s, p.hysteresis, p.merge_gap_s, p.min_duration_s].join("-");
    return this.desk.tiles.get(`${base}/table/${trace.model_sha256}/${mark}/${rules}`, decodeJson);
  }

  note() {
    const { trace, not_scored } = this.desk.data;
    if (!trace) return not_scored;
    if (!this.trace) return "loading …";
    return `${trace.model} ${trace.model_sha256.slice(0, 8)}, windows of ${trace.window_s} s every ${trace.step_s} s, mean over ${this.post.smoothing_s} s; drag the dashed line`;
  }
}
