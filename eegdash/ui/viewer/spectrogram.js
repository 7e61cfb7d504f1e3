// Spectrograms of regions or of chosen rows from uint8 tiles, with fixed limits and a colour bar.

import { xOf } from "./axis.js";
import { clipPlot, density, gaps, heading, markedSpan, note, pageMark, prepare, rowName } from "./canvas.js";
import { TABLES, css, limited } from "./colours.js";
import { levelOf, tilesIn } from "./pyramid.js";
import { badNames } from "./rows.js";
import { decodeSpectrogram } from "./tiles.js";
import { decibel } from "./trendvalues.js";

const TINY = "10px system-ui, sans-serif";
const BANDS = [4, 8, 13, 30]; // Hz, the borders of delta, theta, alpha, beta, gamma

export const stripHeight = () => Math.round(17 + 18 * density());

// ---- where the tiles come from ---------------------------------------------------------------

// The regions of the head.
export function regions(desk) {
  const info = desk.spectrogram;
  const { base } = desk.data;
  return {
    info,
    names: info.panels.map((panel) => panel.name),
    channels: channelsOf(info.panels),
    get: (level, index) => desk.tiles.get(`${base}/spectrogram/${info.key}/${level}/${index}`, decodeSpectrogram),
  };
}

// Rows of the montage shown that the reader chose, in the order of choice.
export function chosenRows(desk) {
  const { settings } = desk.display;
  if (settings.spectrogramOf !== "rows") return [];
  const { name, names } = desk.display.montage();
  const rows = (settings.chosen[name] || []).map((row) => names.indexOf(row)).filter((row) => row >= 0);
  return [...new Set(rows)].slice(0, desk.spectrogram.most_chosen);
}

function source(desk) {
  const rows = chosenRows(desk);
  if (!rows.length) return regions(desk);
  const { base, mark } = desk.data;
  const { name, names, inputs } = desk.display.montage();
  const address = `${base}/chosen/${mark}/${name}/${desk.channels.inAddress()}/${rows.join(".")}`;
  return {
    info: desk.spectrogram,
    names: rows.map((row) => names[row]),
    channels: rows.flatMap((row) => inputs[row]),
    get: (level, index) => desk.tiles.get(`${address}/${level}/${index}`, decodeSpectrogram),
  };
}

// ---- strips ----------------------------------------------------------------------------------

const images = new WeakMap();

// One panel of one tile as a canvas, made once per colours and range.
function imageOf(tile, panel, colours, bins) {
  const key = `${panel}|${colours.name}|${bins}`;
  let made = images.get(tile);
  if (!made) images.set(tile, (made = new Map()));
  if (made.has(key)) return made.get(key);
  const image = new ImageData(tile.columns, bins);
  const pixels = new Uint32Array(image.data.buffer);
  const offset = panel * tile.columns * tile.bins;
  for (let c = 0; c < tile.columns; c++)
    for (let b = 0; b < bins; b++)
      pixels[(bins - 1 - b) * tile.columns + c] = colours.map[tile.power[offset + c * tile.bins + b]];
  const canvas = document.createElement("canvas");
  canvas.width = tile.columns;
  canvas.height = bins;
  canvas.getContext("2d").putImageData(image, 0, 0);
  made.set(key, canvas);
  return canvas;
}

// Draw a panel of tiles as a picture of time and frequency; returns whether one is still to come.
// `colours` is {name, map}, the name standing for the map.
export function tileStrip(area, view, { info, get, least = 0 }, panel, box, colours, fmax) {
  const level = Math.max(levelOf(info, view.length, area.plot), least);
  let waiting = false;
  clipPlot(area, box.y, box.h, () => {
    area.g.imageSmoothingEnabled = false;
    tilesIn(info, view, level).forEach(({ index, start, columnS }) => {
      const tile = get(level, index);
      if (!tile) {
        waiting = true;
        return;
      }
      const image = imageOf(tile, panel, colours, Math.min(Math.round(fmax / info.bin_hz), tile.bins));
      const x = xOf(area, view, start);
      area.g.drawImage(image, x, box.y, xOf(area, view, start + tile.columns * columnS) - x, box.h);
    });
  });
  return waiting;
}

// Band lines and, where there is room, the range of frequency beside a strip.
export function frequencyAxis(area, box, fmax, theme) {
  const { g } = area;
  g.font = TINY;
  g.textAlign = "right";
  g.fillStyle = theme.soft;
  if (box.h >= 34) {
    g.fillText(`${fmax} Hz`, area.left - 8, box.y + 6);
    g.fillText("0.5", area.left - 8, box.y + box.h - 5);
  }
  g.strokeStyle = "rgba(255,255,255,.35)";
  g.lineWidth = 1;
  BANDS.filter((f) => f < fmax).forEach((f) => {
    const y = Math.round(box.y + box.h * (1 - f / fmax)) + 0.5;
    g.beginPath();
    g.moveTo(area.left, y);
    g.lineTo(area.right, y);
    g.stroke();
  });
}

let powerMap = {}; // the last one made; the limits seldom change

function powerColours(desk) {
  const { colours, dbLow, dbHigh } = desk.display.settings;
  const name = `${colours}|${dbLow}|${dbHigh}`;
  if (powerMap.name !== name) powerMap = { name, map: limited(TABLES[colours], dbLow, dbHigh, (v) => decibel(desk.spectrogram, v)) };
  return powerMap;
}

export function spectrogramStrip(area, view, desk, panel, y, h, from = regions(desk)) {
  return tileStrip(area, view, from, panel, { y, h }, powerColours(desk), desk.display.settings.fmax);
}

// ---- the panel -------------------------------------------------------------------------------

export function spectrogramPanel(canvas, desk, theme) {
  if (!desk.spectrogram) return;
  const from = source(desk);
  const h = stripHeight();
  const area = prepare(canvas, 20 + from.names.length * (h + 3) + 2);
  const { g } = area;
  const view = desk.navigation.trend();
  const { fmax } = desk.display.settings;
  const lines = BANDS.filter((f) => f < fmax).join(", ");
  const level = levelOf(from.info, view.length, area.plot);
  const columns = level ? `, mean of ${from.info.step_s * 4 ** level} s` : "";
  const bad = badNote(desk, from.channels);
  heading(area, "Spectrogram", theme, `${bad}power in dB re 1 µV²/Hz, 0.5 to ${fmax} Hz, band lines at ${lines} Hz; frames of ${from.info.window_s} s${columns}`);
  let waiting = false;
  from.names.forEach((name, i) => {
    const y = 20 + i * (h + 3);
    g.fillStyle = theme.fill;
    g.fillRect(area.left, y, area.plot, h);
    waiting = spectrogramStrip(area, view, desk, i, y, h, from) || waiting;
    gaps(area, view, desk, y, h, theme, i === 0);
    rowName(area, name.length > 14 ? `${name.slice(0, 13)}…` : name, y + h / 2, theme, theme.text);
    frequencyAxis(area, { y, h }, fmax, theme);
    markedSpan(area, view, desk, y, h, theme);
    pageMark(area, view, desk, y, h, theme);
  });
  if (waiting) note(area, "computing the spectrogram …", area.left + 10, 41, { soft: theme.text });
  const { colours, dbLow, dbHigh } = desk.display.settings;
  const box = { y: 20, h: from.names.length * (h + 3) - 3 };
  colourBar(area, box, TABLES[colours], [`${dbHigh} dB`, `${(dbHigh + dbLow) / 2}`, `${dbLow} dB`], theme);
  canvas.setAttribute("aria-label", `Spectrogram of ${from.names.join(", ")}, ${bad}0.5 to ${fmax} Hz, ${dbLow} to ${dbHigh} dB`);
}

// A strip is made of its derivations, whatever the reader thinks of one of them: it says so first.
export function badNote(desk, channels) {
  const names = badNames(channels, desk.channels.bad, desk.channels.labels());
  return names ? `includes ${names}, marked bad; ` : "";
}

export const channelsOf = (strips) => strips.flatMap((strip) => strip.channels);

// Colours from the bottom to the top of a box, with words at top, middle and bottom.
export function colourBar(area, box, table, words, theme) {
  const { g } = area;
  const x = area.right + 10;
  for (let i = 0; i < box.h; i++) {
    g.fillStyle = css(table[1 + Math.round(254 * (1 - i / box.h))]);
    g.fillRect(x, box.y + i, 9, 1.5);
  }
  g.font = TINY;
  g.fillStyle = theme.soft;
  g.textAlign = "left";
  [box.y + 5, box.y + box.h / 2, box.y + box.h - 5].forEach((y, i) => {
    if (i !== 1 || box.h >= 34) g.fillText(words[i], x + 13, y);
  });
}
