// Pictures of a panel on canvas: power, signed map over power, rows of regions, channels or bands,
// and the traces. All share one time axis, 0 s being the start of the window.

import { NO_SAMPLE, strokeTiles } from "../viewer/envelope.js";
import { TABLES } from "../viewer/colours.js";
import { cellAt, dominant, peaks } from "./grid.js";
import { greyColour, inkAgainst, inkFor, overlay, signedColour, underlay } from "./scale.js";

const FAMILY = "'Source Sans', 'Source Sans 3', system-ui, sans-serif";
export const LEFT = 50; // px: names and frequencies
export const RIGHT = 4;
export const AXIS = 15; // px under a picture that carries the time
const BORDERS = [4, 8, 13, 30]; // Hz, between delta, theta, alpha, beta and gamma

// Canvas of a height; `zoom` is {t: [from, to], f: [low, high]}.
export function pen(canvas, height, theme, zoom) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.parentElement.clientWidth;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  g.lineJoin = "round";
  g.textBaseline = "middle";
  g.imageSmoothingEnabled = false;
  const area = { left: LEFT, top: 0, width: Math.max(width - LEFT - RIGHT, 20), height };
  return { g, area, theme, zoom, width };
}

export const xAt = ({ area, zoom }, t) => area.left + (area.width * (t - zoom.t[0])) / (zoom.t[1] - zoom.t[0]);
export const timeAt = ({ area, zoom }, x) => zoom.t[0] + ((x - area.left) / area.width) * (zoom.t[1] - zoom.t[0]);

function text(p, words, x, y, { align = "left", px = 11, weight = 400, colour = p.theme.soft, room = undefined } = {}) {
  p.g.font = `${weight} ${px}px ${FAMILY}`;
  p.g.textAlign = align;
  p.g.fillStyle = colour;
  p.g.fillText(words, x, y, room);
}

function clipped(p, box, draw) {
  p.g.save();
  p.g.beginPath();
  p.g.rect(p.area.left, box.top, p.area.width, box.height);
  p.g.clip();
  draw();
  p.g.restore();
}

// Picture of rows (the first lowest) x columns as a small canvas, `colour(i)` packed RGBA of cell i.
function picture(rows, columns, colour) {
  const image = new ImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) pixels[(rows - 1 - r) * columns + c] = colour(r * columns + c);
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// Draw rows x columns where their borders lie: columns may differ in width (the ends of a segment).
function place(p, made, columns, rowBox) {
  for (let c = 0; c < columns.length; c++) {
    const x = Math.round(xAt(p, columns[c][0]));
    const w = Math.round(xAt(p, columns[c][1])) - x;
    if (x > p.area.left + p.area.width || x + w < p.area.left) continue;
    p.g.drawImage(made, c, rowBox.first, 1, rowBox.count, x, rowBox.top, w, rowBox.height);
  }
}

// Which rows of a picture of frequencies the zoom leaves: {first, count} from the top.
function rowsIn(freqs, zoom) {
  const low = freqs.findIndex(([, b]) => b > zoom.f[0]);
  let high = freqs.length - 1;
  while (high > 0 && freqs[high][0] >= zoom.f[1]) high--;
  return { low, high, first: freqs.length - 1 - high, count: high - low + 1 };
}

// ---- a picture of time and frequency ------------------------------------------------------------

const images = new WeakMap();

function cached(owner, key, make) {
  let kept = images.get(owner);
  if (!kept) images.set(owner, (kept = new Map()));
  if (!kept.has(key)) {
    if (kept.size > 12) kept.clear();
    kept.set(key, make());
  }
  return kept.get(key);
}

// Power of the triptych; `power` is {rows, columns, values} in dB with limits [low, high].
export function spectrogram(p, box, power, columns, freqs, limits, { grey = false, alpha = 1 } = {}) {
  const { dark } = p.theme;
  const made = cached(power, `${grey}|${dark}|${limits}`, () => {
    const [low, high] = limits;
    const share = (i) => (power.values[i] - low) / (high - low);
    const table = TABLES.viridis;
    return picture(power.rows, power.columns, grey ? (i) => greyColour(share(i), dark) : (i) => table[1 + Math.round(254 * Math.min(Math.max(share(i), 0), 1))]);
  });
  p.g.globalAlpha = alpha;
  clipped(p, box, () => place(p, made, columns, { ...rowsIn(freqs, p.zoom), ...box }));
  p.g.globalAlpha = 1;
}

// The signed map over it.
export function signedMap(p, box, field, columns, freqs, { limit, factor, slider }) {
  const { dark } = p.theme;
  const made = cached(field, `${limit / factor}|${dark}`, () => picture(field.rows, field.columns, (i) => signedColour((dominant(field, i) * factor) / limit, dark)));
  p.g.globalAlpha = overlay(slider);
  clipped(p, box, () => place(p, made, columns, { ...rowsIn(freqs, p.zoom), ...box }));
  p.g.globalAlpha = 1;
}

export function frequencyAxis(p, box, freqs, step = 0) {
  const { low, high } = rowsIn(freqs, p.zoom);
  const span = [freqs[low][0], freqs[high][1]];
  const yAt = (f) => box.top + box.height * (1 - (f - span[0]) / (span[1] - span[0]));
  const ticks = [...BORDERS.filter((f) => f > span[0] && f < span[1]), ...(step ? [span[1]] : [])];
  for (const f of ticks) {
    const y = Math.round(yAt(f));
    p.g.fillStyle = p.theme.dark ? "rgba(255,255,255,.22)" : "rgba(0,0,0,.2)";
    if (f < span[1]) p.g.fillRect(p.area.left, y, p.area.width, 1);
  }
  if (box.height >= 60) {
    text(p, `${Math.round(span[1])} Hz`, p.area.left - 5, box.top + 6, { align: "right", px: 10 });
    let last = Infinity;
    for (const f of [span[0], ...ticks.filter((v) => v < span[1])]) {
      const y = Math.min(Math.max(yAt(f), box.top + 6), box.top + box.height - 6);
      if (last - y < 11 || y - box.top < 17) continue;
      text(p, `${Math.round(f * 10) / 10}`, p.area.left - 5, y, { align: "right", px: 10 });
      last = y;
    }
  }
  return { span, yAt };
}

// Lines between the segments t=0, 1, 2, and their names where `named`.
export function segments(p, box, segmentS, n, named) {
  for (let s = 0; s < n; s++) {
    const x = xAt(p, s * segmentS);
    if (s && x > p.area.left && x < p.area.left + p.area.width) {
      p.g.fillStyle = p.theme.back;
      p.g.fillRect(Math.round(x) - 1, box.top, 3, box.height);
    }
    const middle = (Math.max(x, p.area.left) + Math.min(xAt(p, (s + 1) * segmentS), p.area.left + p.area.width)) / 2;
    if (named && middle > p.area.left && middle < p.area.left + p.area.width) text(p, `t=${s}`, middle, box.top - 7, { align: "center", px: 10 });
  }
}

// The cells of a CAM as the network has them: that fine it is, and no finer.
export function nativeGrid(p, box, [rows, columns], segmentS, n, freqs) {
  const all = freqs.length;
  const { low, high } = rows > 1 ? rowsIn(freqs, p.zoom) : { low: 0, high: 0 };
  const { g, area } = p;
  g.strokeStyle = p.theme.dark ? "rgba(255,255,255,.28)" : "rgba(0,0,0,.26)";
  g.lineWidth = 1;
  g.setLineDash([2, 3]);
  clipped(p, box, () => {
    g.beginPath();
    for (let k = 0; k < n * columns; k++) {
      const x = Math.round(xAt(p, (k * segmentS) / columns)) + 0.5;
      g.moveTo(x, box.top);
      g.lineTo(x, box.top + box.height);
    }
    for (let r = 1; r < rows; r++) {
      const y = Math.round(box.top + box.height * (1 - ((r * all) / rows - low) / (high + 1 - low))) + 0.5;
      g.moveTo(area.left, y);
      g.lineTo(area.left + area.width, y);
    }
    g.stroke();
  });
  g.setLineDash([]);
}

// + and − on the strongest cells, so that the sign is told without colour, too.
export function signs(p, found, xOf, yOf) {
  for (const { row, column, sign } of found) {
    const [x, y] = [xOf(column), yOf(row)];
    if (x < p.area.left + 5 || x > p.area.left + p.area.width - 5 || y === null) continue;
    p.g.font = `700 17px ${FAMILY}`;
    p.g.textAlign = "center";
    p.g.lineWidth = 3.5;
    p.g.strokeStyle = p.theme.back;
    p.g.strokeText(sign > 0 ? "+" : "−", x, y);
    p.g.fillStyle = p.theme.text;
    p.g.fillText(sign > 0 ? "+" : "−", x, y);
  }
}

export function mapSigns(p, box, field, columns, freqs, { limit, factor }) {
  const { low, high } = rowsIn(freqs, p.zoom);
  const yOf = (row) => (row < low || row > high ? null : box.top + box.height * (1 - (row + 0.5 - low) / (high + 1 - low)));
  signs(p, peaks(field, 3, limit / factor), (c) => xAt(p, (columns[c][0] + columns[c][1]) / 2), yOf);
}

// The same on rows, the first on top.
export function rowSigns(p, box, field, columns, { limit, factor }) {
  const yOf = (row) => box.top + (box.height * (row + 0.5)) / field.rows;
  signs(p, peaks(field, 3, limit / factor), (c) => xAt(p, (columns[c][0] + columns[c][1]) / 2), yOf);
}

export function timeAxis(p, top, startS) {
  const span = p.zoom.t[1] - p.zoom.t[0];
  const step = [0.25, 0.5, 1, 3].find((s) => (p.area.width * s) / span >= 26) || 3;
  for (let t = Math.ceil(p.zoom.t[0] / step) * step; t <= p.zoom.t[1] + 1e-6; t += step) {
    const x = xAt(p, t);
    p.g.fillStyle = p.theme.soft;
    p.g.fillRect(Math.round(x), top, 1, 3);
    if (x < p.area.left + p.area.width - 22) text(p, String(Math.round(100 * t) / 100), x, top + 9, { align: "center", px: 10 });
  }
  text(p, "s", p.area.left + p.area.width, top + 9, { align: "right", px: 10 });
}

// ---- rows: regions, channels, bands ---------------------------------------------------------------

// Each row half for evidence above, half for evidence against below its line; no colour is needed.
export function bars(p, box, field, columns, names, { limit, factor, inks = null }) {
  const rowH = box.height / field.rows;
  const { g, area } = p;
  for (let row = 0; row < field.rows; row++) {
    const top = box.top + row * rowH;
    const middle = Math.round(top + rowH / 2);
    if (row % 2 === 0) {
      g.fillStyle = p.theme.fill;
      g.fillRect(area.left, top, area.width, rowH);
    }
    clipped(p, { top, height: rowH }, () => {
      for (let c = 0; c < field.columns; c++) {
        const x = xAt(p, columns[c][0]);
        const w = Math.max(xAt(p, columns[c][1]) - x - (rowH > 8 ? 0.5 : 0), 0.8);
        const up = Math.min((field.pos[row * field.columns + c] * factor) / limit, 1) * (rowH / 2 - 1);
        const down = Math.min((field.neg[row * field.columns + c] * factor) / limit, 1) * (rowH / 2 - 1);
        g.fillStyle = inkFor(p.theme.dark);
        g.fillRect(x, middle - up, w, up);
        g.fillStyle = inkAgainst(p.theme.dark);
        g.fillRect(x, middle, w, down);
      }
    });
    g.fillStyle = p.theme.grid;
    g.fillRect(area.left, middle, area.width, 1);
    text(p, names[row], area.left - 5, middle, { align: "right", px: rowH < 13 ? 9.5 : 11, colour: inks ? inks[row] : p.theme.text, room: LEFT - 8 });
  }
}

// ---- traces ------------------------------------------------------------------------------------------

// Rows of the EEG over the same rows of the map; `at` is the start of the window in the recording.
export function traces(p, box, { tiles, names, inks, at, uvPerRow }, field, columns, { limit, factor, slider }) {
  const rowH = box.height / names.length;
  const { g, area } = p;
  const { dark } = p.theme;
  const pxPerS = area.width / (p.zoom.t[1] - p.zoom.t[0]);
  clipped(p, box, () => {
    if (field) {
      g.globalAlpha = 0.75 * overlay(slider);
      for (let row = 0; row < field.rows; row++)
        for (let c = 0; c < field.columns; c++) {
          const share = (dominant(field, row * field.columns + c) * factor) / limit;
          if (Math.abs(share) < 0.02) continue;
          const packed = signedColour(share, dark);
          g.fillStyle = `rgba(${packed & 255},${(packed >> 8) & 255},${(packed >> 16) & 255},${(packed >>> 24) / 255})`;
          const x = xAt(p, columns[c][0]);
          g.fillRect(x, box.top + row * rowH, Math.max(xAt(p, columns[c][1]) - x, 0.8), rowH);
        }
      g.globalAlpha = 1;
    }
    g.lineWidth = 0.9;
    g.globalAlpha = Math.max(underlay(slider), 0.15);
    names.forEach((_, row) => {
      const middle = box.top + (row + 0.5) * rowH;
      g.strokeStyle = p.theme.line;
      g.beginPath();
      const y = (uv) => middle + (uv / uvPerRow) * rowH; // negative up
      strokeTiles(tiles, row, (t) => xAt(p, t - at), pxPerS, area.left, area.left + area.width, (x, uv) => g.moveTo(x, y(uv)), (x, uv) => g.lineTo(x, y(uv)));
      g.stroke();
    });
    g.globalAlpha = 1;
  });
  names.forEach((name, row) => text(p, name, area.left - 5, box.top + (row + 0.5) * rowH, { align: "right", px: rowH < 12 ? 9 : 10.5, colour: inks[row], room: LEFT - 8 }));
}

// All derivations of a baseline over each other, on the scale of the traces: `uvPerRow` is the box.
export function samples(p, box, { shape, values }, segmentS, uvPerRow) {
  const [n, channels, length] = shape;
  const { g } = p;
  clipped(p, box, () => {
    g.strokeStyle = p.theme.line;
    g.globalAlpha = 0.35;
    g.lineWidth = 0.7;
    g.beginPath();
    for (let s = 0; s < n; s++)
      for (let c = 0; c < channels; c++)
        for (let i = 0; i < length; i++) {
          const x = xAt(p, segmentS * (s + i / length));
          const y = box.top + box.height * (0.5 + values[(s * channels + c) * length + i] / uvPerRow);
          g[i ? "lineTo" : "moveTo"](x, y);
        }
    g.stroke();
    g.globalAlpha = 1;
  });
}

// Typical size of the traces of a window, µV: half of the rows stay within it most of the time.
export function typicalUv(tiles, rows, from, to) {
  const sizes = [];
  for (let row = 0; row < rows; row++) {
    const found = [];
    for (const { start, tile } of tiles) {
      if (!tile) return null;
      for (let i = 0; i < tile.samples; i += 3) {
        const t = start + i / tile.rate;
        const count = tile.counts[row * tile.samples + i];
        if (t >= from && t < to && count !== NO_SAMPLE) found.push(Math.abs(count * tile.scale[row]));
      }
    }
    if (found.length) sizes.push(Float64Array.from(found).sort()[Math.floor(0.95 * found.length)]);
  }
  return sizes.length ? Float64Array.from(sizes).sort()[Math.floor(sizes.length / 2)] : 50;
}

// ---- hand ------------------------------------------------------------------------------------------

export function crosshair(p, box, { t, y = null }) {
  if (t < p.zoom.t[0] || t > p.zoom.t[1]) return;
  p.g.fillStyle = p.theme.text;
  p.g.globalAlpha = 0.7;
  p.g.fillRect(Math.round(xAt(p, t)), box.top, 1, box.height);
  if (y !== null && y >= box.top && y <= box.top + box.height) p.g.fillRect(p.area.left, Math.round(y), p.area.width, 1);
  p.g.globalAlpha = 1;
}

// The span that is drawn to zoom into.
export function rubber(p, box, [a, b]) {
  const x = xAt(p, Math.min(a, b));
  p.g.fillStyle = p.theme.page;
  p.g.fillRect(x, box.top, xAt(p, Math.max(a, b)) - x, box.height);
}

export const columnAt = (columns, t) => cellAt(columns, t);
export { text as write };
