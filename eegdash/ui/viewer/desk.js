// The state of the desk: what is loaded, where the reader is, what was decided.

import { themeOf } from "./canvas.js";
import { make } from "./dom.js";
import { findEvents, smooth, smoothWindows } from "./events.js";
import * as fmt from "./format.js";
import { listen } from "./input.js";
import { build, montageChoices } from "./layout.js";
import { Panel } from "./panel.js";
import { RULES, SENSITIVITIES, store, stored } from "./settings.js";
import { spectrogramPanel } from "./spectrogram.js";
import { TileStore, decodeJson, decodeRaw, decodeSpectrogram, decodeTrace } from "./tiles.js";
import { PX_PER_MM, rawPanel, typicalPeaks } from "./traces.js";
import { overview, probabilityPanel } from "./trends.js";

const SETTLED_MS = 250; // after this long on a page it counts as seen, and Python is told
const AUTOPLAY_MS = 1200;
const STANDARD_SENSITIVITY = 7; // µV/mm (ACNS guideline 1)
const READER = "eeg-review-reader";
const MEANING = {
  Burden: "Share of the scored time inside detections, and minutes of detections per hour",
  Sensitivity: "Share of the reference seizures that a detection touches (30 s before to 60 s after)",
  Precision: "Share of counted detections that are true. Detections less than 90 s apart count as one (SzCORE)",
  F1: "Harmonic mean of sensitivity and precision",
  "FP/24 h": "False detections per 24 h. Detections less than 90 s apart count as one (SzCORE)",
};

export class Desk {
  constructor(component) {
    this.root = component.parentElement;
    this.host = this.root.host || this.root;
    this.settings = stored();
    this.start = 0;
    this.events = [];
    this.labels = [];
    this.queue = [];
    this.viewed = [];
    this.selected = null;
    this.span = null;
    this.marking = false;
    this.seek = null;
    this.tiles = new TileStore(() => this.redraw(), (status) => this.tileProblem(status));
    this.panel = new Panel(this);
    build(this);
    listen(this);
  }

  // ---- facts from Python -------------------------------------------------------------------

  receive(component) {
    this.send = component.setStateValue;
    const { data } = component;
    const changed = !this.data || this.data.recording.sha256 !== data.recording.sha256;
    const traceChanged = changed || (this.data.trace || {}).address !== (data.trace || {}).address;
    this.data = data;
    this.duration = data.recording.duration_s;
    this.gaps = data.recording.gaps;
    this.startOfDay = data.recording.start_of_day_s;
    this.reference = data.reference;
    this.spectrogram = data.spectrogram;
    this.labels = data.labels;
    if (changed) this.openRecording();
    if (traceChanged) this.openTrace();
    if (data.seek && data.seek.n !== this.seek) {
      this.seek = data.seek.n;
      this.start = this.clampStart(data.seek.start_s);
      // another view than before, as after a reload: its threshold and what was seen come with it
      this.viewed = data.viewed || [];
      if (!traceChanged) this.openTrace();
    }
    if (changed) this.goTo(this.start); // counts the first page as seen, too
    this.acknowledge(data.acked, data.rejected);
    this.rememberReader(data.reviewer);
    this.applyMontage();
    this.redraw();
  }

  // A reload starts a new session: this tab still knows who reads. Another tab does not.
  rememberReader(name) {
    if (name) sessionStorage.setItem(READER, name);
    else if (sessionStorage.getItem(READER)) this.send("reader", sessionStorage.getItem(READER));
  }

  openRecording() {
    this.viewed = this.data.viewed || [];
    this.events = [];
    this.selected = null;
    this.span = null;
    this.start = 0;
    this.fitted = null;
    montageChoices(this);
    if (!this.panel.fields) this.panel.buildForm(this.data.vocabulary);
  }

  openTrace() {
    this.trace = null;
    this.level = null;
    this.events = [];
    if (!this.data.trace) return;
    const { threshold_pm: threshold, post } = this.data.trace;
    this.thresholdPm = threshold;
    this.post = { ...post };
    this.rules.forEach(([name, input]) => (input.value = String(post[name])));
    this.readTrace();
  }

  readTrace() {
    if (this.trace || !this.data.trace) return;
    const values = this.tiles.get(this.data.trace.address, decodeTrace);
    if (!values) return;
    this.trace = { ...this.data.trace, first: this.data.trace.first_centre_s, step: this.data.trace.step_s, values };
    this.smoothAgain();
  }

  smoothAgain() {
    this.level = smooth(this.trace.values, smoothWindows(this.post, this.trace.step));
    this.findAgain();
  }

  findAgain() {
    const old = this.selected;
    this.events = findEvents(this.level, this.thresholdPm, this.post, this.trace.step);
    this.selected = old ? this.events.find((e) => e.first < old.stop && e.stop > old.first) || null : null;
  }

  acknowledge(acked, rejected) {
    const done = new Set(acked);
    const before = this.queue.length;
    this.queue = this.queue.filter((decision) => {
      if (rejected[decision.id]) {
        this.say(rejected[decision.id], true);
        return false;
      }
      return !done.has(decision.id);
    });
    if (before > this.queue.length) {
      const failed = Object.keys(rejected).length && this.panel.status.classList.contains("bad");
      if (!failed) this.say(this.queue.length ? "Saving …" : this.lastWords || "Saved.");
      if (this.spanSent && done.has(this.spanSent)) this.clearSpan();
    }
  }

  // ---- what is applied ---------------------------------------------------------------------

  get pageS() {
    return this.settings.pageS;
  }

  trend() {
    const length = Math.min(this.settings.trendS || this.duration, Math.max(this.duration, this.pageS));
    const middle = this.start + this.pageS / 2 - length / 2;
    return { start: Math.min(Math.max(middle, 0), Math.max(this.duration - length, 0)), length };
  }

  montage() {
    const all = this.data.recording.montages;
    return all.find((m) => m.name === this.settings.montage && m.available) || all.find((m) => m.available) || all[all.length - 1];
  }

  // µV/mm on screen: as chosen, or fitted once to the first page of the recording.
  get sensitivity() {
    return this.settings.sensitivity || this.fitted || STANDARD_SENSITIVITY;
  }

  // The smallest standard step, not below 7 µV/mm, at which most of the first page stays within
  // one row above and below its own; it does not change again, so that nothing jumps.
  fitSensitivity(tiles, rowHeight) {
    if (this.fitted) return;
    const peaks = typicalPeaks(tiles);
    if (!peaks.length) return;
    const wanted = (peaks[Math.floor(peaks.length / 2)] * PX_PER_MM) / (1.2 * rowHeight);
    this.fitted = SENSITIVITIES.find((v) => v >= Math.max(wanted, STANDARD_SENSITIVITY)) || SENSITIVITIES[SENSITIVITIES.length - 1];
  }

  applyMontage() {
    const montage = this.montage();
    this.channels = montage.names;
    this.sides = montage.sides;
  }

  displayNote() {
    const s = this.settings;
    const parts = [
      `${this.montage().title.toLowerCase()} montage`, `page ${s.pageS} s`, `${this.sensitivity} µV/mm at 96 dpi${s.sensitivity ? "" : " (fitted)"}`,
      s.low ? `LFF ${s.low} Hz` : "LFF off", s.high ? `HFF ${s.high} Hz` : "HFF off",
      s.notch ? `notch ${s.notch} Hz` : "notch off", "negative up",
    ];
    const rate = this.data.recording.sfreq;
    if (this.rawLevel() === 1) parts.push("drawn from min/max of 31 ms");
    else if (rate > this.data.raw.full_rate) parts.push(`drawn from min/max at ${this.data.raw.full_rate} values/s`);
    return parts.join(", ");
  }

  traceNote() {
    if (!this.data.trace) return this.data.not_scored;
    if (!this.trace) return "loading …";
    const t = this.data.trace;
    return `${t.model} ${t.model_sha256.slice(0, 8)}, windows of ${t.window_s} s every ${t.step_s} s, mean over ${this.post.smoothing_s} s; drag the dashed line`;
  }

  // ---- tiles -------------------------------------------------------------------------------

  rawLevel() {
    return this.pageS >= 30 ? 1 : 0;
  }

  rawAddress(index) {
    const s = this.settings;
    return `${this.data.base}/raw/${this.data.mark}/${this.montage().name}/${s.low}-${s.high}-${s.notch}/${this.rawLevel()}/${index}`;
  }

  rawTiles(start, stop, get) {
    const length = this.data.raw.tile_s[this.rawLevel()];
    const last = Math.floor((Math.min(stop, this.duration) - 1e-6) / length);
    const found = [];
    for (let i = Math.max(Math.floor(start / length), 0); i <= last; i++)
      found.push({ start: i * length, tile: get(this.rawAddress(i)) });
    return found;
  }

  getRaw = (address) => this.tiles.get(address, decodeRaw);

  getSpectrogram = (level, index) =>
    this.tiles.get(`${this.data.base}/spectrogram/${this.spectrogram.key}/${level}/${index}`, decodeSpectrogram);

  prefetch() {
    const ask = (address) => this.tiles.request(address, decodeRaw);
    for (const pages of [1, -1, 2, -2, 3, -3]) {
      const start = this.start + pages * this.pageS;
      if (start > this.duration || start + this.pageS < 0) continue;
      this.rawTiles(Math.max(start, 0), start + this.pageS, ask);
    }
  }

  tileProblem(status) {
    if (status === 403) this.say("This page has been open too long. Reload it to go on; your labels are saved.", true);
    else if (status === 0) this.say("The server does not answer. Check that it is running; nothing is lost.", true);
    else this.say("A part of the recording could not be read. Was the file moved or replaced?", true);
  }

  table() {
    const trace = this.data.trace;
    if (!trace || !this.reference || !this.reference.coverage.length) return null;
    const p = this.post;
    const rules = [p.smoothing_s, p.hysteresis, p.merge_gap_s, p.min_duration_s].join("-");
    return this.tiles.get(`${this.data.base}/table/${trace.model_sha256}/${this.data.mark}/${rules}`, decodeJson);
  }

  // ---- drawing -----------------------------------------------------------------------------

  // A threshold that moves changes the events only; the spectrogram stays as it is.
  redraw({ eventsOnly = false } = {}) {
    this.stale = this.stale || !eventsOnly;
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = null;
      if (this.host.isConnected) this.paint();
    });
  }

  paint() {
    if (!this.data) return;
    const { stale } = this;
    this.stale = false;
    this.readTrace();
    const theme = themeOf(this.host);
    // where the trend holds the whole recording, an overview would only repeat it
    const { show } = this.settings;
    this.canvas.overview.hidden = show !== "all" || this.trend().length >= this.duration;
    if (!this.canvas.overview.hidden) overview(this.canvas.overview, this, theme, this.getSpectrogram);
    probabilityPanel(this.canvas.probability, this, theme);
    this.canvas.spectrogram.hidden = show === "eeg" || !this.spectrogram;
    if (stale && !this.canvas.spectrogram.hidden) spectrogramPanel(this.canvas.spectrogram, this, theme, this.getSpectrogram);
    const complete = rawPanel(this.canvas.raw, this, theme, this.rawHeight(), this.getRaw);
    this.host.dataset.page = String(this.start);
    if (complete) {
      this.host.dataset.painted = String(this.start);
      this.paintedPages = (this.paintedPages || 0) + (this.lastPainted !== this.start ? 1 : 0);
      this.host.dataset.pages = String(this.paintedPages);
      this.lastPainted = this.start;
      this.prefetch();
    }
    this.showMetrics();
    this.showPosition();
    this.panel.refresh();
  }

  rawHeight() {
    const rows = Math.max(this.channels.length, 4);
    const above = this.canvas.raw.offsetTop + this.host.getBoundingClientRect().top + window.scrollY;
    const wanted = window.innerHeight - Math.min(above, 0.6 * window.innerHeight) - 16;
    return Math.min(Math.max(wanted, 15 * rows + 44), 1000);
  }

  showMetrics() {
    const { metrics } = this;
    if (!this.trace) {
      metrics.hidden = true;
      return;
    }
    metrics.hidden = false;
    const table = this.table();
    const burdenS = this.events.reduce((sum, e) => sum + (e.stop - e.first) * this.trace.step, 0);
    const scoredS = this.level.reduce((sum, v) => sum + (v >= 0), 0) * this.trace.step;
    const tooShort = scoredS < this.post.min_duration_s;
    this.tooShort = tooShort;
    const values = [
      ["Threshold", fmt.probability(this.thresholdPm)],
      ["Detections", String(this.events.length)],
      ["Burden", scoredS ? `${((100 * burdenS) / scoredS).toFixed(1)} %, ${((60 * burdenS) / scoredS).toFixed(1)} min/h` : "n/a"],
    ];
    if (this.reference && this.reference.coverage.length && !tooShort) {
      const row = table ? Math.round(this.thresholdPm / 10) : -1;
      const cell = (name, digits = 2) => (row < 0 ? "…" : fmt.orNA(table[name][row], digits));
      const of = row < 0 ? "" : ` (${table.tp[row]}/${table.n_ref[row]})`;
      values.push(["Sensitivity", cell("sensitivity") + of], ["Precision", cell("precision")], ["F1", cell("f1")], ["FP/24 h", cell("fp_per_24h", 1)]);
    }
    const signature = JSON.stringify([values, tooShort]);
    if (signature === this.metricsSignature) return;
    this.metricsSignature = signature;
    this.metricValues.replaceChildren(
      ...values.map(([name, value]) =>
        make("span", { class: "metric", "data-metric": name, title: MEANING[name] || "" }, make("small", { textContent: name }), make("b", { textContent: value })),
      ),
    );
    this.short.textContent = tooShort
      ? `Only ${fmt.span(scoredS)} could be scored, and a detection needs ${this.post.min_duration_s} s: nothing can be detected here.`
      : values.length > 3 ? "Event scores by SzCORE: detections less than 90 s apart count as one." : "";
    this.metricNote.textContent = this.reference
      ? this.reference.coverage.length
        ? `Against: ${this.reference.source}. Event scores by SzCORE (gaps under 90 s are merged again, 30 s before and 60 s after are tolerated).`
        : "The truth of this clip is not known, so there are no scores."
      : "No reference annotations beside this recording, so there are no scores.";
    this.slider.value = String(this.thresholdPm);
    const locked = this.data.trace.locked_threshold_pm;
    this.reset.style.visibility = this.thresholdPm === locked ? "hidden" : "visible";
    this.reset.textContent = `Back to ${fmt.probability(locked)}`;
  }

  showPosition() {
    const text = fmt.elapsed(this.start, this.start % 1 ? 1 : 0);
    if (this.root.activeElement !== this.goto) this.goto.value = text;
    const end = Math.min(this.start + this.pageS, this.duration);
    this.position.textContent = `of ${fmt.elapsed(this.duration)}`;
    this.canvas.raw.setAttribute("aria-label", `EEG traces from ${fmt.elapsed(this.start)} to ${fmt.elapsed(end)}, ${this.displayNote()}`);
  }

  viewedShare() {
    const total = this.viewed.reduce((sum, [a, b]) => sum + b - a, 0);
    return this.duration ? Math.min(total / this.duration, 1) : 0;
  }

  spanOf(event) {
    const { first, step } = this.trace;
    return [first + (event.first - 0.5) * step, first + (event.stop - 0.5) * step];
  }

  isSelected(event) {
    return Boolean(this.selected) && this.selected.first === event.first && this.selected.stop === event.stop;
  }

  // The reader's own current label of a detection: the one that shares most of its span.
  labelOf(event) {
    const [a, b] = this.spanOf(event);
    let best = null;
    let most = 0.5;
    for (const label of this.labels) {
      if (!label.own || label.verdict === "missed") continue;
      const end = label.onset_s + label.duration_s;
      const shared = Math.min(b, end) - Math.max(a, label.onset_s);
      const share = shared / (Math.max(b, end) - Math.min(a, label.onset_s));
      if (share > most || (share === most && best === null)) {
        most = share;
        best = label;
      }
    }
    return best;
  }

  pendingFor(event) {
    return this.queue.some((d) => d.first === event.first && d.stop === event.stop);
  }

  // Go to a label, and choose the detection that it is about.
  visit(label) {
    this.selected = this.events.find((e) => this.labelOf(e) === label) || null;
    this.goTo(Math.max(label.onset_s - Math.min(3, this.pageS / 4), 0));
  }

  // ---- moving ------------------------------------------------------------------------------

  clampStart(t) {
    const last = Math.max(Math.ceil(this.duration / this.pageS - 1e-9) - 1, 0) * this.pageS;
    return Math.min(Math.max(t, 0), Math.max(last, this.duration - this.pageS, 0));
  }

  goTo(t) {
    this.start = this.clampStart(Math.round(t * 10) / 10);
    this.redraw();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settled(), SETTLED_MS);
  }

  settled() {
    this.seen();
    this.send("view", { seek: this.seek, start_s: this.start, page_s: this.pageS, viewed: this.viewed });
  }

  seen() {
    const merged = [];
    const page = [this.start, Math.min(this.start + this.pageS, this.duration)];
    [...this.viewed, page].sort((x, y) => x[0] - y[0]).forEach(([a, b]) => {
      const last = merged[merged.length - 1];
      if (last && a <= last[1] + 0.05) last[1] = Math.max(last[1], b);
      else merged.push([a, b]);
    });
    this.viewed = merged;
    this.redraw();
  }

  page(pages) {
    this.goTo(this.start + pages * this.pageS);
  }

  onPage(event) {
    const [onset, end] = this.spanOf(event);
    return onset < this.start + this.pageS && end > this.start;
  }

  select(event, go) {
    if (!event || !this.isSelected(event)) this.say("");
    this.selected = event;
    if (event && go) {
      const [onset] = this.spanOf(event);
      this.goTo(Math.max(onset - Math.min(3, this.pageS / 4), 0));
    }
    this.redraw();
  }

  step(direction) {
    if (!this.events.length) return this.say("There is no detection at this threshold.");
    // from the chosen detection while it is on the page, else from the page
    let next;
    if (this.selected && this.onPage(this.selected)) {
      next = this.events.findIndex((e) => this.isSelected(e)) + direction;
    } else if (direction > 0) {
      next = this.events.findIndex((e) => this.spanOf(e)[1] > this.start);
      if (next < 0) next = this.events.length;
    } else {
      next = this.events.findLastIndex((e) => this.spanOf(e)[0] < this.start + this.pageS);
    }
    if (next < 0 || next >= this.events.length)
      return this.say(direction > 0 ? "There is no later detection." : "There is no earlier detection.");
    this.select(this.events[next], true);
  }

  toggleAutoplay() {
    if (this.playing) {
      clearInterval(this.playing);
      this.playing = null;
    } else {
      this.playing = setInterval(() => {
        const before = this.start;
        this.page(1);
        if (this.start === before || !this.host.isConnected) this.toggleAutoplay();
      }, AUTOPLAY_MS);
    }
    this.play.textContent = this.playing ? "Pause" : "Play";
  }

  // ---- settings and threshold --------------------------------------------------------------

  set(name, value) {
    this.settings[name] = value;
    store(this.settings);
    this.applyMontage();
    if (name === "pageS") this.start = this.clampStart(this.start);
    this.controls[name]?.querySelector("select") && (this.controls[name].querySelector("select").value = String(value));
    this.redraw();
  }

  stepSensitivity(direction) {
    const here = SENSITIVITIES.findIndex((v) => v >= this.sensitivity);
    const next = SENSITIVITIES[Math.min(Math.max(here + direction, 0), SENSITIVITIES.length - 1)];
    this.set("sensitivity", next);
  }

  setThreshold(pm, released) {
    if (!this.trace) return;
    this.thresholdPm = Math.min(Math.max(Math.round(pm / 10) * 10, 0), 1000);
    this.findAgain();
    this.redraw({ eventsOnly: true });
    if (released) this.sendOperating();
  }

  sendOperating() {
    this.send("operating", { seek: this.seek, threshold_pm: this.thresholdPm, post: this.post, model_sha256: this.data.trace.model_sha256 });
  }

  setRule(name, value) {
    const number = Number(value);
    const [, words, lowest, highest] = RULES.find((rule) => rule[0] === name);
    if (!this.trace || value === "" || !(number >= lowest && number <= highest)) {
      this.rules.find((rule) => rule[0] === name)[1].value = String(this.post[name]);
      this.ruleNote.textContent = `${words} lies between ${lowest} and ${highest}; it stays at ${this.post[name]}.`;
      return;
    }
    this.ruleNote.textContent = "";
    this.post[name] = number;
    this.smoothAgain();
    this.redraw();
    this.sendOperating();
  }

  resetRules() {
    this.post = { ...this.data.trace.locked_post };
    this.rules.forEach(([name, input]) => (input.value = String(this.post[name])));
    this.ruleNote.textContent = "";
    this.smoothAgain();
    this.redraw();
    this.sendOperating();
  }

  // ---- decisions ---------------------------------------------------------------------------

  flag(verdict) {
    if (verdict === "missed" ? !this.span : !this.selected) {
      return this.say(verdict === "missed" ? "Mark the span first (key m)." : "Choose a detection first (keys n and p).", true);
    }
    if (verdict !== "missed" && !this.onPage(this.selected)) {
      this.select(this.selected, true);
      return this.say("The chosen detection was not on the page. Here it is; press again to label it.", true);
    }
    const label = verdict === "missed" ? null : this.labelOf(this.selected);
    if (label && label.verdict === verdict && !this.panel.changed) return this.say("This is already your label.");
    this.decide(verdict, label);
  }

  saveChange() {
    const label = this.labelOf(this.selected);
    if (label) this.decide(label.verdict, label);
  }

  decide(verdict, superseded) {
    const { values } = this.panel;
    const decision = {
      id: newId(),
      action: "label",
      recording_sha256: this.data.recording.sha256,
      verdict,
      event_type: values.event_type,
      reason: values.reason,
      comment: values.comment,
      confidence: values.confidence === "" ? null : Number(values.confidence),
      supersedes: superseded ? superseded.uuid : null,
      threshold_pm: this.trace ? this.thresholdPm : null,
      post: this.trace ? this.post : null,
      model_sha256: this.trace ? this.data.trace.model_sha256 : null,
    };
    if (verdict === "missed") {
      decision.onset_s = this.span.onset;
      decision.duration_s = this.span.end - this.span.onset;
      this.spanSent = decision.id;
    } else {
      const [onset, end] = this.spanOf(this.selected);
      Object.assign(decision, { first: this.selected.first, stop: this.selected.stop, onset_s: onset, duration_s: end - onset });
    }
    const what = verdict === "missed" ? "missed seizure" : verdict;
    const same = superseded && superseded.verdict === verdict;
    this.lastWords = `Saved: ${what}${same ? " with the change" : ""}, ${fmt.elapsed(decision.onset_s)}.`;
    this.panel.saved();
    this.push(decision);
  }

  undo() {
    const last = this.labels.filter((label) => label.own).reduce((a, b) => (a && a.seq > b.seq ? a : b), null);
    if (!last) return this.say("There is no label of yours on this recording to take back.");
    this.lastWords = `Taken back: ${last.verdict}, ${fmt.elapsed(last.onset_s)}.`;
    this.push({ id: newId(), action: "undo", recording_sha256: this.data.recording.sha256 });
  }

  // Decisions stay in the queue, and are sent again with the next, until Python says "saved".
  push(decision) {
    this.queue.push(decision);
    this.say("Saving …");
    this.send("decisions", this.queue.map((d) => ({ ...d })));
    this.redraw();
  }

  startMarking() {
    this.marking = !this.marking;
    this.clearSpan(false);
    this.say(this.marking ? "Drag over the seizure, or press Enter to take this page and type the times." : "");
    this.redraw();
  }

  markPage() {
    this.setSpan(this.start, this.start + this.pageS);
    this.marking = false;
    this.say("Type the onset and the end, choose the type, then save.");
    this.redraw();
    requestAnimationFrame(() => this.panel.onset.focus());
  }

  setSpan(onset, end) {
    const within = (t) => Math.round(Math.min(Math.max(t, 0), this.duration) * 100) / 100;
    this.span = { onset: within(Math.min(onset, end)), end: within(Math.max(onset, end)) };
    this.redraw();
  }

  clearSpan(stop = true) {
    this.span = null;
    this.spanSent = null;
    if (stop) this.marking = false;
    this.redraw();
  }

  say(text, bad = false) {
    this.panel.status.textContent = text;
    this.panel.status.classList.toggle("bad", bad);
  }
}

// crypto.randomUUID exists on secure origins only; a plain-HTTP intranet address is not one.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
