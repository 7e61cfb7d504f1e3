// What runs along the whole recording or the trend: probability, detections, labels, what was seen.

import * as fmt from "./format.js";
import { FONT, SMALL, clipPlot, density, gaps, hatch, heading, markedSpan, note, pageMark, prepare, rowName, timeAxis, xOf } from "./canvas.js";
import { spectrogramStrip } from "./spectrogram.js";

const overviewSpectrogram = () => Math.round(36 + 16 * density());

const probabilityPlot = () => Math.round(42 + 22 * density());

// Where the probability axis lies on its canvas, px.
export const probabilityAxis = () => ({ top: 20, height: probabilityPlot() });

const STRIP = 13;

const MARK = { agree: "✓", disagree: "✗", unsure: "?", missed: "+" };

function overviewHeight(state) {
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
      if (h >= 12) rowName(area, panel.name, y + i * h + h / 2, theme);
    });
    if (overviewSpectrogram() / state.spectrogram.panels.length < 12)
      rowName(area, state.spectrogram.panels.map((panel) => panel.name).join(" "), y + overviewSpectrogram() / 2, theme);
    y += overviewSpectrogram() + 2;
  }
  probabilityLine(area, view, state, y, 24, theme, true);
  rowName(area, state.trace ? "Probability" : "Not scored", y + 12, theme);
  y = strips(area, view, state, y + 28, 7, theme, false);
  viewed(area, view, state, y, theme);
  y += 8;
  gaps(area, view, state, top, y - top, theme, false);
  pageMark(area, view, state, top, y - top, theme);
  timeAxis(area, view, y + 1, theme, state.startOfDay);
  g.textAlign = "left";
}

function probabilityHeight(state) {
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
  y += 6;
  pageMark(area, view, state, top, y - top, theme);
  timeAxis(area, view, y + 1, theme, state.startOfDay);
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
    g.lineCap = "round";
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
        if (!pen) g.moveTo(x, yOf(level[i]));
        g.lineTo(x, yOf(level[i])); // to itself at first: a window between unscored ones is a dot
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
    const gap = state.gaps.some(([from, to]) => from < b && to > a); // which says so itself
    if (height > 40 && w > 52 && !gap) note(area, "unscored", x + 4, top + height - 8, theme);
  });
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
    else tinyName(area, name, y + rowHeight / 2, theme);
    clipPlot(area, y, rowHeight, () => strip(area, view, state, kind, y, rowHeight, theme));
  });
  return top + rows.length * (rowHeight + 2);
}

function tinyName(area, name, y, theme) {
  area.g.font = "9px system-ui, sans-serif";
  area.g.textAlign = "right";
  area.g.fillStyle = theme.soft;
  area.g.fillText(name, area.left - 8, y + 0.5);
  area.g.font = FONT;
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
