// Regional spectrograms from uint8 tiles, with fixed limits and a colour bar.

import { xOf } from "./axis.js";
import { clipPlot, density, gaps, heading, markedSpan, note, pageMark, prepare, rowName } from "./canvas.js";

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

const stripHeight = () => Math.round(17 + 18 * density());

export function spectrogramLevel(info, lengthS, pixels) {
  let level = 0;
  while (level + 1 < info.levels && lengthS / (info.step_s * 4 ** level) > 1.6 * pixels) level++;
  return level;
}

// Visit the tiles of a span: visit(tile or null, level, index, first column, seconds a column).
function spectrogramTiles(info, view, level, getTile, visit) {
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

export function spectrogramStrip(area, view, desk, panel, y, h) {
  const info = desk.spectrogram;
  const level = spectrogramLevel(info, view.length, area.plot);
  let waiting = false;
  clipPlot(area, y, h, () => {
    area.g.imageSmoothingEnabled = false;
    spectrogramTiles(info, view, level, desk.display.getSpectrogram, (tile, firstColumn, columnS) => {
      if (!tile) {
        waiting = true;
        return;
      }
      const image = panelImage(tile, panel, desk.display.settings, info);
      const x = xOf(area, view, firstColumn * columnS);
      area.g.drawImage(image, x, y, xOf(area, view, (firstColumn + tile.columns) * columnS) - x, h);
    });
  });
  return waiting;
}

function spectrogramHeight(desk) {
  return desk.spectrogram ? 20 + desk.spectrogram.panels.length * (stripHeight() + 3) + 2 : 0;
}

export function spectrogramPanel(canvas, desk, theme) {
  if (!desk.spectrogram) return;
  const area = prepare(canvas, spectrogramHeight(desk));
  const { g } = area;
  const view = desk.navigation.trend();
  const { fmax } = desk.display.settings;
  heading(area, "Spectrogram", theme, `power in dB re 1 µV²/Hz, 0.5 to ${fmax} Hz, band lines at 4, 8, 13, 30 Hz; frames of ${desk.spectrogram.window_s} s`);
  let waiting = false;
  desk.spectrogram.panels.forEach((panel, i) => {
    const h = stripHeight();
    const y = 20 + i * (h + 3);
    g.fillStyle = theme.fill;
    g.fillRect(area.left, y, area.plot, h);
    waiting = spectrogramStrip(area, view, desk, i, y, h) || waiting;
    gaps(area, view, desk, y, h, theme, i === 0);
    rowName(area, panel.name, y + h / 2, theme, theme.text);
    g.font = "10px system-ui, sans-serif";
    g.textAlign = "right";
    g.fillStyle = theme.soft;
    if (h >= 34) {
      g.fillText(`${fmax} Hz`, area.left - 8, y + 6);
      g.fillText("0.5", area.left - 8, y + h - 5);
    }
    g.strokeStyle = "rgba(255,255,255,.35)";
    g.lineWidth = 1;
    [4, 8, 13, 30].filter((f) => f < fmax).forEach((f) => {
      const fy = Math.round(y + h * (1 - f / fmax)) + 0.5;
      g.beginPath();
      g.moveTo(area.left, fy);
      g.lineTo(area.right, fy);
      g.stroke();
    });
    markedSpan(area, view, desk, y, h, theme);
    pageMark(area, view, desk, y, h, theme);
  });
  if (waiting) note(area, "computing the spectrogram …", area.left + 10, 41, { soft: theme.text });
  colourBar(area, desk, 20, desk.spectrogram.panels.length * (stripHeight() + 3) - 3, theme);
}

function colourBar(area, desk, top, height, theme) {
  const { g } = area;
  const table = TABLES[desk.display.settings.colours];
  const x = area.right + 10;
  for (let i = 0; i < height; i++) {
    const v = table[1 + Math.round(254 * (1 - i / height))];
    g.fillStyle = `rgb(${v & 255},${(v >> 8) & 255},${(v >> 16) & 255})`;
    g.fillRect(x, top + i, 9, 1.5);
  }
  g.font = "10px system-ui, sans-serif";
  g.fillStyle = theme.soft;
  g.textAlign = "left";
  g.fillText(`${desk.display.settings.dbHigh} dB`, x + 13, top + 5);
  g.fillText(`${(desk.display.settings.dbHigh + desk.display.settings.dbLow) / 2}`, x + 13, top + height / 2);
  g.fillText(`${desk.display.settings.dbLow} dB`, x + 13, top + height - 5);
}
