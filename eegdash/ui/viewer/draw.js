// Drawing: pure functions from the viewer's state to canvases. No input, no network.

import * as fmt from "./format.js";

export const GUTTER = 96; // px left of every canvas: names and axes
export const RIGHT = 62; // px right of every canvas: scale bar, colour bar, threshold handle
const FONT = "12px 'Source Sans', 'Source Sans 3', system-ui, sans-serif";
const SMALL = "11px 'Source Sans', 'Source Sans 3', system-ui, sans-serif";

const MAPS = {
  viridis:
    "440154470d6048186a482374472d7b4537814240863e49893b528b375b8d33638d2f6b8e2c728e297a8e26828e23898e21918c1f988b1fa08822a78528ae8032b67a3fbc734ec36b5ec96270cf5784d44b98d83eaddc30c2df23d8e219ece51bfde725",
  turbo:
    "30123b392a734040a24456c7466be34680f64294ff37a8fa28bceb1ccdd818ddc21fe9af32f2984ef97d6dfe628bff4ba4fc3cb9f635cdec34dfdf37eecf3af8be39fdac34fe962bfb7e21f46617eb500edf3f08d02f05be2102a91601920b017a0403",
};

// 256 packed RGBA colours; index 0 ("no data") is transparent.
function lookup(name) {
  const hex = MAPS[name];
  const anchor = (i, c) => parseInt(hex.slice(6 * i + 2 * c, 6 * i + 2 * c + 2), 16);
  const table = new Uint32Array(256);
  for (let v = 1; v < 256; v++) {
    const x = ((v - 1) / 254) * 32;
    const i = Math.min(Math.floor(x), 31);
    const mix = (c) => Math.round(anchor(i, c) + (x - i) * (anchor(i + 1, c) - anchor(i, c)));
    table[v] = (255 << 24) | (mix(2) << 16) | (mix(1) << 8) | mix(0);
  }
  return table;
}
const TABLES = { viridis: lookup("viridis"), turbo: lookup("turbo") };

// ---- canvas and colours -------------------------------------------------------------------

export function prepare(canvas, heightCss) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = heightCss;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
  }
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  g.font = FONT;
  g.textBaseline = "middle";
  g.lineJoin = "round";
  return { g, width, height, ratio, left: GUTTER, right: width - RIGHT, plot: width - GUTTER - RIGHT };
}

export function themeOf(host) {
  const style = getComputedStyle(host);
  const value = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const back = value("--st-background-color", "#ffffff");
  const dark = luminance(back) < 0.4;
  return {
    dark,
    back,
    text: value("--st-text-color", dark ? "#fafafa" : "#31333f"),
    soft: dark ? "#a7abb8" : "#5c6070",
    grid: dark ? "#363b48" : "#dfe2e8",
    fill: dark ? "#1b1f29" : "#f5f6f9",
    line: dark ? "#e9ebf0" : "#22252e",
    left: dark ? "#7db7ff" : "#15589c",
    right: dark ? "#ff9d76" : "#a83c10",
    mid: dark ? "#dfe2ea" : "#33363f",
    event: dark ? "#f2b134" : "#c77700",
    eventFill: dark ? "rgba(242,177,52,.20)" : "rgba(230,150,20,.20)",
    reference: dark ? "#57c7a5" : "#0b7a5b",
    label: dark ? "#c6a5ff" : "#6b3fb5",
    probability: dark ? "#d5dae6" : "#30343f",
    threshold: dark ? "#ff7d7d" : "#c21f3a",
    page: dark ? "rgba(160,180,255,.20)" : "rgba(60,90,200,.13)",
    pageEdge: dark ? "#9db2ff" : "#3f5bd0",
    gap: dark ? "#2a2e39" : "#e9ebf0",
  };
}

function luminance(colour) {
  const m = colour.match(/^#(..)(..)(..)/);
  const rgb = m ? m.slice(1).map((h) => parseInt(h, 16)) : (colour.match(/\d+/g) || [255, 255, 255]).map(Number);
  return (0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2]) / 255;
}

// ---- shared pieces ------------------------------------------------------------------------

const xOf = (area, view, t) => area.left + ((t - view.start) / view.length) * area.plot;

function clipPlot(area, top, height, draw) {
  area.g.save();
  area.g.beginPath();
  area.g.rect(area.left, top, area.plot, height);
  area.g.clip();
  draw();
  area.g.restore();
}

function timeAxis(area, view, y, theme, startOfDay, titled = true) {
  const { g } = area;
  const step = fmt.tickStep(view.length / area.plot, startOfDay === null ? 90 : 130);
  g.fillStyle = theme.soft;
  g.font = SMALL;
  g.textAlign = "center";
  const decimals = step < 1 ? 1 : 0;
  for (let t = Math.ceil(view.start / step) * step; t <= view.start + view.length + 1e-9; t += step) {
    const x = xOf(area, view, t);
    g.fillRect(x, y, 1, 4);
    const text = fmt.elapsed(t, decimals) + (startOfDay === null ? "" : ` (${fmt.clock(startOfDay, t)})`);
    const half = g.measureText(text).width / 2;
    if (x - half > area.left - 10 && x + half < area.right + 20) g.fillText(text, x, y + 11);
  }
  if (titled) {
    g.textAlign = "right";
    g.fillText(startOfDay === null ? "time, h:mm:ss" : "time (clock)", area.left - 12, y + 11);
  }
  g.font = FONT;
}

function rowName(area, name, y, theme, colour = null) {
  area.g.font = SMALL;
  area.g.textAlign = "right";
  area.g.fillStyle = colour || theme.soft;
  area.g.fillText(name, area.left - 8, y);
  area.g.font = FONT;
}

const pattern = new Map();
function hatch(g, colour) {
  if (!pattern.has(colour)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const t = tile.getContext("2d");
    t.strokeStyle = colour;
    t.lineWidth = 1.4;
    t.beginPath();
    t.moveTo(-1, 7);
    t.lineTo(7, -1);
    t.stroke();
    pattern.set(colour, g.createPattern(tile, "repeat"));
  }
  return pattern.get(colour);
}

const MARK = { agree: "✓", disagree: "✗", unsure: "?", missed: "+" };

// The strips of detections (solid), reference (hatched) and labels (outlined, with a sign).
function strips(area, view, state, top, rowHeight, theme, named) {
  const { g } = area;
  const rows = [["Detections", "events"]];
  if (state.reference) rows.push(["Reference", "reference"]);
  rows.push(["Labels", "labels"]);
  rows.forEach(([name, kind], row) => {
    const y = top + row * (rowHeight + 2);
    g.fillStyle = theme.fill;
    g.fillRect(area.left, y, area.plot, rowHeight);
    if (named) rowName(area, name, y + rowHeight / 2, theme);
    clipPlot(area, y, rowHeight, () => strip(area, view, state, kind, y, rowHeight, theme));
  });
  return top + rows.length * (rowHeight + 2);
}

function strip(area, view, state, kind, y, h, theme) {
  const { g } = area;
  const bar = (start, end) => {
    const x = xOf(area, view, start);
    return [x, Math.max(xOf(area, view, end) - x, 2)];
  };
  if (kind === "events") {
    state.events.forEach((event) => {
      const [x, w] = bar(...state.spanOf(event));
      g.fillStyle = theme.event;
      g.fillRect(x, y, w, h);
      if (state.isSelected(event)) {
        g.strokeStyle = theme.text;
        g.lineWidth = 2;
        g.strokeRect(x + 1, y + 1, Math.max(w - 2, 1), h - 2);
      }
    });
  } else if (kind === "reference") {
    unknownSpans(state).forEach(([a, b]) => {
      const [x, w] = bar(a, b);
      g.fillStyle = theme.gap;
      g.fillRect(x, y, w, h);
      if (h > 9 && w > 90) note(area, "truth not known", x + 6, y + h / 2, theme);
    });
    state.reference.seizures.forEach(([a, b]) => {
      const [x, w] = bar(a, b);
      g.fillStyle = hatch(g, theme.reference);
      g.fillRect(x, y, w, h);
      g.strokeStyle = theme.reference;
      g.lineWidth = 1;
      g.strokeRect(x + 0.5, y + 0.5, Math.max(w - 1, 1), h - 1);
    });
  } else {
    state.labels.forEach((label) => {
      const [x, w] = bar(label.onset_s, label.onset_s + label.duration_s);
      g.strokeStyle = theme.label;
      g.lineWidth = 1.5;
      g.strokeRect(x + 1, y + 1, Math.max(w - 2, 1), h - 2);
      if (h > 9) {
        g.fillStyle = theme.label;
        g.textAlign = "left";
        g.font = SMALL;
        g.fillText(MARK[label.verdict] || "", x + 4, y + h / 2 + 0.5);
        g.font = FONT;
      }
    });
  }
}

function note(area, text, x, y, theme) {
  area.g.font = SMALL;
  area.g.textAlign = "left";
  area.g.fillStyle = theme.soft;
  area.g.fillText(text, x, y);
  area.g.font = FONT;
}

function unknownSpans(state) {
  const spans = [];
  let position = 0;
  state.reference.coverage.forEach(([a, b]) => {
    if (a > position) spans.push([position, a]);
    position = Math.max(position, b);
  });
  if (position < state.duration) spans.push([position, state.duration]);
  return spans;
}

function gaps(area, view, state, top, height, theme, worded) {
  state.gaps.forEach(([a, b]) => {
    const x = Math.max(xOf(area, view, a), area.left);
    const w = Math.min(xOf(area, view, b), area.right) - x;
    if (w <= 0) return;
    area.g.fillStyle = theme.gap;
    area.g.fillRect(x, top, w, height);
    if (worded && w > 60) note(area, `gap, ${fmt.span(b - a)}`, x + 6, top + 10, theme);
  });
}

function pageMark(area, view, state, top, height, theme) {
  const x = xOf(area, view, state.start);
  const w = Math.max(xOf(area, view, state.start + state.pageS) - x, 2);
  clipPlot(area, top, height, () => {
    area.g.fillStyle = theme.page;
    area.g.fillRect(x, top, w, height);
    area.g.fillStyle = theme.pageEdge;
    area.g.fillRect(x, top, 1, height);
    area.g.fillRect(x + w - 1, top, 1, height);
  });
}

function markedSpan(area, view, state, top, height, theme) {
  if (!state.span) return;
  const x = xOf(area, view, state.span.onset);
  const w = Math.max(xOf(area, view, state.span.end) - x, 1);
  clipPlot(area, top, height, () => {
    area.g.fillStyle = hatch(area.g, theme.label);
    area.g.globalAlpha = 0.35;
    area.g.fillRect(x, top, w, height);
    area.g.globalAlpha = 1;
    area.g.strokeStyle = theme.label;
    area.g.lineWidth = 2;
    area.g.strokeRect(x, top + 1, w, height - 2);
  });
}

// ---- spectrogram --------------------------------------------------------------------------

export function spectrogramLevel(info, lengthS, pixels) {
  let level = 0;
  while (level + 1 < info.levels && lengthS / (info.step_s * 4 ** level) > 1.6 * pixels) level++;
  return level;
}

// Visit the tiles of a span: visit(tile or null, level, index, first column, seconds a column).
export function spectrogramTiles(info, view, level, getTile, visit) {
  const columnS = info.step_s * 4 ** level;
  const columns = Math.ceil(info.columns / 4 ** level);
  const first = Math.max(Math.floor(view.start / columnS / info.tile), 0);
  const last = Math.min(Math.floor((view.start + view.length) / columnS / info.tile), Math.ceil(columns / info.tile) - 1);
  for (let index = first; index <= last; index++) visit(getTile(level, index), index * info.tile, columnS);
}

const images = new WeakMap();
// One panel of one tile as a canvas, made once per colour map and limits.
function panelImage(tile, panel, settings, info) {
  const key = `${panel}|${settings.colours}|${settings.dbLow}|${settings.dbHigh}|${settings.fmax}`;
  let made = images.get(tile);
  if (!made) images.set(tile, (made = new Map()));
  if (made.has(key)) return made.get(key);
  const bins = Math.min(Math.round(settings.fmax / info.bin_hz), tile.bins);
  const image = new ImageData(tile.columns, bins);
  const pixels = new Uint32Array(image.data.buffer);
  const table = TABLES[settings.colours];
  const map = new Uint32Array(256);
  for (let v = 1; v < 256; v++) {
    const db = info.db_low + ((v - 1) / 254) * (info.db_high - info.db_low);
    const x = (db - settings.dbLow) / (settings.dbHigh - settings.dbLow);
    map[v] = table[1 + Math.round(254 * Math.min(Math.max(x, 0), 1))];
  }
  const offset = panel * tile.columns * tile.bins;
  for (let c = 0; c < tile.columns; c++)
    for (let b = 0; b < bins; b++)
      pixels[(bins - 1 - b) * tile.columns + c] = map[tile.power[offset + c * tile.bins + b]];
  const canvas = document.createElement("canvas");
  canvas.width = tile.columns;
  canvas.height = bins;
  canvas.getContext("2d").putImageData(image, 0, 0);
  made.set(key, canvas);
  return canvas;
}

function spectrogramStrip(area, view, state, panel, y, h, getTile) {
  const info = state.spectrogram;
  const level = spectrogramLevel(info, view.length, area.plot);
  let waiting = false;
  clipPlot(area, y, h, () => {
    area.g.imageSmoothingEnabled = false;
    spectrogramTiles(info, view, level, getTile, (tile, firstColumn, columnS) => {
      if (!tile) {
        waiting = true;
        return;
      }
      const image = panelImage(tile, panel, state.settings, info);
      const x = xOf(area, view, firstColumn * columnS);
      area.g.drawImage(image, x, y, xOf(area, view, (firstColumn + tile.columns) * columnS) - x, h);
    });
  });
  return waiting;
}

// Heights follow the window, so that the traces are on a laptop's screen too.
const density = () => Math.min(Math.max((window.innerHeight - 820) / 380, 0), 1);
const stripHeight = () => Math.round(17 + 21 * density());
const overviewSpectrogram = () => Math.round(36 + 16 * density());
const probabilityPlot = () => Math.round(42 + 30 * density());

// ---- the four canvases --------------------------------------------------------------------

export function overviewHeight(state) {
  return 20 + (state.spectrogram ? overviewSpectrogram() + 2 : 0) + 28 + (state.reference ? 3 : 2) * 9 + 8 + 20;
}

export function overview(canvas, state, theme, getTile) {
  const area = prepare(canvas, overviewHeight(state));
  const { g } = area;
  const view = { start: 0, length: state.duration };
  heading(area, "Whole recording", theme, "click or drag to go there");
  let y = 20;
  const top = y;
  if (state.spectrogram) {
    const h = overviewSpectrogram() / state.spectrogram.panels.length;
    state.spectrogram.panels.forEach((panel, i) => {
      spectrogramStrip(area, view, state, i, y + i * h, h - 1, getTile);
      if (h >= 9) rowName(area, panel.name, y + i * h + h / 2, theme);
    });
    y += overviewSpectrogram() + 2;
  }
  probabilityLine(area, view, state, y, 24, theme, true);
  rowName(area, state.trace ? "Probability" : "Not scored", y + 12, theme);
  y = strips(area, view, state, y + 28, 7, theme, false);
  viewed(area, view, state, y, theme);
  rowName(area, state.reference ? "Det. Ref. Lab." : "Det. Labels", y - 14, theme);
  y += 8;
  gaps(area, view, state, top, y - top, theme, false);
  pageMark(area, view, state, top, y - top, theme);
  timeAxis(area, view, y + 1, theme, state.startOfDay);
  g.textAlign = "left";
}

function viewed(area, view, state, y, theme) {
  area.g.fillStyle = theme.grid;
  area.g.fillRect(area.left, y + 1, area.plot, 3);
  clipPlot(area, y, 5, () => {
    area.g.fillStyle = theme.pageEdge;
    state.viewed.forEach(([a, b]) => {
      const x = xOf(area, view, a);
      area.g.fillRect(x, y + 1, Math.max(xOf(area, view, b) - x, 1), 3);
    });
  });
  area.g.font = SMALL;
  area.g.textAlign = "left";
  area.g.fillStyle = theme.soft;
  area.g.fillText(`${Math.round(state.viewedShare() * 100)} % seen`, area.right + 6, y + 2.5);
  area.g.font = FONT;
}

function heading(area, title, theme, hint = "") {
  const { g } = area;
  g.textAlign = "left";
  g.fillStyle = theme.text;
  g.font = `600 ${FONT}`;
  g.fillText(title, area.left, 9);
  const x = area.left + g.measureText(title).width + 10;
  g.font = SMALL;
  g.fillStyle = theme.soft;
  g.fillText(hint, x, 9.5);
  g.font = FONT;
}

// Probability as a line, or as a min/max band where several windows share a pixel.
function probabilityLine(area, view, state, top, height, theme, flat) {
  const { g } = area;
  g.fillStyle = theme.fill;
  g.fillRect(area.left, top, area.plot, height);
  const trace = state.trace;
  if (!trace) return;
  const yOf = (pm) => top + height * (1 - pm / 1000);
  const level = state.level;
  clipPlot(area, top, height, () => {
    unscored(area, view, state, top, height, theme);
    g.strokeStyle = theme.probability;
    g.lineWidth = flat ? 1 : 1.4;
    g.beginPath();
    const first = Math.max(Math.floor((view.start - trace.first) / trace.step) - 1, 0);
    const last = Math.min(Math.ceil((view.start + view.length - trace.first) / trace.step) + 1, level.length - 1);
    const perPixel = (last - first) / area.plot;
    if (perPixel <= 2) {
      let pen = false;
      for (let i = first; i <= last; i++) {
        if (level[i] < 0) {
          pen = false;
          continue;
        }
        const x = xOf(area, view, trace.first + i * trace.step);
        pen ? g.lineTo(x, yOf(level[i])) : g.moveTo(x, yOf(level[i]));
        pen = true;
      }
    } else {
      for (let px = 0; px < area.plot; px++) {
        let lo = 1001;
        let hi = -1;
        for (let i = Math.floor(first + px * perPixel); i <= first + (px + 1) * perPixel && i <= last; i++) {
          if (level[i] < 0) continue;
          if (level[i] < lo) lo = level[i];
          if (level[i] > hi) hi = level[i];
        }
        if (hi < 0) continue;
        g.moveTo(area.left + px + 0.5, yOf(lo) + 0.5);
        g.lineTo(area.left + px + 0.5, yOf(hi) - 0.5);
      }
    }
    g.stroke();
  });
}

// What no window centre reaches, and windows without a probability.
function unscored(area, view, state, top, height, theme) {
  const { trace, level } = state;
  const half = trace.step / 2;
  const spans = [[0, trace.first - half]];
  for (let i = 0; i < level.length; i++) {
    if (level[i] >= 0) continue;
    const start = i;
    while (i < level.length && level[i] < 0) i++;
    spans.push([trace.first + start * trace.step - half, trace.first + i * trace.step - half]);
  }
  spans.push([trace.first + level.length * trace.step - half, state.duration]);
  spans.forEach(([a, b]) => {
    const x = xOf(area, view, a);
    const w = xOf(area, view, b) - x;
    if (w <= 0) return;
    area.g.fillStyle = theme.gap;
    area.g.fillRect(x, top, w, height);
    if (height > 40 && w > 52) note(area, "unscored", x + 4, top + height - 8, theme);
  });
}

// Where the probability axis lies on its canvas, px.
export const probabilityAxis = () => ({ top: 20, height: probabilityPlot() });
const STRIP = 13;

export function probabilityHeight(state) {
  const { top, height } = probabilityAxis();
  return top + height + 5 + (state.reference ? 3 : 2) * (STRIP + 2) + 8 + 20;
}

export function probabilityPanel(canvas, state, theme) {
  const area = prepare(canvas, probabilityHeight(state));
  const { g } = area;
  const view = state.trend();
  const { top, height } = probabilityAxis();
  heading(area, "Seizure probability", theme, state.traceNote());
  probabilityLine(area, view, state, top, height, theme, false);
  if (state.trace) {
    clipPlot(area, top, height, () => {
      state.events.forEach((event) => {
        const [a, b] = state.spanOf(event);
        g.fillStyle = theme.eventFill;
        g.fillRect(xOf(area, view, a), top, xOf(area, view, b) - xOf(area, view, a), height);
      });
    });
    [0, 0.5, 1].forEach((p) => rowName(area, p.toFixed(1), top + height * (1 - p), theme));
    g.fillStyle = theme.grid;
    g.fillRect(area.left, top + height / 2, area.plot, 1);
    thresholdLine(area, state, top, height, theme);
  }
  gaps(area, view, state, top, height, theme, true);
  markedSpan(area, view, state, top, height, theme);
  let y = strips(area, view, state, top + height + 5, STRIP, theme, true);
  viewed(area, view, state, y, theme);
  rowName(area, "Seen", y + 2, theme);
  y += 6;
  pageMark(area, view, state, top, y - top, theme);
  timeAxis(area, view, y + 1, theme, state.startOfDay);
}

function thresholdLine(area, state, top, height, theme) {
  const { g } = area;
  const y = top + height * (1 - state.thresholdPm / 1000);
  g.strokeStyle = theme.threshold;
  g.lineWidth = 2;
  g.setLineDash([7, 4]);
  g.beginPath();
  g.moveTo(area.left, y);
  g.lineTo(area.right, y);
  g.stroke();
  g.setLineDash([]);
  if (state.post.hysteresis < 1) {
    const lower = top + height * (1 - (state.thresholdPm * state.post.hysteresis) / 1000);
    g.lineWidth = 1;
    g.setLineDash([2, 4]);
    g.beginPath();
    g.moveTo(area.left, lower);
    g.lineTo(area.right, lower);
    g.stroke();
    g.setLineDash([]);
  }
  // the handle, with the number on it
  g.fillStyle = theme.threshold;
  g.beginPath();
  g.moveTo(area.right, y);
  g.lineTo(area.right + 9, y - 9);
  g.lineTo(area.right + 50, y - 9);
  g.lineTo(area.right + 50, y + 9);
  g.lineTo(area.right + 9, y + 9);
  g.closePath();
  g.fill();
  g.fillStyle = theme.back;
  g.font = `600 ${FONT}`;
  g.textAlign = "center";
  g.fillText(fmt.probability(state.thresholdPm), area.right + 29, y + 0.5);
  g.font = FONT;
}

export function spectrogramHeight(state) {
  return state.spectrogram ? 20 + state.spectrogram.panels.length * (stripHeight() + 3) + 2 : 0;
}

export function spectrogramPanel(canvas, state, theme, getTile) {
  if (!state.spectrogram) return;
  const area = prepare(canvas, spectrogramHeight(state));
  const { g } = area;
  const view = state.trend();
  const { fmax } = state.settings;
  heading(area, "Spectrogram", theme, `power in dB re 1 µV²/Hz, 0.5 to ${fmax} Hz, band lines at 4, 8, 13, 30 Hz; frames of ${state.spectrogram.window_s} s`);
  let waiting = false;
  state.spectrogram.panels.forEach((panel, i) => {
    const h = stripHeight();
    const y = 20 + i * (h + 3);
    g.fillStyle = theme.fill;
    g.fillRect(area.left, y, area.plot, h);
    waiting = spectrogramStrip(area, view, state, i, y, h, getTile) || waiting;
    gaps(area, view, state, y, h, theme, i === 0);
    rowName(area, panel.name, y + h / 2, theme, theme.text);
    g.font = "10px system-ui, sans-serif";
    g.textAlign = "right";
    g.fillStyle = theme.soft;
    if (h >= 34) {
      g.fillText(`${fmax} Hz`, area.left - 8, y + 6);
      g.fillText("0.5", area.left - 8, y + h - 5);
    } else if (i === 0) g.fillText(`${fmax} Hz`, area.left - 28, y + 6);
    g.strokeStyle = "rgba(255,255,255,.35)";
    g.lineWidth = 1;
    [4, 8, 13, 30].filter((f) => f < fmax).forEach((f) => {
      const fy = Math.round(y + h * (1 - f / fmax)) + 0.5;
      g.beginPath();
      g.moveTo(area.left, fy);
      g.lineTo(area.right, fy);
      g.stroke();
    });
    markedSpan(area, view, state, y, h, theme);
    pageMark(area, view, state, y, h, theme);
  });
  if (waiting) note(area, "computing the spectrogram …", area.left + 10, 41, { soft: theme.text });
  colourBar(area, state, 20, state.spectrogram.panels.length * (stripHeight() + 3) - 3, theme);
}

function colourBar(area, state, top, height, theme) {
  const { g } = area;
  const table = TABLES[state.settings.colours];
  const x = area.right + 10;
  for (let i = 0; i < height; i++) {
    const v = table[1 + Math.round(254 * (1 - i / height))];
    g.fillStyle = `rgb(${v & 255},${(v >> 8) & 255},${(v >> 16) & 255})`;
    g.fillRect(x, top + i, 9, 1.5);
  }
  g.font = "10px system-ui, sans-serif";
  g.fillStyle = theme.soft;
  g.textAlign = "left";
  g.fillText(`${state.settings.dbHigh} dB`, x + 13, top + 5);
  g.fillText(`${(state.settings.dbHigh + state.settings.dbLow) / 2}`, x + 13, top + height / 2);
  g.fillText(`${state.settings.dbLow} dB`, x + 13, top + height - 5);
}

// ---- raw EEG ------------------------------------------------------------------------------

const PX_PER_MM = 96 / 25.4; // CSS pixels; the scale bar is what counts

export function rawPanel(canvas, state, theme, height, getTile) {
  const area = prepare(canvas, height);
  const { g } = area;
  const view = { start: state.start, length: state.pageS };
  const names = state.channels;
  const top = 20;
  const bottom = height - 20;
  heading(area, "EEG", theme, state.displayNote());
  g.fillStyle = theme.fill;
  g.fillRect(area.left, top, area.plot, bottom - top);
  for (let s = Math.ceil(view.start); s <= view.start + view.length; s++) {
    const major = s % 5 === 0 || view.length <= 5;
    if (!major && view.length > 30) continue;
    g.fillStyle = theme.grid;
    g.globalAlpha = major ? 1 : 0.5;
    g.fillRect(Math.round(xOf(area, view, s)), top, 1, bottom - top);
    g.globalAlpha = 1;
  }
  spansOnRaw(area, view, state, top, bottom, theme);
  const rowHeight = (bottom - top) / Math.max(names.length, 1);
  const missing = traces(area, view, state, top, rowHeight, bottom, theme, getTile);
  names.forEach((name, i) => {
    g.font = rowHeight < 13 ? "10px system-ui, sans-serif" : FONT;
    g.textAlign = "right";
    g.fillStyle = ink(theme, state.sides[i]);
    g.fillText(name, area.left - 8, top + (i + 0.5) * rowHeight);
  });
  g.font = FONT;
  tags(area, view, state, top, bottom, theme);
  gaps(area, view, state, top, bottom - top, theme, true);
  pastEnd(area, view, state, top, bottom, theme);
  markedSpan(area, view, state, top, bottom - top, theme);
  scaleBar(area, view, state, bottom, theme);
  timeAxis(area, view, bottom + 1, theme, state.startOfDay);
  if (missing) note(area, "loading …", area.left + 8, top + 10, theme);
  return !missing;
}

const ink = (theme, side) => (side === "L" ? theme.left : side === "R" ? theme.right : theme.mid);

function pastEnd(area, view, state, top, bottom, theme) {
  if (view.start + view.length <= state.duration) return;
  const x = xOf(area, view, state.duration);
  area.g.fillStyle = theme.gap;
  area.g.fillRect(x, top, area.right - x, bottom - top);
  if (area.right - x > 120) note(area, "end of the recording", x + 8, top + 10, theme);
}

function spansOnRaw(area, view, state, top, bottom, theme) {
  const { g } = area;
  clipPlot(area, top, bottom - top, () => {
    state.events.forEach((event) => {
      const [a, b] = state.spanOf(event);
      if (b < view.start || a > view.start + view.length) return;
      const x = xOf(area, view, a);
      const w = xOf(area, view, b) - x;
      g.fillStyle = theme.eventFill;
      g.fillRect(x, top, w, bottom - top);
      g.fillStyle = theme.event;
      g.fillRect(x, top, w, 3);
    });
    (state.reference ? state.reference.seizures : []).forEach(([a, b]) => {
      if (b < view.start || a > view.start + view.length) return;
      const x = xOf(area, view, a);
      g.fillStyle = hatch(g, theme.reference);
      g.fillRect(x, bottom - 7, xOf(area, view, b) - x, 7);
    });
  });
}

// What the shaded spans are, in words on a ground of their own, over the traces.
function tags(area, view, state, top, bottom, theme) {
  const inView = ([a, b]) => b > view.start && a < view.start + view.length;
  clipPlot(area, top, bottom - top, () => {
    state.events.forEach((event) => {
      const span = state.spanOf(event);
      if (inView(span)) tag(area, view, span[0], `detection, peak ${fmt.probability(event.peak_pm)}`, top + 11, theme.event, theme);
    });
    (state.reference ? state.reference.seizures : []).forEach((span) => {
      if (inView(span)) tag(area, view, span[0], "reference: seizure", bottom - 17, theme.reference, theme);
    });
  });
}

function tag(area, view, start, text, y, colour, theme) {
  const { g } = area;
  const x = Math.max(xOf(area, view, start), area.left) + 5;
  g.font = SMALL;
  g.textAlign = "left";
  g.fillStyle = theme.back;
  g.globalAlpha = 0.85;
  g.fillRect(x - 3, y - 7, g.measureText(text).width + 6, 14);
  g.globalAlpha = 1;
  g.fillStyle = colour;
  g.fillText(text, x, y);
  g.font = FONT;
}

// Traces, negative up: a positive microvolt goes down the screen.
function traces(area, view, state, top, rowHeight, bottom, theme, getTile) {
  const { g } = area;
  const pxPerUv = PX_PER_MM / state.settings.sensitivity;
  let missing = false;
  const tiles = state.rawTiles(view.start, view.start + view.length, getTile);
  clipPlot(area, top, bottom - top, () => {
    g.lineWidth = 1;
    for (const { tile, start } of tiles) {
      if (!tile) {
        missing = true;
        continue;
      }
      for (let row = 0; row < tile.rows; row++) {
        g.strokeStyle = ink(theme, state.sides[row]);
        g.beginPath();
        trace(g, area, view, tile, row, start, top + (row + 0.5) * rowHeight, pxPerUv * tile.scale[row]);
        g.stroke();
      }
    }
  });
  return missing;
}

function trace(g, area, view, tile, row, start, middle, pxPerCount) {
  const { counts, samples, rate } = tile;
  const pxPerValue = area.plot / view.length / rate;
  const origin = xOf(area, view, start);
  const offset = row * samples;
  const first = Math.max(Math.floor((area.left - origin) / pxPerValue) - 1, 0);
  const last = Math.min(Math.ceil((area.right - origin) / pxPerValue) + 1, samples - 1);
  let pen = false;
  if (pxPerValue > 0.6) {
    for (let i = first; i <= last; i++) {
      const v = counts[offset + i];
      if (v === -32768) {
        pen = false;
        continue;
      }
      const x = origin + i * pxPerValue;
      pen ? g.lineTo(x, middle + v * pxPerCount) : g.moveTo(x, middle + v * pxPerCount);
      pen = true;
    }
    return;
  }
  // several values share a pixel: one stroke from lowest to highest, joined to the next
  let i = first;
  while (i <= last) {
    const px = Math.floor(origin + i * pxPerValue);
    let lo = 32767;
    let hi = -32768;
    while (i <= last && Math.floor(origin + i * pxPerValue) === px) {
      const v = counts[offset + i++];
      if (v === -32768) continue;
      if (v < lo) lo = v;
      if (v > hi) hi = v;
    }
    if (hi === -32768) {
      pen = false;
      continue;
    }
    pen ? g.lineTo(px + 0.5, middle + lo * pxPerCount) : g.moveTo(px + 0.5, middle + lo * pxPerCount);
    if (hi !== lo) g.lineTo(px + 0.5, middle + hi * pxPerCount);
    pen = true;
  }
}

function scaleBar(area, view, state, bottom, theme) {
  const { g } = area;
  const pxPerUv = PX_PER_MM / state.settings.sensitivity;
  const uv = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((v) => v * pxPerUv >= 24) || 5000;
  const second = area.plot / view.length;
  const seconds = [0.2, 0.5, 1, 2, 5, 10].find((s) => s * second >= 30) || 10;
  const x = area.right + 8;
  const y = bottom - 26;
  g.strokeStyle = theme.text;
  g.lineWidth = 2;
  g.beginPath();
  g.moveTo(x, y - uv * pxPerUv);
  g.lineTo(x, y);
  g.lineTo(x + Math.min(seconds * second, RIGHT - 14), y);
  g.stroke();
  g.font = "10px system-ui, sans-serif";
  g.fillStyle = theme.text;
  g.textAlign = "left";
  g.fillText(`${uv} µV`, x + 5, y - (uv * pxPerUv) / 2);
  if (seconds * second <= RIGHT - 14) g.fillText(`${seconds} s`, x, y + 9);
  else {
    // a second is wider than the margin: draw it inside the plot
    g.beginPath();
    g.moveTo(area.right - 10 - second * Math.min(seconds, 1), bottom - 8);
    g.lineTo(area.right - 10, bottom - 8);
    g.stroke();
    g.textAlign = "right";
    g.fillText("1 s", area.right - 14 - second, bottom - 8);
  }
  g.font = FONT;
}
