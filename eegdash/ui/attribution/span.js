// A detection, a label or a marked span, window by window: probability, and where the evidence lies.

import * as fmt from "../viewer/format.js";
import { make, moveBar } from "../viewer/dom.js";
import { figure, signedColour } from "./scale.js";

const FAMILY = "'Source Sans', 'Source Sans 3', system-ui, sans-serif";
const LEFT = 50; // px, as the strip above
const RIGHT = 8;
const BARS = 28; // px of the probability
const ROW = 13;
const GAP = 7;
const AXIS = 16;
const WIDEST = 46; // px of a window
const WORK = "Windows of this span"; // name of the bar
const SIGN_FROM = 0.5; // of the limit: + and - tell the sign without colour

// The windows whose centre lies in a span: {first, last}; the nearest one where there is none.
export function windowsOf({ first_centre_s: c0, step_s: step }, n, onset, end) {
  const inside = (i) => Math.min(Math.max(i, 0), n - 1);
  const first = Math.ceil((onset - c0) / step - 1e-9);
  const last = Math.floor((end - c0) / step + 1e-9);
  const nearest = inside(Math.round(((onset + end) / 2 - c0) / step));
  return first > last || last < 0 || first >= n ? { first: nearest, last: nearest } : { first: inside(first), last: inside(last) };
}

const WORDS = { missed: "Missed seizure", agree: "Agreed seizure", disagree: "Detection that was rejected", unsure: "Span called unsure" };

// What the window at `t` belongs to: a span marked by hand, a detection, a label; null for nothing.
export function spanAt(t, { marked, events, labels, half }) {
  const holds = ([a, b]) => t >= a - half && t <= b + half;
  if (marked && holds(marked)) return { onset: marked[0], end: marked[1], words: "Marked span" };
  const k = events.findIndex(holds);
  if (k >= 0) return { onset: events[k][0], end: events[k][1], words: `Detection ${k + 1} of ${events.length}` };
  const label = labels.find(({ onset_s: a, duration_s: d }) => holds([a, a + d]));
  if (!label) return null;
  const words = label.verdict === "missed" && label.blinded ? "Seizure marked by hand" : WORDS[label.verdict] || "Label";
  return { onset: label.onset_s, end: label.onset_s + label.duration_s, words };
}

// Rows of the picture, from the top: {name, title, pos, neg} with one value a window.
export function rowsOfSpan(answer, bandSet) {
  const n = answer.indices.length;
  const rows = (values, names) =>
    names.map(([name, title], r) => {
      const from = (side) => values.slice((side * names.length + r) * n, (side * names.length + r + 1) * n);
      return { name, title, pos: from(0), neg: from(1) };
    });
  const slices = bandSet === "slices";
  const bands = (slices ? answer.slices : answer.bands).map(([name, low, high]) => [name, high === null ? name : `${name}, ${figure(low)} to ${figure(high)} Hz`]);
  const byBand = rows((slices ? answer.arrays.by_slice : answer.arrays.by_band).values, bands);
  // the highest band on top, as in a spectrogram
  return { bands: byBand.reverse(), regions: rows(answer.arrays.by_region.values, answer.regions) };
}

// Per mille, as in a trace; NaN is "not scored".
export const probabilitiesOf = (answer, temperature) => Array.from(answer.arrays.logit.values, (logit) => Math.round(1000 / (1 + Math.exp(-logit / temperature))));

export const strongest = (rows) => rows.reduce((most, { pos, neg }) => [...pos, ...neg].reduce((a, v) => (v > a ? v : a), most), 0);

export class Span {
  constructor(desk) {
    this.desk = desk;
    this.open = false;
    this.words = make("span", { class: "where" });
    this.actions = make("span", { class: "row" });
    this.canvas = make("canvas", { class: "span", role: "img", tabIndex: -1 });
    this.box = make("div", { class: "span-box", hidden: true }, this.canvas);
    this.note = make("p", { class: "note" });
    this.node = make("section", { class: "span-part", "aria-label": "Windows of this detection" }, make("div", { class: "row" }, this.words, this.actions, this.note), this.box);
    this.canvas.addEventListener("click", (event) => this.choose(event));
    this.canvas.addEventListener("pointermove", (event) => this.tell(event));
  }

  opened() {
    this.open = false;
    this.key = null;
  }

  // The span around the window on screen, its windows and where their evidence is asked for.
  here() {
    const { desk } = this;
    const { trace, labels } = desk.data;
    const found = spanAt(desk.centreOf(desk.state.index), { marked: desk.state.marked, events: desk.events, labels, half: trace.step_s / 2 });
    if (!found) return null;
    const { first, last } = windowsOf(trace, desk.values.length, found.onset, found.end);
    const panel = desk.state.panels[0];
    return { ...found, first, last, address: desk.addressOf("span", panel, first, { last }) };
  }

  start(address) {
    this.open = true;
    this.desk.store.get(address);
    this.desk.redraw();
  }

  refresh(theme) {
    const { desk } = this;
    const here = this.here();
    const known = here ? desk.store.known(here.address) : {};
    const key = JSON.stringify([here, Boolean(known.value), known.problem, known.progress === undefined, known.state, desk.state.bandSet]);
    moveBar(this.actions, WORK, known.progress);
    if (this.key !== key) {
      this.key = key;
      this.say(here, known);
    }
    this.box.hidden = !this.open;
    if (this.open) this.draw(theme, here, known);
  }

  say(here, known) {
    const { store } = this.desk;
    const button = (textContent, title, onclick) => make("button", { type: "button", class: "small", textContent, title, onclick });
    if (!here) {
      this.words.textContent = "This window belongs to no detection and no label.";
      this.actions.replaceChildren(...(this.open ? [button("Hide", "The windows of a span", () => this.toggle())] : []));
      this.note.textContent = "";
      return;
    }
    const n = here.last - here.first + 1;
    this.words.textContent = `${here.words}, ${fmt.elapsed(here.onset)} to ${fmt.elapsed(here.end)}, ${n} window${n === 1 ? "" : "s"}`;
    this.note.textContent = known.value ? this.scaleWords(known.value) : "";
    const toggle = button(this.open ? "Hide" : "Show", "The windows of this span", () => this.toggle());
    if (known.value) this.actions.replaceChildren(toggle);
    else if (known.problem) this.actions.replaceChildren(known.problem, button("Try again", "", () => store.retry(here.address)));
    else if (known.progress !== undefined)
      this.actions.replaceChildren(make("progress", { value: known.progress, max: 1, "aria-label": WORK }), known.state === "queued" ? "waiting for other work" : `explaining ${n} windows`, button("Cancel", "What is explained by then is kept", () => store.cancel(here.address)));
    else this.actions.replaceChildren(button("Explain every window of it", "Where the evidence lies from its begin to its end, by the method of panel A; some seconds", () => this.start(here.address)), ...(this.open ? [toggle] : []));
  }

  toggle() {
    this.open = !this.open;
    this.key = null;
    this.desk.redraw();
  }

  scaleWords(answer) {
    const { bands, regions } = rowsOfSpan(answer, this.desk.state.bandSet);
    const unit = answer.unit === "logit" ? " logit" : "";
    const every = answer.step > 1 ? ` Every ${answer.step} windows one.` : "";
    const title = this.desk.methodOf(this.desk.state.panels[0].method).title;
    return `${title} of panel A's detector, sums per window; colours end at ±${figure(strongest([...bands, ...regions]))}${unit}. Click to choose a window.${every}`;
  }

  // ---- picture -----------------------------------------------------------------------------

  draw(theme, here, { value: answer, progress }) {
    const { desk, canvas } = this;
    const rows = answer ? rowsOfSpan(answer, desk.state.bandSet) : null;
    const count = rows ? rows.bands.length + rows.regions.length : 10;
    const height = BARS + 2 * GAP + ROW * count + AXIS;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.parentElement.clientWidth;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.textBaseline = "middle";
    this.columns = null;
    const words = (text, x, y, align = "right", colour = theme.soft) => {
      g.font = `11px ${FAMILY}`;
      g.textAlign = align;
      g.fillStyle = colour;
      g.fillText(text, x, y);
    };
    if (!rows) {
      g.fillStyle = theme.fill;
      g.fillRect(LEFT, 0, width - LEFT - RIGHT, height - AXIS);
      words(here ? `The evidence of its windows is shown here ${progress === undefined ? "once it is asked for" : "when all are explained"}.` : "Step to a detection (n, p) to see its windows.", LEFT + 8, BARS, "left");
      return;
    }
    const n = answer.indices.length;
    const w = Math.min((width - LEFT - RIGHT) / n, WIDEST);
    const x = (k) => LEFT + Math.round(k * w);
    this.columns = { answer, rows, w };
    g.fillStyle = theme.fill;
    g.fillRect(LEFT, 0, x(n) - LEFT, height - AXIS);
    this.bars(g, theme, answer, x);
    words("P(sz)", LEFT - 6, BARS / 2);
    const limit = strongest([...rows.bands, ...rows.regions]) || 1;
    let top = BARS + GAP;
    for (const group of [rows.bands, rows.regions]) {
      for (const row of group) {
        this.row(g, theme, row, x, top, limit);
        words(row.name, LEFT - 6, top + ROW / 2);
        top += ROW;
      }
      top += GAP;
    }
    this.frame(g, theme, answer, x, top - GAP);
    let free = LEFT; // where the next time may stand
    answer.indices.forEach((index, k) => {
      const text = fmt.elapsed(desk.centreOf(index));
      if (x(k) < free || x(k) + 50 > width) return;
      words(text, x(k), height - AXIS / 2, "left");
      free = x(k) + 64;
    });
    canvas.setAttribute("aria-label", this.summary(rows));
  }

  // The detector of panel A, which need not be the one of the strip above.
  explained() {
    return this.desk.modelOf(this.desk.state.panels[0].model);
  }

  bars(g, theme, answer, x) {
    const { data } = this.desk;
    const model = this.explained();
    const limit = model.sha256 === data.model ? data.trace.threshold_pm : model.threshold_pm;
    probabilitiesOf(answer, model.temperature).forEach((pm, k) => {
      if (Number.isNaN(pm)) return;
      const h = Math.max((BARS * pm) / 1000, 1);
      g.fillStyle = theme.probability;
      g.globalAlpha = pm >= limit ? 0.8 : 0.35;
      g.fillRect(x(k) + 0.5, BARS - h, Math.max(x(k + 1) - x(k) - 1, 1), h);
      g.globalAlpha = 1;
    });
    const level = BARS * (1 - limit / 1000);
    g.strokeStyle = theme.threshold;
    g.setLineDash([6, 4]);
    g.beginPath();
    g.moveTo(LEFT, level);
    g.lineTo(x(answer.indices.length), level);
    g.stroke();
    g.setLineDash([]);
  }

  row(g, theme, { pos, neg }, x, top, limit) {
    for (let k = 0; k < pos.length; k++) {
      if (Number.isNaN(pos[k])) {
        g.fillStyle = theme.gap;
        g.fillRect(x(k), top, x(k + 1) - x(k), ROW);
        continue;
      }
      const value = (pos[k] >= neg[k] ? pos[k] : -neg[k]) / limit;
      const c = signedColour(value, theme.dark);
      g.fillStyle = `rgba(${c & 255},${(c >> 8) & 255},${(c >> 16) & 255},${(c >>> 24) / 255})`;
      g.fillRect(x(k), top, x(k + 1) - x(k), ROW);
      if (Math.abs(value) >= SIGN_FROM && x(k + 1) - x(k) >= 9) {
        g.font = `700 11px ${FAMILY}`;
        g.textAlign = "center";
        g.fillStyle = theme.text;
        g.fillText(value > 0 ? "+" : "−", (x(k) + x(k + 1)) / 2, top + ROW / 2);
      }
    }
  }

  frame(g, theme, answer, x, bottom) {
    const k = this.columnOf(answer, this.desk.state.index);
    if (k < 0) return;
    g.strokeStyle = theme.pageEdge;
    g.lineWidth = 2;
    g.strokeRect(x(k) + 1, 1, Math.max(x(k + 1) - x(k) - 2, 2), bottom - 2);
  }

  // Of a thinned span the window next to it stands for one that was left out.
  columnOf({ indices, step }, index) {
    return indices.findIndex((one) => index >= one && index < one + step);
  }

  summary({ bands, regions }) {
    const most = (rows) => rows.reduce((best, row) => (strongest([row]) > strongest([best]) ? row : best), rows[0]);
    return `Evidence of every window of the span, by band and by region. Most of it in ${most(bands).title} and ${most(regions).title}. Arrow keys step from window to window.`;
  }

  // ---- hand --------------------------------------------------------------------------------

  at(event) {
    if (!this.columns) return -1;
    const k = Math.floor((event.offsetX - LEFT) / this.columns.w);
    return k >= 0 && k < this.columns.answer.indices.length ? k : -1;
  }

  choose(event) {
    const k = this.at(event);
    if (k >= 0) this.desk.goTo(this.columns.answer.indices[k]);
  }

  tell(event) {
    const k = this.at(event);
    if (k < 0) return void (this.canvas.title = "");
    const { answer, rows } = this.columns;
    const index = answer.indices[k];
    const pm = probabilitiesOf(answer, this.explained().temperature)[k];
    const sum = (side) => rows.regions.reduce((all, row) => all + row[side][k], 0);
    const evidence = Number.isNaN(pm) ? "not scored" : `probability ${(pm / 1000).toFixed(2)}; for ${figure(sum("pos"))}, against ${figure(sum("neg"))}`;
    this.canvas.title = `Window around ${fmt.elapsed(this.desk.centreOf(index), 1)}: ${evidence}`;
  }
}
