// The raw EEG page: traces, scale bar, and what is marked on them.

import { xOf } from "./axis.js";
import { NO_SAMPLE, strokeTiles } from "./envelope.js";
import { flags } from "./notes.js";
import * as fmt from "./format.js";
import { FONT, SMALL, clipPlot, gaps, hatch, heading, markedSpan, note, prepare, timeAxis } from "./canvas.js";

export const PX_PER_MM = 96 / 25.4; // CSS pixels; the scale bar is what counts
const MOST_POLES = 20; // more notes on a page than this do not cross the traces
const BAR_S = 110; // px at the right end of the heading that belong to the time bar

export function rawPanel(canvas, desk, theme, height) {
  const area = prepare(canvas, height);
  const { g } = area;
  const view = { start: desk.navigation.start, length: desk.navigation.pageS };
  const rows = desk.channels.states().filter((row) => row.shown);
  const top = 20;
  const bottom = height - 20;
  const rowHeight = (bottom - top) / Math.max(rows.length, 1);
  const tiles = desk.display.rawTiles(view.start, view.start + view.length, desk.display.getRaw);
  const missing = tiles.some(({ tile }) => !tile);
  desk.traces = { area, top, bottom, height, rowHeight, rows }; // where what lies, for pointer and cursor
  desk.channels.look(tiles);
  heading(area, "EEG", theme, appliedWords(area, desk.display));
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
  spansOnRaw(area, view, desk, top, bottom, theme);
  traces(area, view, desk, tiles, theme);
  rows.forEach((row, i) => nameOf(area, row, desk.channels.words(row), top + (i + 0.5) * rowHeight, rowHeight, theme));
  if (!rows.length) note(area, "All rows are hidden. Press h to choose what to show.", area.left + 8, (top + bottom) / 2, theme);
  pending(area, view, desk, tiles, top, bottom, theme);
  tags(area, view, desk, top, bottom, theme);
  notes(area, view, desk, top, bottom, theme);
  gaps(area, view, desk, top, bottom - top, theme, true);
  pastEnd(area, view, desk, top, bottom, theme);
  markedSpan(area, view, desk, top, bottom - top, theme);
  scaleBar(area, view, desk, bottom, theme);
  timeAxis(area, view, bottom + 1, theme, desk.startOfDay);
  return !missing;
}

// What is applied, as far as the heading has room; what is left out stands in the toolbar, too.
function appliedWords(area, display) {
  area.g.font = SMALL;
  for (const brief of [0, 1, 2]) {
    const words = display.note(brief);
    if (area.g.measureText(words).width < area.plot - BAR_S - 40) return words;
  }
  return display.note(3);
}

// A row's name, struck through where it is bad, with what is wrong with it in a word.
function nameOf(area, row, faults, y, rowHeight, theme) {
  const { g } = area;
  const x = area.left - 8;
  // a sum of many channels carries the noise of all of them: that is said, too
  const words = faults.join(", ") || (row.sum ? `sum of ${row.inputs.length}` : "");
  const below = words !== "" && rowHeight >= 27;
  g.font = rowHeight < 13 ? "10px system-ui, sans-serif" : FONT;
  g.textAlign = "right";
  g.fillStyle = ink(theme, row.side);
  const at = below ? y - 6 : y;
  g.fillText(row.name, x, at, area.left - 10);
  const width = Math.min(g.measureText(row.name).width, area.left - 10);
  if (row.bad) g.fillRect(x - width - 1, at - 0.5, width + 2, 1.5);
  g.font = "10px system-ui, sans-serif";
  g.fillStyle = faults.length ? theme.threshold : theme.soft;
  if (below) g.fillText(words, x, y + 7, area.left - 10);
  else if (words) g.fillText(words, x - width - 6, at, Math.max(area.left - 16 - width, 10));
  g.font = FONT;
}

// What has not arrived is not flat: it is hatched, and says so.
function pending(area, view, desk, tiles, top, bottom, theme) {
  const { g } = area;
  const length = desk.display.rawTileS();
  clipPlot(area, top, bottom - top, () => {
    for (const { start, tile } of tiles) {
      if (tile) continue;
      const x = Math.max(xOf(area, view, start), area.left);
      const w = Math.min(xOf(area, view, Math.min(start + length, desk.duration)), area.right) - x;
      g.fillStyle = theme.gap;
      g.fillRect(x, top, w, bottom - top);
      g.fillStyle = hatch(g, theme.grid);
      g.fillRect(x, top, w, bottom - top);
      if (w > 60) note(area, "loading …", x + 8, top + 10, theme);
    }
  });
}

// What the file itself notes: a flag at the onset, its text where there is room.
function notes(area, view, desk, top, bottom, theme) {
  const found = desk.notes.within(view.start, view.start + view.length);
  if (!found.length) return;
  const { g } = area;
  const y = bottom - 40; // above the words of the reference
  clipPlot(area, top, bottom - top, () => {
    g.font = SMALL;
    g.textAlign = "left";
    const position = (t) => Math.max(xOf(area, view, t), area.left);
    const placed = flags(found, position, (words) => g.measureText(words).width, area.right);
    const crowded = placed.reduce((sum, { poles }) => sum + poles.length, 0) > MOST_POLES;
    const poleTop = crowded ? y - 7 : top;
    for (const { x, poles, text } of placed) {
      g.fillStyle = theme.soft;
      poles.forEach((pole) => g.fillRect(pole, poleTop, 1, bottom - poleTop));
      g.beginPath();
      g.moveTo(x, y - 7);
      g.lineTo(x + 6, y - 3.5);
      g.lineTo(x, y);
      g.fill();
      if (!text) continue;
      g.fillStyle = theme.back;
      g.globalAlpha = 0.85;
      g.fillRect(x + 2, y, g.measureText(text).width + 5, 14);
      g.globalAlpha = 1;
      g.fillStyle = theme.text;
      g.fillText(text, x + 4, y + 7.5);
    }
  });
  g.font = FONT;
}

const ink = (theme, side) => (side === "L" ? theme.left : side === "R" ? theme.right : theme.mid);

function pastEnd(area, view, desk, top, bottom, theme) {
  if (view.start + view.length <= desk.duration) return;
  const x = xOf(area, view, desk.duration);
  area.g.fillStyle = theme.gap;
  area.g.fillRect(x, top, area.right - x, bottom - top);
  if (area.right - x > 120) note(area, "end of the recording", x + 8, top + 10, theme);
}

const inView = (index, view) => index.within(view.start, view.start + view.length);

const spanOfLabel = (label) => [label.onset_s, label.onset_s + label.duration_s];

function spansOnRaw(area, view, desk, top, bottom, theme) {
  const { g } = area;
  const bar = ([a, b]) => [xOf(area, view, a), xOf(area, view, b) - xOf(area, view, a)];
  clipPlot(area, top, bottom - top, () => {
    inView(desk.operating.index, view).forEach((event) => {
      const [x, w] = bar(desk.operating.spanOf(event));
      g.fillStyle = theme.eventFill;
      g.fillRect(x, top, w, bottom - top);
      g.fillStyle = theme.event;
      g.fillRect(x, top, w, 3);
    });
    g.strokeStyle = theme.label;
    g.lineWidth = 2;
    inView(desk.decisions.index, view).forEach((label) => {
      const [x, w] = bar(spanOfLabel(label));
      g.strokeRect(x, top + 4, w, bottom - top - 8);
    });
    inView(desk.references, view).forEach((span) => {
      const [x, w] = bar(span);
      g.fillStyle = hatch(g, theme.reference);
      g.fillRect(x, bottom - 7, w, 7);
    });
  });
}

// What the shaded spans are, in words on a ground of their own, over the traces.
function tags(area, view, desk, top, bottom, theme) {
  clipPlot(area, top, bottom - top, () => {
    inView(desk.operating.index, view).forEach((event) =>
      tag(area, view, desk.operating.spanOf(event)[0], `detection, peak ${fmt.probability(event.peak_pm)}`, top + 11, theme.event, theme));
    inView(desk.decisions.index, view).forEach((label) =>
      tag(area, view, label.onset_s, `${fmt.verdict(label)}, ${label.reviewer}`, top + 26, theme.label, theme));
    inView(desk.references, view).forEach(([onset]) => tag(area, view, onset, "reference: seizure", bottom - 17, theme.reference, theme));
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

function traces(area, view, desk, tiles, theme) {
  const missing = tiles.some(({ tile }) => !tile);
  const { rows, rowHeight } = desk.traces;
  if (!missing) desk.display.fitSensitivity(tiles.map(({ tile }) => tile), rowHeight);
  const { canvas } = area.g;
  const drawn = rows.map((row) => `${row.row}${row.bad ? "b" : ""}`).join();
  const key = [view.start, view.length, desk.display.rawAddress(0), drawn, desk.display.sensitivity, theme.dark, canvas.width, canvas.height].join("|");
  let picture = kept.get(canvas);
  if (missing || !picture || picture.key !== key) {
    picture = { key: missing ? null : key, layer: picture ? picture.layer : document.createElement("canvas") };
    picture.layer.width = canvas.width;
    picture.layer.height = canvas.height;
    const g = picture.layer.getContext("2d");
    g.setTransform(area.ratio, 0, 0, area.ratio, 0, 0);
    g.lineJoin = "round";
    stroke({ ...area, g }, view, desk, tiles, theme);
    kept.set(canvas, picture);
  }
  area.g.drawImage(picture.layer, 0, 0, area.width, area.height);
}

// The 95th percentile of |µV| of every row, ascending: what is usual, whatever a few spikes do.
export function typicalPeaks(tiles) {
  const peaks = [];
  for (const { rows, samples, scale, counts } of tiles) {
    for (let row = 0; row < rows; row++) {
      const sizes = [];
      for (let i = 0; i < samples; i += 4) {
        const v = counts[row * samples + i];
        if (v !== NO_SAMPLE) sizes.push(Math.abs(v));
      }
      sizes.sort((a, b) => a - b);
      if (sizes.length) peaks.push(sizes[Math.floor(0.95 * (sizes.length - 1))] * scale[row]);
    }
  }
  return peaks.sort((a, b) => a - b);
}

function stroke(area, view, desk, tiles, theme) {
  const { g } = area;
  const { top, bottom, rows, rowHeight } = desk.traces;
  const pxPerUv = PX_PER_MM / desk.display.sensitivity;
  clipPlot(area, top, bottom - top, () => {
    g.lineWidth = 1;
    rows.forEach(({ row, side, bad }, i) => {
      const middle = top + (i + 0.5) * rowHeight; // a positive microvolt goes down the screen
      g.strokeStyle = ink(theme, side);
      g.globalAlpha = bad ? 0.35 : 1;
      g.beginPath();
      strokeTiles(
        tiles, row, (t) => xOf(area, view, t), area.plot / view.length, area.left, area.right,
        (x, uv) => g.moveTo(x, middle + uv * pxPerUv),
        (x, uv) => g.lineTo(x, middle + uv * pxPerUv),
      );
      g.stroke();
    });
    g.globalAlpha = 1;
  });
}

function scaleBar(area, view, desk, bottom, theme) {
  const { g } = area;
  const pxPerUv = PX_PER_MM / desk.display.sensitivity;
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
