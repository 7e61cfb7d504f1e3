// Trends under the spectrogram: amplitude-integrated EEG, left-right asymmetry, rhythmicity.

import { xOf } from "./axis.js";
import { clipPlot, density, gaps, heading, markedSpan, note, pageMark, prepare, rowName } from "./canvas.js";
import { TABLES, limited } from "./colours.js";
import { levelOf, tilesIn } from "./pyramid.js";
import { badNote, channelsOf, colourBar, frequencyAxis, regions, stripHeight, tileStrip } from "./spectrogram.js";
import { decodeSpectrogram } from "./tiles.js";
import { aeegHeight, aeegRuns, aeegWords, asymmetryOfCount, asymmetryTile } from "./trendvalues.js";

const TINY = "10px system-ui, sans-serif";
const HEAD = 20; // px of a heading
const APART = 3; // px between strips
const RHYTHM_DB = [2, 12]; // limits of the colours, dB above the background
const ASYMMETRY_LEVEL = 1; // a ratio of powers of a single second is mostly chance
const AEEG_LINES = [5, 10, 25, 50, 100]; // µV

// name, title, heights of its strips, why it is absent (empty where it is not), how it is drawn
const TRENDS = [
  ["aeeg", (desk) => desk.data.trends.aeeg, () => Math.round(34 + 22 * density()), aeeg],
  ["asymmetry", (desk) => asymmetryFacts(desk), () => Math.round(28 + 18 * density()), asymmetry],
  ["rhythmicity", (desk) => desk.data.trends.rhythmicity, () => Math.max(stripHeight(), 20), rhythmicity],
];

export const TREND_TITLES = { aeeg: "Amplitude-integrated EEG", asymmetry: "Asymmetry", rhythmicity: "Rhythmicity" };

// One strip for both sides together.
function asymmetryFacts(desk) {
  const found = desk.spectrogram ? desk.spectrogram.asymmetry : { pairs: [], why: "This recording has no spectrogram." };
  const channels = channelsOf(found.pairs.flat().map((i) => desk.spectrogram.panels[i]));
  return { strips: found.pairs.length ? [{ side: "both", title: "", channels }] : [], why: found.why, pairs: found.pairs };
}

// Why a trend cannot be shown, wholly or on one side; empty where it can.
export const absence = (desk, name) => TRENDS.find((trend) => trend[0] === name)[1](desk).why;

export const isAbsent = (desk, name) => TRENDS.find((trend) => trend[0] === name)[1](desk).strips.length === 0;

export const anyTrend = (desk) => TRENDS.some(([name]) => desk.display.settings[name]);

export function trendsPanel(canvas, desk, theme) {
  const shown = TRENDS.filter(([name]) => desk.display.settings[name]).map(([name, facts, height, draw]) => {
    const found = facts(desk);
    return { name, facts: found, h: height(), draw, bad: badNote(desk, channelsOf(found.strips)) };
  });
  const tall = ({ facts, h }) => HEAD + Math.max(facts.strips.length * (h + APART), 0) + (facts.why ? 16 : 0) + 4;
  const area = prepare(canvas, shown.reduce((sum, trend) => sum + tall(trend), 0));
  const view = desk.navigation.trend();
  const spoken = [];
  let top = 0;
  shown.forEach((trend) => {
    area.g.save();
    area.g.translate(0, top);
    const words = trend.draw(area, view, desk, theme, trend);
    area.g.restore();
    if (trend.facts.why) note(area, trend.facts.why, area.left, top + tall(trend) - 12, theme);
    spoken.push(`${TREND_TITLES[trend.name]}${words ? `: ${trend.bad}${words}` : ""}`);
    top += tall(trend);
  });
  canvas.setAttribute("aria-label", `Trends. ${spoken.join(". ")}`);
}

const boxOf = (trend, i) => ({ y: HEAD + i * (trend.h + APART), h: trend.h });

const getter = (desk, kind) => {
  const { key } = desk.data.trends[kind];
  return (level, index) => desk.tiles.get(`${desk.data.base}/trend/${kind}/${key}/${level}/${index}`, decodeSpectrogram);
};

function ground(area, box, theme) {
  area.g.fillStyle = theme.fill;
  area.g.fillRect(area.left, box.y, area.plot, box.h);
}

function over(area, view, desk, box, theme) {
  gaps(area, view, desk, box.y, box.h, theme, false);
  markedSpan(area, view, desk, box.y, box.h, theme);
  pageMark(area, view, desk, box.y, box.h, theme);
}

const waitingNote = (area, theme) => note(area, "computing the trends …", area.left + 10, HEAD + 12, { soft: theme.text });

// ---- amplitude-integrated EEG ------------------------------------------------------------------

function aeeg(area, view, desk, theme, trend) {
  const { facts } = trend;
  const level = levelOf(facts, view.length, area.plot);
  const columns = level ? `, mean of ${4 ** level}` : "";
  heading(area, TREND_TITLES.aeeg, theme, `${trend.bad}µV peak to peak, 2 to 15 Hz; 10th to 90th percentile of ${facts.step_s} s${columns}; linear to 10 µV, logarithmic above`);
  const get = getter(desk, "aeeg");
  const pieces = tilesIn(facts, view, level).map((piece) => ({ ...piece, tile: get(level, piece.index) }));
  const words = facts.strips.map((strip, i) => {
    const box = boxOf(trend, i);
    ground(area, box, theme);
    aeegScale(area, box, theme);
    clipPlot(area, box.y, box.h, () => aeegRuns(pieces, i).forEach((run) => aeegBand(area, view, run, box, strip.side === "left" ? theme.left : theme.right)));
    rowName({ ...area, left: area.left - 38 }, strip.title, box.y + box.h / 2, theme, theme.text); // left of the scale
    const reading = aeegAt(pieces, i, desk.navigation.start + desk.navigation.pageS / 2);
    aeegReading(area, box, strip, reading, theme);
    over(area, view, desk, box, theme);
    return `${strip.side} ${strip.title} ${reading} at this page`;
  });
  if (pieces.some((piece) => !piece.tile)) waitingNote(area, theme);
  return words.join(", ");
}

// Lines at round amplitudes, with their numbers where there is room inside the strip.
function aeegScale(area, box, theme) {
  const { g } = area;
  g.font = TINY;
  g.textAlign = "right";
  AEEG_LINES.forEach((uv) => {
    const y = Math.round(box.y + box.h * (1 - aeegHeight(uv))) + 0.5;
    g.fillStyle = theme.grid;
    if (uv < 100) g.fillRect(area.left, y - 0.5, area.plot, 1);
    g.fillStyle = theme.soft;
    const room = uv === 10 || uv === 100 || (box.h >= 50 && uv !== 50);
    if (room) g.fillText(uv === 100 ? "100 µV" : String(uv), area.left - 4, uv === 100 ? box.y + 5 : y);
  });
}

function aeegBand(area, view, run, box, colour) {
  const { g } = area;
  const x = (k) => xOf(area, view, run.from + k * run.columnS);
  const y = (height) => box.y + box.h * (1 - height);
  const n = run.lower.length;
  g.beginPath();
  for (let k = 0; k < n; k++) {
    g.lineTo(x(k), y(run.upper[k]));
    g.lineTo(x(k + 1), y(run.upper[k]));
  }
  for (let k = n - 1; k >= 0; k--) {
    g.lineTo(x(k + 1), y(run.lower[k]));
    g.lineTo(x(k), y(run.lower[k]));
  }
  g.closePath();
  g.fillStyle = colour;
  g.globalAlpha = 0.45;
  g.fill();
  g.globalAlpha = 1;
  g.strokeStyle = colour;
  g.lineWidth = 1;
  g.stroke();
}

// Lower and upper margin at a moment, in words.
function aeegAt(pieces, strip, t) {
  const piece = pieces.find(({ start, columnS, tile }) => tile && t >= start && t < start + tile.columns * columnS);
  if (!piece) return "no value";
  const at = 2 * (strip * piece.tile.columns + Math.floor((t - piece.start) / piece.columnS));
  return aeegWords(piece.tile.power[at], piece.tile.power[at + 1]);
}

// Beside the strip what the page reads.
function aeegReading(area, box, strip, reading, theme) {
  const { g } = area;
  g.font = TINY;
  g.textAlign = "left";
  g.fillStyle = theme.soft;
  g.fillText(strip.side, area.right + 5, box.y + 6);
  g.fillStyle = theme.text;
  g.fillText(reading.replace(" to ", "–").replace(">100", "100+"), area.right + 5, box.y + 18);
}

// ---- asymmetry ---------------------------------------------------------------------------------

const asymmetries = new WeakMap();

// Computed once per tile and range.
function asymmetryOf(tile, pairs, info, bins) {
  let made = asymmetries.get(tile);
  if (!made) asymmetries.set(tile, (made = new Map()));
  if (!made.has(bins)) made.set(bins, asymmetryTile(tile, pairs, info, bins));
  return made.get(bins);
}

const BALANCE = Object.fromEntries(
  ["balanceLight", "balanceDark"].map((name) => [name, { name, map: limited(TABLES[name], -1, 1, asymmetryOfCount) }]),
);

function asymmetry(area, view, desk, theme, trend) {
  const { fmax } = desk.display.settings;
  const columnS = desk.spectrogram ? desk.spectrogram.step_s * 4 ** balanceLevel(area, view, desk.spectrogram) : 0;
  heading(area, TREND_TITLES.asymmetry, theme, `${trend.bad}(right − left) / (right + left) of power, mean of ${columnS} s: orange (R) more right, blue (L) more left; line: 0.5 to ${fmax} Hz together`);
  if (!trend.facts.strips.length) return "";
  const { info, get } = regions(desk);
  const bins = Math.round(fmax / info.bin_hz);
  const derived = (level, index) => {
    const tile = get(level, index);
    return tile && asymmetryOf(tile, trend.facts.pairs, info, bins);
  };
  const box = boxOf(trend, 0);
  const colours = BALANCE[theme.dark ? "balanceDark" : "balanceLight"];
  ground(area, box, theme);
  const waiting = tileStrip(area, view, { info, get: derived, least: ASYMMETRY_LEVEL }, 0, box, colours, fmax);
  clipPlot(area, box.y, box.h, () => balanceLine(area, view, info, derived, box, theme));
  rowName(area, "right − left", box.y + box.h / 2, theme, theme.text);
  frequencyAxis(area, box, fmax, theme);
  over(area, view, desk, box, theme);
  colourBar(area, box, TABLES[colours.name], ["+1 R", "0", "−1 L"], theme);
  if (waiting) waitingNote(area, theme);
  return "right minus left by frequency";
}

const balanceLevel = (area, view, info) => Math.max(levelOf(info, view.length, area.plot), ASYMMETRY_LEVEL);

// All frequencies together: above the middle more right, below it more left.
function balanceLine(area, view, info, derived, box, theme) {
  const { g } = area;
  const level = balanceLevel(area, view, info);
  const y = (value) => box.y + (box.h * (1 - value)) / 2;
  g.beginPath();
  let pen = false;
  tilesIn(info, view, level).forEach(({ index, start, columnS }) => {
    const found = derived(level, index);
    if (!found) pen = false;
    for (let c = 0; found && c < found.columns; c++) {
      const value = found.together[c];
      const x = xOf(area, view, start + (c + 0.5) * columnS);
      if (Number.isNaN(value)) pen = false;
      else if (pen) g.lineTo(x, y(value));
      else g.moveTo(x, y(value));
      pen = !Number.isNaN(value);
    }
  });
  g.strokeStyle = theme.back;
  g.lineWidth = 3;
  g.stroke();
  g.strokeStyle = theme.text;
  g.lineWidth = 1.2;
  g.stroke();
}

// ---- rhythmicity -------------------------------------------------------------------------------

const rhythmMaps = {};

function rhythmicity(area, view, desk, theme, trend) {
  const { facts } = trend;
  const { settings } = desk.display;
  const fmax = Math.min(settings.fmax, facts.bins * facts.bin_hz);
  const level = levelOf(facts, view.length, area.plot);
  const columns = level ? `, strongest of ${facts.step_s * 4 ** level} s` : "";
  heading(area, TREND_TITLES.rhythmicity, theme, `${trend.bad}how far one frequency stands above those beside it for 9 s${columns}, dB, 2 to ${fmax} Hz: bright is rhythmic`);
  const [low, high] = RHYTHM_DB;
  const name = settings.colours;
  if (!rhythmMaps[name]) rhythmMaps[name] = { name: `rhythm ${name}`, map: limited(TABLES[name], low, high, (v) => (v - 1) * facts.count_db) };
  let waiting = false;
  facts.strips.forEach((strip, i) => {
    const box = boxOf(trend, i);
    ground(area, box, theme);
    waiting = tileStrip(area, view, { info: facts, get: getter(desk, "rhythmicity") }, i, box, rhythmMaps[name], fmax) || waiting;
    rowName(area, strip.side, box.y + box.h / 2, theme, theme.text);
    frequencyAxis(area, box, fmax, theme);
    over(area, view, desk, box, theme);
  });
  if (!facts.strips.length) return "";
  if (waiting) waitingNote(area, theme);
  const whole = { y: HEAD, h: facts.strips.length * (trend.h + APART) - APART };
  colourBar(area, whole, TABLES[name], [`${high} dB`, "", `${low} dB`], theme);
  return facts.strips.map((strip) => strip.side).join(", ");
}
