// The raw EEG page: traces, scale bar, and what is marked on them.

import * as fmt from "./format.js";
import { FONT, RIGHT, SMALL, clipPlot, gaps, hatch, heading, markedSpan, note, prepare, timeAxis, xOf } from "./canvas.js";

export const PX_PER_MM = 96 / 25.4; // CSS pixels; the scale bar is what counts

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
    state.labels.forEach((label) => {
      const x = xOf(area, view, label.onset_s);
      g.strokeStyle = theme.label;
      g.lineWidth = 2;
      g.strokeRect(x, top + 4, xOf(area, view, label.onset_s + label.duration_s) - x, bottom - top - 8);
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
    state.labels.forEach((label) => {
      const span = [label.onset_s, label.onset_s + label.duration_s];
      if (inView(span)) tag(area, view, span[0], `${label.verdict}, ${label.reviewer}`, top + 26, theme.label, theme);
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

// Traces, negative up: a positive microvolt goes down the screen. They are stroked once per page
// and kept as a picture, because dragging the threshold repaints what lies under them.
const kept = new WeakMap();

function traces(area, view, state, top, rowHeight, bottom, theme, getTile) {
  const tiles = state.rawTiles(view.start, view.start + view.length, getTile);
  const missing = tiles.some(({ tile }) => !tile);
  if (!missing) state.fitSensitivity(tiles.map(({ tile }) => tile), rowHeight);
  const { canvas } = area.g;
  const key = [view.start, view.length, state.rawAddress(0), state.sensitivity, theme.dark, canvas.width, canvas.height].join("|");
  let picture = kept.get(canvas);
  if (missing || !picture || picture.key !== key) {
    picture = { key: missing ? null : key, layer: picture ? picture.layer : document.createElement("canvas") };
    picture.layer.width = canvas.width;
    picture.layer.height = canvas.height;
    const g = picture.layer.getContext("2d");
    g.setTransform(area.ratio, 0, 0, area.ratio, 0, 0);
    g.lineJoin = "round";
    stroke({ ...area, g }, view, state, tiles, top, rowHeight, bottom, theme);
    kept.set(canvas, picture);
  }
  area.g.drawImage(picture.layer, 0, 0, area.width, area.height);
  return missing;
}

// The 95th percentile of |µV| of every row, ascending: what is usual, whatever a few spikes do.
export function typicalPeaks(tiles) {
  const peaks = [];
  for (const { rows, samples, scale, counts } of tiles) {
    for (let row = 0; row < rows; row++) {
      const sizes = [];
      for (let i = 0; i < samples; i += 4) {
        const v = counts[row * samples + i];
        if (v !== -32768) sizes.push(Math.abs(v));
      }
      sizes.sort((a, b) => a - b);
      if (sizes.length) peaks.push(sizes[Math.floor(0.95 * (sizes.length - 1))] * scale[row]);
    }
  }
  return peaks.sort((a, b) => a - b);
}

function stroke(area, view, state, tiles, top, rowHeight, bottom, theme) {
  const { g } = area;
  const pxPerUv = PX_PER_MM / state.sensitivity;
  clipPlot(area, top, bottom - top, () => {
    g.lineWidth = 1;
    for (const { tile, start } of tiles.filter((t) => t.tile)) {
      for (let row = 0; row < tile.rows; row++) {
        g.strokeStyle = ink(theme, state.sides[row]);
        g.beginPath();
        trace(g, area, view, tile, row, start, top + (row + 0.5) * rowHeight, pxPerUv * tile.scale[row]);
        g.stroke();
      }
    }
  });
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
  const pxPerUv = PX_PER_MM / state.sensitivity;
  const uv = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((v) => v * pxPerUv >= 24) || 5000;
  const x = area.right + 8;
  const y = bottom - 6;
  g.strokeStyle = g.fillStyle = theme.text;
  g.lineWidth = 2;
  g.beginPath();
  g.moveTo(x, y - uv * pxPerUv);
  g.lineTo(x, y);
  g.stroke();
  g.font = SMALL;
  g.textAlign = "left";
  g.fillText(`${uv} µV`, x + 5, y - (uv * pxPerUv) / 2);
  // the time bar stands in the heading's line, at the right end of the plot
  const seconds = [1, 5, 10].find((s) => (s * area.plot) / view.length >= 10) || 10;
  const width = (seconds * area.plot) / view.length;
  g.beginPath();
  g.moveTo(area.right - width, 10);
  g.lineTo(area.right, 10);
  g.stroke();
  g.fillText(`${seconds} s`, area.right + 6, 10);
  g.font = FONT;
}
