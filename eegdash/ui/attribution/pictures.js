// The pictures of one panel: triptych, map in the chosen view, baseline.

import { make } from "../viewer/dom.js";
import * as draw from "./draw.js";
import { columnEdges, edges, grid, joined, joinedEdges } from "./grid.js";
import { fieldOf, powerOf, whyNot } from "./parts.js";
import { figure } from "./scale.js";

const POWER_H = 78;
const BASELINE_H = 34;
const TITLE = 13; // px over the triptych for t=0, 1, 2
const MOST_COLUMNS = 40; // of a segment
const ROWS = { map: 196, regions: 220, channels: 300, bands: 220, traces: 380 };

export class Pictures {
  constructor(desk) {
    this.desk = desk;
    const canvas = (name, label) => make("canvas", { class: name, role: "img", "aria-label": label });
    this.power = canvas("power", "Spectrogram triptych");
    this.map = canvas("map", "Map of evidence");
    this.baseline = canvas("baseline", "What it is compared with");
    this.hand = make("canvas", { class: "hand", "aria-hidden": "true" });
    this.message = make("p", { class: "message", role: "status" });
    this.over = make("div", { class: "over" }, this.message);
    this.readout = make("p", { class: "readout" });
    this.node = make("div", { class: "pictures" }, make("div", { class: "pic" }, this.power), make("div", { class: "pic main" }, this.map, this.hand, this.over), this.readout, make("div", { class: "pic" }, this.baseline));
    this.listen();
  }

  // What can be drawn of an answer in the chosen view.
  prepare(answer, choice) {
    const key = `${choice.view}|${choice.of}|${choice.bandSet}`;
    if (this.answer === answer && this.key === key) return this.ready;
    this.answer = answer;
    this.key = key;
    this.ready = answer ? this.made(answer, choice) : null;
    return this.ready;
  }

  made(answer, { view, of, bandSet }) {
    const { values, power_db: power, baseline_db: baseline } = answer.arrays;
    const shown = view === "map" && !answer.spectral ? "traces" : view;
    const why = whyNot(shown, answer);
    // hundreds of samples a segment are finer than a picture can show
    const join = Math.ceil(answer.time_s.length / MOST_COLUMNS);
    const all = columnEdges(answer.time_s, answer.segment_s, 3);
    const columns = join > 1 ? joinedEdges(all, 3, join) : all;
    const freqs = answer.spectral ? pairs(answer.freqs_hz) : [];
    const map = grid(values.values, values.shape);
    const rows = why ? null : fieldOf(shown, map, answer, { of, bandSet });
    const field = rows && (join > 1 ? joined(rows.field, 3, join) : rows.field);
    const whole = answer.positive_mass + answer.negative_mass;
    const onGrid = (found) => found && powerOf(grid(found.values, found.shape), answer, of);
    return { answer, shown, why, columns, freqs, rows, field, whole: whole || 1, cellS: columns[1][1] - columns[1][0], power: onGrid(power), baseline: onGrid(baseline) };
  }

  height(view) {
    return ROWS[view === "map" && this.ready && this.ready.shown === "traces" ? "traces" : view];
  }

  paint(theme, { zoom, height, limits, limit, factor, slider }) {
    const { ready } = this;
    this.area = null;
    this.over.hidden = !this.message.textContent;
    if (!ready) {
      for (const canvas of [this.power, this.map, this.baseline]) draw.pen(canvas, canvas === this.map ? height + draw.AXIS : canvas === this.power ? POWER_H + TITLE : BASELINE_H, theme, zoom);
      return;
    }
    this.triptych(theme, zoom, limits);
    const p = draw.pen(this.map, height + draw.AXIS, theme, zoom);
    const box = { top: 0, height };
    this.area = { p, box };
    p.g.fillStyle = theme.fill;
    p.g.fillRect(p.area.left, 0, p.area.width, height);
    if (!ready.why) this.mapIn(p, box, { limit, factor, slider, limits, height });
    draw.timeAxis(p, height, ready.answer.onset_s);
    this.comparedWith(theme, zoom, limits);
  }

  // The hand lies on a canvas of its own: the pictures stay as they are while it moves.
  point(theme, { zoom, height, hover, band }) {
    const p = draw.pen(this.hand, height, theme, zoom);
    const box = { top: 0, height };
    if (!this.ready) return;
    if (hover) draw.crosshair(p, box, { t: hover.t, y: hover.share === null ? null : hover.share * height });
    if (band) draw.rubber(p, box, band);
  }

  triptych(theme, zoom, limits) {
    const { ready } = this;
    const p = draw.pen(this.power, POWER_H + TITLE, theme, zoom);
    const box = { top: TITLE, height: POWER_H };
    if (ready.power) {
      draw.spectrogram(p, box, ready.power, ready.columns, ready.freqs, limits);
      draw.frequencyAxis(p, box, ready.freqs, 1);
    } else {
      p.g.fillStyle = theme.fill;
      p.g.fillRect(p.area.left, TITLE, p.area.width, POWER_H);
      draw.write(p, "This network reads the samples, not a spectrogram.", p.area.left + p.area.width / 2, TITLE + POWER_H / 2, { align: "center", room: p.area.width - 8 });
    }
    if (ready.power) draw.segments(p, box, ready.answer.segment_s, 3, true);
  }

  mapIn(p, box, scale) {
    const { ready } = this;
    const { shown, field, columns, freqs, rows, answer } = ready;
    const options = { limit: scale.limit, factor: scale.factor, slider: scale.slider };
    if (shown === "map") {
      draw.spectrogram(p, box, ready.power, columns, freqs, scale.limits, { grey: true, alpha: Math.min(2 - scale.slider / 50, 1) });
      draw.signedMap(p, box, field, columns, freqs, options);
      if (answer.native_shape.length === 2) draw.nativeGrid(p, box, answer.native_shape, answer.segment_s, 3, freqs);
      draw.frequencyAxis(p, box, freqs, 1);
      draw.mapSigns(p, box, field, columns, freqs, options);
    } else if (shown === "traces") {
      const raw = this.desk.rawOf(answer);
      if (raw) draw.traces(p, box, raw, field, columns, options);
      draw.rowSigns(p, box, field, columns, options);
      if (answer.native_shape.length === 1) draw.nativeGrid(p, box, [1, answer.native_shape[0]], answer.segment_s, 3, [[0, 1]]);
    } else draw.bars(p, box, field, columns, rows.names, { ...options, inks: shown === "channels" ? this.desk.inksOf(rows.names) : null });
    draw.segments(p, box, answer.segment_s, 3, false);
  }

  comparedWith(theme, zoom, limits) {
    const { ready } = this;
    const p = draw.pen(this.baseline, BASELINE_H, theme, zoom);
    const box = { top: 0, height: BASELINE_H };
    const { baseline_uv: samples } = ready.answer.arrays;
    if (ready.baseline) draw.spectrogram(p, box, ready.baseline, ready.columns, ready.freqs, limits);
    else if (samples) draw.samples(p, box, samples, ready.answer.segment_s, this.desk.uvPerRow());
    else return draw.write(p, "compared with nothing: no baseline", p.area.left, BASELINE_H / 2, { room: p.area.width });
    draw.segments(p, box, ready.answer.segment_s, 3, false);
    draw.write(p, "baseline", p.area.left - 5, BASELINE_H / 2, { align: "right", px: 10, room: draw.LEFT - 8 });
  }

  // ---- hand --------------------------------------------------------------------------------

  listen() {
    const { desk } = this;
    let from = null;
    const at = (event) => {
      const { p, box } = this.area;
      return { t: Math.min(Math.max(draw.timeAt(p, event.offsetX), p.zoom.t[0]), p.zoom.t[1]), share: Math.min(Math.max(event.offsetY / box.height, 0), 1) };
    };
    for (const canvas of [this.map, this.power]) {
      const place = (event) => (canvas === this.map ? at(event) : { ...at(event), share: null });
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button !== 0 || !this.area) return;
        from = place(event);
        canvas.setPointerCapture(event.pointerId);
      });
      canvas.addEventListener("pointermove", (event) => {
        if (!this.area) return;
        desk.hoverAt(place(event), from ? [from.t, at(event).t] : null);
      });
      canvas.addEventListener("pointerup", (event) => {
        if (from && this.area) desk.zoomTo(from, place(event), this.ready);
        from = null;
      });
      canvas.addEventListener("pointercancel", () => (from = null));
      canvas.addEventListener("pointerleave", () => !from && desk.hoverAt(null, null));
      canvas.addEventListener("dblclick", () => desk.zoomOut());
    }
  }

  // What lies under the hand, in words.
  read(hover, zoom, factor, unit) {
    const { ready } = this;
    if (!hover || !ready || ready.why) return "";
    const { answer, field, rows, columns, freqs, shown } = ready;
    const column = draw.columnAt(columns, hover.t);
    const parts = [`${hover.t.toFixed(2)} s`];
    let row = -1;
    if (hover.share !== null && shown === "map") {
      const inside = freqs.map((pair, i) => [pair, i]).filter(([[a, b]]) => b > zoom.f[0] && a < zoom.f[1]);
      const [low, high] = [inside[0][0][0], inside[inside.length - 1][0][1]];
      const f = high - hover.share * (high - low);
      row = freqs.findIndex(([a, b]) => f >= a && f < b);
      if (row >= 0) parts.push(`${figure(answer.freqs_hz[row])} Hz`);
    } else if (hover.share !== null) {
      row = Math.min(Math.floor(hover.share * field.rows), field.rows - 1);
      parts.push((rows.titles[row] || rows.names[row]));
    }
    if (row < 0 || column < 0) return parts.join(", ");
    const i = row * field.columns + column;
    parts.push(`for ${figure(field.pos[i] * factor)}, against ${figure(field.neg[i] * factor)}${unit}`);
    if (shown === "map" && ready.power) parts.push(`${ready.power.values[i].toFixed(0)} dB`);
    return parts.join(", ");
  }
}

const pairs = (centres) => {
  const half = centres.length > 1 ? (centres[1] - centres[0]) / 2 : 0.5;
  const borders = edges(centres, centres[0] - half, centres[centres.length - 1] + half);
  return centres.map((_, i) => [borders[i], borders[i + 1]]);
};
