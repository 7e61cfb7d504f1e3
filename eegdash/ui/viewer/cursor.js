// A hairline with a reading on the traces, and two calipers. Drawn on a canvas of its own, so that
// the traces are not stroked again for a pointer that moves.

import { timeAt, xOf } from "./axis.js";
import { FONT, SMALL, prepare, themeOf } from "./canvas.js";
import { make } from "./dom.js";
import * as fmt from "./format.js";
import { measured, valueAt } from "./measuring.js";

const STEP_S = 0.1;
const LOADING = "loading …";
const LINE = 15; // px of a line of text

export class Cursor {
  constructor(desk) {
    this.desk = desk;
    this.canvas = make("canvas", { class: "overlay", "aria-hidden": "true" });
    // what the keyboard's cursor says, for a screen reader; what a hand points at is not spoken
    this.spoken = make("p", { class: "spoken", role: "status", "aria-live": "polite" });
    this.t = null; // s
    this.place = 0; // which of the rows that are drawn
    this.pointer = null; // {x, y} while a hand is over the traces
    this.measuring = false;
    this.from = null; // calipers, s
    this.to = null; // null while it follows the cursor
  }

  opened() {
    this.t = null;
    this.place = 0;
    this.end();
  }

  // ---- pointer -----------------------------------------------------------------------------

  hover(event) {
    this.pointer = { x: event.offsetX, y: event.offsetY };
    this.schedule();
  }

  leave() {
    if (!this.pointer) return;
    this.pointer = null;
    this.t = null;
    this.schedule();
  }

  // A drag over the traces while measuring: the first caliper stays, the second follows.
  dragFrom(event) {
    this.hover(event);
    this.follow();
    this.from = this.t;
    this.to = null;
  }

  dragEnd() {
    this.follow();
    if (this.from !== null && this.t !== null && this.from !== this.t) this.to = this.t;
    this.schedule();
  }

  // Where the hand is, in time and row; pages may turn under it.
  follow() {
    const { traces: ground, navigation } = this.desk;
    if (!this.pointer || !ground) return;
    const { x, y } = this.pointer;
    const inside = x >= ground.area.left && x <= ground.area.right && y >= ground.top && y <= ground.bottom;
    const t = timeAt(ground.area, { start: navigation.start, length: navigation.pageS }, x);
    this.t = (inside || (this.measuring && this.from !== null)) && ground.rows.length ? Math.min(Math.max(t, navigation.start), navigation.end) : null;
    if (inside) this.place = Math.min(Math.floor((y - ground.top) / ground.rowHeight), ground.rows.length - 1);
  }

  // ---- keyboard ----------------------------------------------------------------------------

  onPage() {
    const { start, end } = this.desk.navigation;
    return this.t !== null && this.t >= start && this.t <= end;
  }

  // The first press shows the cursor in the middle of the page; at an edge the page turns.
  move(direction) {
    const { navigation } = this.desk;
    this.pointer = null;
    if (!this.onPage()) this.t = Math.round(((navigation.start + navigation.end) / 2) / STEP_S) * STEP_S;
    else this.t = Math.min(Math.max(Math.round(this.t / STEP_S + direction) * STEP_S, 0), this.desk.duration);
    if (this.t < navigation.start) navigation.page(-1);
    else if (this.t > navigation.end) navigation.page(1);
    this.speak();
  }

  stepRow(direction) {
    const { traces: ground } = this.desk;
    this.pointer = null;
    if (!this.onPage()) return this.move(0);
    if (ground) this.place = Math.min(Math.max(this.place + direction, 0), ground.rows.length - 1);
    this.speak();
  }

  // First press: measuring begins, at the cursor if there is one. Then: the second caliper is
  // fixed. Then: from the start.
  measure() {
    if (!this.measuring) {
      this.measuring = true;
      this.from = this.onPage() ? this.t : null;
      this.to = null;
      this.desk.say(this.from === null ? "Measure: drag over the traces, or move the cursor with , and . and press k. Esc ends." : "Measure: move with , and . or the pointer, k fixes. Esc ends.");
    } else if (this.from === null || this.to !== null) {
      this.from = this.onPage() ? this.t : null;
      this.to = null;
    } else if (this.onPage()) this.to = this.t;
    this.pressed();
    this.speak();
  }

  // End measuring, or put the keyboard's cursor away; false where there is neither.
  close() {
    if (this.measuring) this.desk.say("");
    else if (this.t === null || this.pointer) return false;
    else this.t = null;
    this.end();
    return true;
  }

  // Of the pointer over the traces.
  shape({ offsetX }) {
    if (this.measuring) return "crosshair";
    return this.desk.traces && offsetX < this.desk.traces.area.left ? "pointer" : "default";
  }

  end() {
    this.measuring = false;
    this.from = this.to = null;
    this.unsaid = false;
    this.spoken.textContent = "";
    this.pressed();
    this.schedule();
  }

  pressed() {
    this.desk.measureButton?.setAttribute("aria-pressed", String(this.measuring));
  }

  // After the next frame, when a page that was turned is known; once more when its tiles are here.
  speak() {
    this.unsaid = true;
    this.schedule();
  }

  say() {
    const reading = this.reading();
    this.unsaid = reading.endsWith(LOADING);
    this.spoken.textContent = [reading, ...this.measurement()].filter(Boolean).join("; ");
  }

  // ---- what is said ------------------------------------------------------------------------

  row() {
    const { traces: ground } = this.desk;
    return ground && ground.rows.length ? ground.rows[this.place] : null;
  }

  tiles() {
    const { display, navigation } = this.desk;
    return display.rawTiles(navigation.start, navigation.end, (address) => display.getRaw(address));
  }

  reading() {
    const row = this.row();
    if (!row || !this.onPage()) return "";
    const found = valueAt(this.tiles(), row.row, this.t);
    const { startOfDay } = this.desk;
    const t = found.state === "value" ? found.t : this.t;
    const clock = startOfDay === null ? "" : ` (${fmt.clock(startOfDay, t)})`;
    return `${fmt.elapsed(t, 2)}${clock} ${row.name} ${valueWords(found)}`;
  }

  measurement() {
    const row = this.row();
    const to = this.to ?? this.t;
    if (!this.measuring || !row || this.from === null || to === null || this.from === to) return [];
    const m = measured(this.tiles(), row.row, this.from, to);
    const lines = [`${m.duration.toFixed(2)} s, as one cycle ${m.asOneCycle.toFixed(2)} Hz`];
    if (m.peakToPeak === null) return [...lines, `${row.name}: no samples between the two`];
    lines.push(`${row.name}: ${m.peakToPeak.toFixed(1)} µV peak to peak`);
    if (m.hz !== null) lines.push(`dominant ${m.hz.toFixed(1)} Hz, about ${m.cycles.toFixed(1)} cycles`);
    else lines.push(m.coarse ? "frequency: on pages of 20 s or less" : "no dominant frequency (under 1.5 cycles)");
    return lines;
  }

  // ---- drawing -----------------------------------------------------------------------------

  schedule() {
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = null;
      if (this.desk.host.isConnected && this.desk.traces) this.paint();
    });
  }

  paint() {
    const { traces: ground, navigation } = this.desk;
    const view = { start: navigation.start, length: navigation.pageS };
    this.follow();
    this.place = Math.min(this.place, Math.max(ground.rows.length - 1, 0)); // rows may have gone
    if (this.unsaid) this.say();
    const area = prepare(this.canvas, ground.height);
    const theme = themeOf(this.desk.host);
    const to = this.to ?? this.t;
    if (this.measuring && this.from !== null && to !== null) this.paintCalipers(area, view, ground, to, theme);
    if (this.onPage() && ground.rows.length) this.paintHairline(area, view, ground, theme);
  }

  paintHairline(area, view, ground, theme) {
    const { g } = area;
    const x = Math.round(xOf(area, view, this.t)) + 0.5;
    const y = ground.top + (this.place + 0.5) * ground.rowHeight;
    g.strokeStyle = theme.text;
    g.globalAlpha = 0.55;
    g.lineWidth = 1;
    g.beginPath();
    g.moveTo(x, ground.top);
    g.lineTo(x, ground.bottom);
    g.stroke();
    g.globalAlpha = 1;
    g.strokeRect(2.5, y - Math.min(ground.rowHeight, 22) / 2 + 0.5, area.left - 6, Math.min(ground.rowHeight, 22) - 1);
    words(g, area, [this.reading()], x, ground.bottom - LINE - 4, theme);
  }

  paintCalipers(area, view, ground, to, theme) {
    const { g } = area;
    const [a, b] = [this.from, to].map((t) => xOf(area, view, t)).sort((p, q) => p - q);
    const inside = (x) => Math.min(Math.max(x, area.left), area.right);
    g.fillStyle = theme.page;
    g.fillRect(inside(a), ground.top, inside(b) - inside(a), ground.bottom - ground.top);
    g.strokeStyle = theme.pageEdge;
    g.lineWidth = 2;
    for (const x of [a, b].filter((at) => at >= area.left && at <= area.right)) {
      g.beginPath();
      g.moveTo(x, ground.top);
      g.lineTo(x, ground.bottom);
      g.stroke();
    }
    const lines = this.measurement();
    if (lines.length) words(g, area, lines, inside(b), ground.top + 4, theme);
  }
}

function valueWords(found) {
  const uv = (value) => value.toFixed(1).replace("-", "−");
  if (found.state === "value") return `${uv(found.uv)} µV`;
  if (found.state === "range") return `${uv(found.lo)} to ${uv(found.hi)} µV in ${Math.round(1000 * found.span)} ms`;
  return found.state === "pending" ? LOADING : "no sample";
}

// Lines on a ground of their own, beside a position; on its left where the right edge is near.
function words(g, area, lines, x, y, theme) {
  g.font = SMALL;
  g.textAlign = "left";
  const width = Math.max(...lines.map((line) => g.measureText(line).width)) + 12;
  const left = x + 8 + width <= area.right ? x + 8 : Math.max(x - 8 - width, area.left);
  g.fillStyle = theme.back;
  g.globalAlpha = 0.94;
  g.fillRect(left, y, width, LINE * lines.length + 4);
  g.globalAlpha = 1;
  g.strokeStyle = theme.grid;
  g.lineWidth = 1;
  g.strokeRect(left + 0.5, y + 0.5, width - 1, LINE * lines.length + 3);
  g.fillStyle = theme.text;
  lines.forEach((line, i) => g.fillText(line, left + 6, y + 2 + (i + 0.5) * LINE));
  g.font = FONT;
}
