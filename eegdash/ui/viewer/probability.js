// The seizure probability with its threshold and what follows from it.

import { bars, xOf } from "./axis.js";
import { levelRange } from "./envelope.js";
import * as fmt from "./format.js";
import { FONT, clipPlot, density, gaps, heading, markedSpan, note, pageMark, prepare, rowName, timeAxis } from "./canvas.js";
import { seenBar, strips, stripsHeight } from "./strips.js";

const strip = () => Math.round(10 + 3 * density()); // px

const probabilityPlot = () => Math.round(42 + 22 * density());

// Where the probability axis lies on its canvas, px.
export const probabilityAxis = () => ({ top: 20, height: probabilityPlot() });

function probabilityHeight(desk) {
  const { top, height } = probabilityAxis();
  return top + height + 5 + stripsHeight(desk, strip()) + 8 + 20;
}

export function probabilityPanel(canvas, desk, theme) {
  const area = prepare(canvas, probabilityHeight(desk));
  const { g } = area;
  const { operating } = desk;
  const view = desk.navigation.trend();
  const { top, height } = probabilityAxis();
  heading(area, "Seizure probability", theme, operating.note());
  probabilityLine(area, view, desk, top, height, theme, false);
  if (operating.trace) {
    clipPlot(area, top, height, () => {
      g.fillStyle = theme.eventFill;
      const found = operating.index.within(view.start, view.start + view.length);
      bars(found.map((event) => operating.spanOf(event)), area, view).forEach(([x, w]) => g.fillRect(x, top, w, height));
    });
    [0, 0.5, 1].forEach((p) => rowName(area, p.toFixed(1), top + height * (1 - p), theme));
    g.fillStyle = theme.grid;
    g.fillRect(area.left, top + height / 2, area.plot, 1);
    thresholdLine(area, desk, top, height, theme);
  }
  gaps(area, view, desk, top, height, theme, true);
  markedSpan(area, view, desk, top, height, theme);
  let y = strips(area, view, desk, top + height + 5, strip(), theme);
  seenBar(area, view, desk, y, theme);
  y += 6;
  pageMark(area, view, desk, top, y - top, theme);
  timeAxis(area, view, y + 1, theme, desk.startOfDay);
}

// Probability as a line, or as a min/max band where several windows share a pixel.
export function probabilityLine(area, view, desk, top, height, theme, flat) {
  const { g } = area;
  g.fillStyle = theme.fill;
  g.fillRect(area.left, top, area.plot, height);
  const { trace, level } = desk.operating;
  if (!trace) return;
  const yOf = (pm) => top + height * (1 - pm / 1000);
  clipPlot(area, top, height, () => {
    unscored(area, view, desk, top, height, theme);
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
      levelRange(level, first, last, area.plot, (px, lo, hi) => {
        g.moveTo(area.left + px + 0.5, yOf(lo) + 0.5);
        g.lineTo(area.left + px + 0.5, yOf(hi) - 0.5);
      });
    }
    g.stroke();
  });
}

// What no window centre reaches, and windows without a probability.
function unscored(area, view, desk, top, height, theme) {
  const { trace, level } = desk.operating;
  const half = trace.step / 2;
  const spans = [[0, trace.first - half]];
  for (let i = 0; i < level.length; i++) {
    if (level[i] >= 0) continue;
    const start = i;
    while (i < level.length && level[i] < 0) i++;
    spans.push([trace.first + start * trace.step - half, trace.first + i * trace.step - half]);
  }
  spans.push([trace.first + level.length * trace.step - half, desk.duration]);
  spans.forEach(([a, b]) => {
    const x = xOf(area, view, a);
    const w = xOf(area, view, b) - x;
    if (w <= 0) return;
    area.g.fillStyle = theme.gap;
    area.g.fillRect(x, top, w, height);
    const gap = desk.gaps.some(([from, to]) => from < b && to > a); // which says so itself
    if (height > 40 && w > 52 && !gap) note(area, "unscored", x + 4, top + height - 8, theme);
  });
}

function thresholdLine(area, desk, top, height, theme) {
  const { g } = area;
  const { thresholdPm, post } = desk.operating;
  const y = top + height * (1 - thresholdPm / 1000);
  g.strokeStyle = theme.threshold;
  g.lineWidth = 2;
  g.setLineDash([7, 4]);
  g.beginPath();
  g.moveTo(area.left, y);
  g.lineTo(area.right, y);
  g.stroke();
  g.setLineDash([]);
  if (post.hysteresis < 1) {
    const lower = top + height * (1 - (thresholdPm * post.hysteresis) / 1000);
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
  g.fillText(fmt.probability(thresholdPm), area.right + 29, y + 0.5);
  g.font = FONT;
}
