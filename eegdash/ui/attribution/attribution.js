// The attribution page: Python sends facts and addresses; choosing, zooming and comparing happen here.

import { themeOf } from "../viewer/canvas.js";
import { findEvents, smooth, smoothWindows } from "../viewer/events.js";
import { stored as displaySettings } from "../viewer/settings.js";
import { TileStore, decodeRaw, decodeTrace } from "../viewer/tiles.js";
import { Alarm } from "./alarm.js";
import { build, refreshControls } from "./controls.js";
import { typicalUv } from "./draw.js";
import { sharedLimit } from "./grid.js";
import { listen } from "./input.js";
import { Panel } from "./panel.js";
import { Span } from "./span.js";
import { placed, presetPanels, startState } from "./state.js";
import { Store } from "./store.js";
import { drawStrip, spanAround, strongestIn } from "./strip.js";
import { WhatIf } from "./whatif.js";
import { limitWords } from "./words.js";

const SETTLED_MS = 300;
const MOST_PANELS = 4;
const TRACE_FILTERS = "1-70-0"; // Hz: as the viewer's own defaults
const ROW_OF_TYPICAL = 2.5;

const desks = new WeakMap();

// Called by the component's loader whenever Python's data change; the elements are kept.
export function update(component) {
  let desk = desks.get(component.parentElement);
  if (!desk) {
    desk = new AttributionDesk(component);
    desks.set(component.parentElement, desk);
  }
  desk.receive(component);
}

class AttributionDesk {
  constructor(component) {
    this.root = component.parentElement;
    this.host = this.root.host || this.root;
    this.store = new Store(() => this.redraw());
    this.tiles = new TileStore(() => this.redraw(), (status) => this.tileProblem(status));
    this.panels = [];
    this.hover = null;
    this.band = null;
    this.zoom = { t: [0, 9], f: [-1, 1e9] };
    this.uv = new Map();
    this.whatIf = new WhatIf(this);
    this.alarm = new Alarm(this);
    this.span = new Span(this);
    build(this);
    listen(this);
  }

  receive(component) {
    this.send = component.setStateValue;
    this.trigger = component.setTriggerValue;
    const { data } = component;
    const changed = !this.data || this.data.recording.sha256 !== data.recording.sha256 || this.data.model !== data.model;
    this.data = data;
    this.options = null;
    this.startOfDay = data.recording.start_of_day_s;
    if (changed) {
      this.state = null;
      this.values = null;
      this.common = null;
      this.uv.clear();
      this.whatIf.opened();
      this.alarm.opened();
      this.span.opened();
    }
    this.research.textContent = data.research_use;
    this.redraw();
  }

  // The trace, and from it the detections and the window to begin with.
  ready() {
    if (this.state) return true;
    const { trace } = this.data;
    const values = this.tiles.get(trace.address, decodeTrace);
    if (!values) return false;
    this.values = values;
    this.level = smooth(values, smoothWindows(trace.post, trace.step_s));
    const found = findEvents(this.level, trace.threshold_pm, trace.post, trace.step_s);
    this.events = found.map(({ first, stop }) => [trace.first_centre_s + (first - 0.5) * trace.step_s, trace.first_centre_s + (stop - 0.5) * trace.step_s]);
    this.state = startState(this.data, values, this.events);
    this.zoomOut();
    this.settle();
    return true;
  }

  // ---- what is asked for -------------------------------------------------------------------

  modelOf(sha256) {
    return this.data.models.find((model) => model.sha256 === sha256) || this.data.models[0];
  }

  methodOf(name) {
    return this.data.methods.find((method) => method.name === name) || this.data.methods[0];
  }

  baselineOf(panel) {
    return panel.baseline || this.modelOf(panel.model).baseline;
  }

  addressOf(kind, panel, index, more = {}) {
    const query = new URLSearchParams({ method: panel.method, baseline: this.baselineOf(panel), ...more });
    return `${this.data.base}/${kind}/${panel.model}/${index}?${query}`;
  }

  indexOf(panel) {
    if (panel.window === "here") return { index: this.state.index };
    if (panel.window !== "quiet") return { index: Number(panel.window) };
    const { value, problem } = this.store.get(`${this.data.base}/quiet/${this.data.model}/${this.state.index}`);
    if (problem) return { problem };
    if (!value) return {};
    if (value.index === null) return { problem: `No window here has a probability of ${value.at_most_pm / 1000} or less with quiet neighbours, so there is no confident non-seizure to compare with.` };
    return { index: value.index };
  }

  // Rank correlations of a panel's map with the others of the same window and detector.
  agreements(place) {
    const mine = this.state.panels[place];
    const { index } = this.indexOf(mine);
    const found = [];
    this.state.panels.forEach((other, k) => {
      const same = k !== place && other.model === mine.model && this.indexOf(other).index === index;
      const differs = other.method !== mine.method || this.baselineOf(other) !== this.baselineOf(mine);
      if (!same || !differs || !this.panels[k] || !this.panels[k].found || !this.panels[k].found.value) return;
      // one question for both sides
      const [a, b] = [mine, other].sort((x, y) => (x.method + this.baselineOf(x) < y.method + this.baselineOf(y) ? -1 : 1));
      const { value } = this.store.get(this.addressOf("agreement", a, index, { other: b.method, other_baseline: this.baselineOf(b) }));
      if (value) found.push({ name: this.panels[k].letter, rho: value.rho, passed: this.panels[k].passed });
    });
    return found;
  }

  // ---- choices -----------------------------------------------------------------------------

  setPanel(place, changes) {
    this.state.panels = this.state.panels.map((panel, k) => (k === place ? { ...panel, ...changes } : panel));
    this.state.preset = "";
    this.settle();
  }

  removePanel(place) {
    this.state.panels = this.state.panels.filter((_, k) => k !== place);
    this.state.preset = "";
    this.settle();
  }

  addPanel() {
    if (this.state.panels.length >= MOST_PANELS) return;
    const used = new Set(this.state.panels.map(({ method }) => method));
    const free = this.data.methods.find(({ name }) => !used.has(name)) || this.data.methods[0];
    this.state.panels = [...this.state.panels, { ...this.state.panels[0], window: "here", method: free.name }];
    this.state.preset = "";
    this.settle();
  }

  count(n) {
    while (this.state.panels.length < n) this.addPanel();
    if (this.state.panels.length > n) this.state.panels = this.state.panels.slice(0, n);
    this.settle();
  }

  preset(name) {
    const { panels, problem } = presetPanels(name, this.data, this.state.panels[0]);
    if (problem) return this.say(problem, true);
    this.state.panels = panels;
    this.state.preset = name;
    this.say("");
    this.settle();
  }

  set(changes) {
    Object.assign(this.state, changes);
    this.settle();
  }

  goTo(index) {
    this.state.index = Math.min(Math.max(index, 0), this.values.length - 1);
    this.settle();
  }

  goToTime(t) {
    this.goTo(Math.round((t - this.data.trace.first_centre_s) / this.data.trace.step_s));
  }

  stepEvent(direction) {
    const t = this.centreOf(this.state.index);
    const list = direction > 0 ? this.events : [...this.events].reverse();
    const next = list.find(([a, b]) => (direction > 0 ? a > t : b < t));
    if (!next) return this.say(this.events.length ? `There is no ${direction > 0 ? "later" : "earlier"} detection.` : "There is no detection at this threshold.");
    this.say("");
    this.goTo(strongestIn(this.values, this.data.trace, ...next));
  }

  centreOf(index) {
    return this.data.trace.first_centre_s + index * this.data.trace.step_s;
  }

  back() {
    this.trigger("back", { n: Date.now() });
  }

  // Python keeps what is shown, for a return to this page; the address keeps the place.
  settle() {
    this.redraw();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      if (!this.host.isConnected || !this.state) return;
      this.send("state", this.state);
      const url = new URL(window.location.href);
      url.searchParams.set("recording", this.data.recording.alias);
      url.searchParams.set("t", String(Math.round(10 * this.centreOf(this.state.index)) / 10));
      if (url.toString() !== window.location.href) window.history.replaceState(window.history.state, "", url);
    }, SETTLED_MS);
  }

  windowOptions(chosen) {
    this.options ||= placed(this.data, this.values, this.events);
    const known = this.options.some(([value]) => value === String(chosen));
    return known ? this.options : [...this.options, [String(chosen), `window ${chosen}`]];
  }

  // ---- zoom and hand -----------------------------------------------------------------------

  hoverAt(hover, band) {
    this.hover = hover;
    this.band = band;
    this.redraw({ handOnly: true });
  }

  // A span drawn with the hand; also a range of frequencies, where it is tall enough.
  zoomTo(from, to, ready) {
    this.band = null;
    const [a, b] = [Math.min(from.t, to.t), Math.max(from.t, to.t)];
    if (b - a < 0.2) return this.redraw();
    const f = [...this.zoom.f];
    if (ready && ready.shown === "map" && from.share !== null && to.share !== null && Math.abs(from.share - to.share) > 0.2) {
      const inside = ready.freqs.filter(([low, high]) => high > f[0] && low < f[1]);
      const [low, high] = [inside[0][0], inside[inside.length - 1][1]];
      const of = (share) => high - share * (high - low);
      [f[0], f[1]] = [of(Math.max(from.share, to.share)), of(Math.min(from.share, to.share))];
    }
    this.zoom = { t: [a, b], f };
    this.redraw();
  }

  zoomOut() {
    this.zoom = { t: [0, this.data.trace.window_s], f: [-1, 1e9] };
    this.redraw();
  }

  // ---- traces ------------------------------------------------------------------------------

  rawOf(answer) {
    const { raw, raw_tile_s: length, recording } = this.data;
    const tiles = [];
    for (let i = Math.floor(answer.onset_s / length); i * length < Math.min(answer.end_s, recording.duration_s); i++)
      tiles.push({ start: i * length, tile: this.tiles.get(`${raw}/${this.modelOf(this.data.model).montage}/none/${TRACE_FILTERS}/0/${i}`, decodeRaw) });
    if (tiles.some(({ tile }) => !tile)) return null;
    if (!this.uv.has(answer.onset_s)) this.uv.set(answer.onset_s, typicalUv(tiles, answer.ch_names.length, answer.onset_s, answer.end_s));
    return { tiles, names: answer.ch_names, inks: this.inksOf(answer.ch_names), at: answer.onset_s, uvPerRow: this.uvPerRow() };
  }

  // One scale for the traces of all panels: what is larger looks larger.
  uvPerRow() {
    const shown = this.panels.map(({ pictures }) => pictures.ready && this.uv.get(pictures.ready.answer.onset_s)).filter(Boolean);
    return Math.max(5, Math.round((ROW_OF_TYPICAL * Math.max(...shown, 1)) / 5) * 5);
  }

  inksOf(names) {
    const theme = themeOf(this.host);
    return names.map((name) => (/z/i.test(name.slice(-2)) ? theme.mid : Number(name.slice(-1)) % 2 ? theme.left : theme.right));
  }

  tileProblem(status) {
    this.say(status === 403 ? "This page has been open too long. Reload it to go on." : status === 0 ? "The server does not answer. Check that it is running." : "A part of the recording could not be read. Was the file moved or replaced?", true);
  }

  say(words, bad = false) {
    this.status.textContent = words;
    this.status.classList.toggle("bad", bad);
  }

  // ---- drawing -----------------------------------------------------------------------------

  redraw({ handOnly = false } = {}) {
    this.dirty = this.dirty || !handOnly;
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = null;
      if (!this.host.isConnected || !this.data) return;
      if (this.dirty || !this.common) this.paint();
      if (this.common) this.paintHand();
    });
  }

  // The crosshair of all panels, and what lies under it.
  paintHand() {
    const theme = themeOf(this.host);
    this.common.forEach((common, k) => {
      const panel = this.panels[k];
      const now = { ...common, zoom: this.zoom, hover: this.hover, band: this.band };
      panel.pictures.point(theme, now);
      panel.readout(now);
    });
  }

  paint() {
    if (!this.ready()) return;
    this.dirty = false;
    const { state } = this;
    while (this.panels.length < state.panels.length) {
      const panel = new Panel(this, this.panels.length);
      this.panels.push(panel);
      this.grid.append(panel.node);
    }
    this.panels.forEach((panel, k) => (panel.node.hidden = k >= state.panels.length));
    this.grid.style.setProperty("--panels", String(state.panels.length));
    this.grid.dataset.n = String(state.panels.length);
    const panels = this.panels.slice(0, state.panels.length);
    panels.forEach((panel) => panel.prepare(state));
    const theme = themeOf(this.host);
    this.root.querySelector(".desk").classList.toggle("dark", theme.dark); // the reader's choice, not the system's
    const scales = this.scales(panels);
    const { dbLow, dbHigh } = displaySettings();
    const height = Math.max(...panels.map(({ pictures }) => pictures.height(state.view)));
    this.common = panels.map((panel, k) => {
      const common = { zoom: this.zoom, height, limits: [dbLow, dbHigh], slider: state.slider, ...scales.of[k] };
      panel.refresh(state);
      panel.pictures.paint(theme, common);
      panel.pictures.map.setAttribute("aria-label", `Map of evidence, panel ${panel.letter}: ${panel.facts.textContent} The values by band and region are in the table below.`);
      return common;
    });
    this.paintStrip(theme, panels);
    refreshControls(this, scales, theme, [dbLow, dbHigh]);
    this.whatIf.refresh();
    this.alarm.refresh();
    this.span.refresh(theme);
    this.note(panels);
  }

  // One colour scale where the maps have one unit; else shares of each map's own evidence. Cells of
  // different size (a network of samples beside one of a spectrogram) cannot share one.
  scales(panels) {
    const shown = panels.map(({ pictures }) => pictures.ready);
    const drawn = shown.filter((ready) => ready && ready.field);
    const units = new Set(drawn.map(({ answer }) => answer.unit));
    const mode = this.state.colours === "auto" ? (units.size > 1 ? "share" : "own") : this.state.colours;
    const factor = (ready) => (mode === "share" ? 100 / ready.whole : 1);
    const groupOf = ({ answer, field, shown: view }) => JSON.stringify([mode === "share" ? "share" : answer.unit, view, field.rows, field.columns]);
    const groups = new Map(drawn.map((ready) => [groupOf(ready), null]));
    for (const group of groups.keys()) {
      const those = drawn.filter((ready) => groupOf(ready) === group);
      groups.set(group, { limit: sharedLimit(those.map(({ field }) => field), those.map(factor)) || 1, cellS: those[0].cellS, letters: panels.filter(({ pictures }) => those.includes(pictures.ready)).map(({ letter }) => letter).join("") });
    }
    const of = (ready) => ({ factor: factor(ready), limit: groups.get(groupOf(ready)).limit, unitWords: mode === "share" ? " %" : ready.answer.unit === "logit" ? " logit" : "" });
    return {
      words: [...groups].map(([group, { limit, cellS, letters }]) => `${groups.size > 1 ? `${letters} ` : ""}${limitWords(limit, JSON.parse(group)[0])} per cell of ${Math.round(1000 * cellS) / 1000} s`),
      of: shown.map((ready) => (ready && ready.field ? of(ready) : { factor: 1, limit: 1, unitWords: "" })),
    };
  }

  paintStrip(theme, panels) {
    const { trace, recording, labels } = this.data;
    const here = this.centreOf(this.state.index);
    this.stripView = spanAround(here, recording.duration_s);
    const shown = new Map();
    panels.forEach((panel) => {
      const { index } = panel.window();
      if (index === undefined) return;
      const onset = this.centreOf(index) - trace.window_s / 2;
      const of = shown.get(index) || { onset, end: onset + trace.window_s, names: [] };
      of.names.push(panel.letter);
      shown.set(index, of);
    });
    drawStrip(this.strip, theme, {
      view: this.stripView, trace, level: this.level, events: this.events, labels, shown: [...shown.values()],
      masked: this.whatIf.along(), duration: recording.duration_s, startOfDay: this.startOfDay,
    });
    const pm = this.values[this.state.index];
    const words = `Seizure probability around the window at ${Math.round(here)} s: ${pm > 1000 ? "not scored" : (pm / 1000).toFixed(2)}. Click to choose a window; arrow keys step.`;
    this.strip.setAttribute("aria-label", words);
  }

  // What tests wait for: every panel drawn, and every panel tested.
  note(panels) {
    const drawn = panels.every(({ found }) => found && (found.value || found.problem));
    const judged = panels.every(({ node }) => node.querySelector(".verdict:not(.open)"));
    this.host.dataset.drawn = drawn ? panels.map(({ state }) => `${state.method}@${this.indexOf(state).index}`).join(" ") : "";
    this.host.dataset.judged = String(drawn && judged);
  }
}
