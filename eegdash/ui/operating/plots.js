// The plots: one canvas each, drawn from the curves; each knows which threshold lies under a point.

import { themeOf } from "../viewer/canvas.js";
import { SHARE_TICKS, axis, countTicks, nearest, plotArea, roundUp, squeeze, xOf, yOf } from "./scales.js";

const FAMILY = "'Source Sans', 'Source Sans 3', system-ui, sans-serif";
const SHARE = axis(0, 1);
const both = (a, b) => (a === null || b === null ? null : [a, b]);

// What each plot shows. `places` gives [x, y] of a point of the curve, null where undefined; the
// first one is dragged along and carries the markers.
export const PLOTS = {
  operating: {
    title: "Operating curve", unit: "events, SzCORE",
    x: "false alarms per 24 h (log scale)", y: "event sensitivity",
    lines: [{ places: ({ events }) => both(events.fpPerDay, events.sensitivity) }],
  },
  precision: {
    title: "Precision–recall", unit: "— windows, ··· events",
    x: "sensitivity (recall)", y: "precision",
    lines: [
      { places: ({ windows }) => both(windows.sensitivity, windows.precision) },
      { places: ({ events }) => both(events.sensitivity, events.precision), dash: [2, 3] },
    ],
  },
  roc: {
    title: "ROC", unit: "windows",
    x: "1 − specificity", y: "sensitivity", diagonal: true,
    lines: [{ places: ({ windows }) => (windows.specificity === null ? null : both(1 - windows.specificity, windows.sensitivity)) }],
  },
  f1: {
    title: "F1 by threshold", unit: "— events, ··· windows",
    x: "threshold (drag the line)", y: "F1", byThreshold: true,
    lines: [
      { places: ({ threshold_pm, events }) => both(threshold_pm / 1000, events.f1) },
      { places: ({ threshold_pm, windows }) => both(threshold_pm / 1000, windows.f1), dash: [2, 3] },
    ],
  },
};

// Axes, fonts and frame of a canvas; `scale` enlarges all for a presentation.
function prepare(canvas, theme, scale) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.parentElement.clientWidth; // whole pixels, or text is blurred
  const height = canvas.clientHeight;
  canvas.style.width = `${width}px`;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  g.lineJoin = "round";
  g.textBaseline = "middle";
  const area = plotArea(width, height, { left: 42 * scale, right: 12 * scale, top: 40 * scale, bottom: 34 * scale });
  return { g, area, theme, scale, width, height };
}

const font = (pen, px, weight = 400) => (pen.g.font = `${weight} ${Math.round(px * pen.scale)}px ${FAMILY}`);

function frame(pen, plot, note, x, xTicks) {
  const { g, area, theme, scale } = pen;
  g.fillStyle = theme.fill;
  g.fillRect(area.left, area.top, area.width, area.height);
  g.textAlign = "left";
  g.fillStyle = theme.text;
  font(pen, 13, 600);
  g.fillText(plot.title, 2, 9 * scale);
  const titled = g.measureText(plot.title).width + 8;
  g.fillStyle = theme.soft;
  font(pen, 11);
  g.fillText(plot.unit, titled, 9.5 * scale, pen.width - titled - 2);
  g.fillText(note, 2, 26 * scale, pen.width - 4);
  SHARE_TICKS.forEach((tick) => {
    const y = yOf(area, SHARE, tick);
    g.fillStyle = theme.grid;
    g.fillRect(area.left, Math.round(y), area.width, 1);
    g.fillStyle = theme.soft;
    g.textAlign = "right";
    g.fillText(String(tick), area.left - 5, y);
  });
  xTicks.forEach((tick) => {
    const at = xOf(area, x, tick);
    g.fillStyle = theme.grid;
    g.fillRect(Math.round(at), area.top, 1, area.height);
    g.fillStyle = theme.soft;
    g.textAlign = "center";
    g.fillText(tick < 1000 ? String(tick) : `${tick / 1000}k`, at, area.top + area.height + 9 * scale);
  });
  g.fillText(plot.x, area.left + area.width / 2, area.top + area.height + 24 * scale, area.width);
  g.save();
  g.translate(7 * scale, area.top + area.height / 2);
  g.rotate(-Math.PI / 2);
  g.fillText(plot.y, 0, 0, area.height);
  g.restore();
  if (plot.diagonal) polyline(pen, [[area.left, area.top + area.height], [area.left + area.width, area.top]], theme.soft, [3, 4], 1);
}

function polyline({ g, scale }, places, colour, dash, width = 1.8) {
  g.strokeStyle = colour;
  g.lineWidth = width * scale;
  g.setLineDash(dash.map((part) => part * scale));
  g.beginPath();
  let pen = false;
  places.forEach((place) => {
    if (!place) pen = false;
    else {
      if (!pen) g.moveTo(...place);
      g.lineTo(...place);
      pen = true;
    }
  });
  g.stroke();
  g.setLineDash([]);
}

// Shapes tell points apart without colour: A a circle, B a square, another detector a diamond.
export function marker({ g, theme, scale }, [x, y], shape, colour, solid) {
  const r = 6 * scale;
  g.beginPath();
  if (shape === "A") g.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === "B") g.rect(x - r, y - r, 2 * r, 2 * r);
  else [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]].forEach(([a, b], i) => (i ? g.lineTo(x + a * r, y + b * r) : g.moveTo(x + a * r, y + b * r)));
  g.closePath();
  g.fillStyle = solid ? colour : theme.back;
  g.fill();
  g.strokeStyle = solid ? theme.back : colour;
  g.lineWidth = 2 * scale;
  g.stroke();
  if (shape.length > 1) return;
  g.fillStyle = solid ? theme.back : colour;
  g.font = `700 ${Math.round(9.5 * scale)}px ${FAMILY}`;
  g.textAlign = "center";
  g.fillText(shape, x, y + 0.5 * scale);
}

export const colourOf = (theme, key) => ({ A: theme.left, B: theme.right })[key] || theme.reference;

// `series` are {key, curve, column, active, dash}; the active one is drawn last. Returns where the
// thresholds of the active one lie, for the pointer.
export function drawPlot(canvas, plot, series, { host, scale, note, locked }) {
  const pen = prepare(canvas, themeOf(host), scale);
  const { area, theme, g } = pen;
  const x = plot === PLOTS.operating ? countAxis(series) : SHARE;
  frame(pen, plot, note, x, x.log ? spaced(countTicks(x.highest), x, area.width / scale) : SHARE_TICKS);
  const toPx = (place) => place && [xOf(area, x, Math.min(place[0], x.highest)), yOf(area, SHARE, place[1])];
  let dragged = [];
  const last = [...series].sort((a, b) => a.active - b.active);
  last.forEach((one) => {
    plot.lines.forEach((line, i) => {
      const places = one.curve.map(line.places).map(toPx);
      if (i === 0 && one.active) dragged = places;
      const single = new Set(places.filter(Boolean).map(String)).size < 2;
      if (!single) polyline(pen, places, one.plain ? theme.probability : colourOf(theme, one.key), line.dash || one.dash, i ? 1.3 : 1.8);
    });
  });
  if (plot.byThreshold) {
    if (locked !== null) level(pen, xOf(area, x, locked / 1000), theme.soft, [1, 3], "locked");
    last.filter((one) => one.movable).forEach((one) => level(pen, xOf(area, x, one.curve[one.column].threshold_pm / 1000), colourOf(theme, one.key), one.active ? [7, 4] : [3, 4], ""));
  }
  g.save();
  last.forEach((one) => {
    const place = toPx(plot.lines[0].places(one.curve[one.column]));
    if (place) marker(pen, place, one.key, colourOf(theme, one.key), one.active);
  });
  g.restore();
  const undefinedEverywhere = series.every((one) => one.curve.every((point) => plot.lines.every((line) => !line.places(point))));
  if (undefinedEverywhere) nothing(pen);
  return { places: dragged, area };
}

function countAxis(series) {
  const highest = Math.max(0, ...series.flatMap(({ curve }) => curve.map(({ events }) => events.fpPerDay || 0)));
  return axis(0, roundUp(highest), true);
}

// Ticks with at least some 26 px between them.
function spaced(ticks, x, width) {
  const kept = [];
  ticks.forEach((tick) => {
    const before = kept[kept.length - 1];
    if (before === undefined || (width * (squeeze(tick) - squeeze(before))) / squeeze(x.highest) >= 26) kept.push(tick);
  });
  return kept;
}

function level(pen, x, colour, dash, text) {
  const { g, area, scale } = pen;
  polyline(pen, [[x, area.top], [x, area.top + area.height]], colour, dash, 1.6);
  if (!text) return;
  font(pen, 10.5);
  g.fillStyle = colour;
  g.textAlign = x > area.left + area.width / 2 ? "right" : "left";
  g.fillText(text, x + (g.textAlign === "left" ? 4 : -4), area.top + area.height - 7 * scale);
}

function nothing(pen) {
  const { g, area, theme } = pen;
  font(pen, 12);
  g.fillStyle = theme.soft;
  g.textAlign = "center";
  g.fillText("n/a: there is nothing to compute it from", area.left + area.width / 2, yOf(area, SHARE, 0.625), area.width - 8); // between two lines
}

export const CALIBRATION = { title: "Calibration", unit: "windows", x: "stated probability", y: "share that is seizure", diagonal: true };

// Stated against observed probability; the area of a point follows the number of windows.
export function drawCalibration(canvas, found, { host, scale, note, cut }) {
  const pen = prepare(canvas, themeOf(host), scale);
  const { g, area, theme } = pen;
  frame(pen, CALIBRATION, note, SHARE, SHARE_TICKS);
  if (!found || !found.n.some((n) => n > 0)) return nothing(pen);
  const most = Math.max(...found.n);
  const places = found.n.map((n, i) => (n ? [xOf(area, SHARE, found.stated[i]), yOf(area, SHARE, found.observed[i]), Math.sqrt(n / most)] : null));
  level(pen, xOf(area, SHARE, cut / 1000), theme.soft, [7, 4], "");
  polyline(pen, places.filter(Boolean).map(([x, y]) => [x, y]), theme.probability, [], 1.2);
  places.filter(Boolean).forEach(([x, y, size]) => {
    g.beginPath();
    g.arc(x, y, (2.5 + 5 * size) * scale, 0, 2 * Math.PI);
    g.fillStyle = theme.probability;
    g.fill();
    g.strokeStyle = theme.back;
    g.lineWidth = 1.2;
    g.stroke();
  });
}

// Column of the threshold under the hand: along the axis of thresholds, or the nearest on the curve.
export function columnAt(drawn, plot, thresholds, offsetX, offsetY) {
  if (!plot.byThreshold) return nearest(drawn.places, offsetX, offsetY);
  const wanted = (1000 * (offsetX - drawn.area.left)) / drawn.area.width;
  return nearest(thresholds.map((threshold) => [threshold, 0]), wanted, 0);
}
