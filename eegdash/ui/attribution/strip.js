// The probability around the window, with detections, labels and the windows of the panels; a click chooses.

import * as fmt from "../viewer/format.js";
import { tickStep } from "../viewer/axis.js";
import { levelRange } from "../viewer/envelope.js";
import { UNSCORED } from "../viewer/events.js";

const FAMILY = "'Source Sans', 'Source Sans 3', system-ui, sans-serif";
const LEFT = 50;
const RIGHT = 8;
const SPAN_S = 600;
export const HEIGHT = 84;
const TOP = 14;
const BOTTOM = 20;

// Which span is drawn: ten minutes around a moment, the whole of a shorter recording.
export function spanAround(t, duration) {
  const length = Math.min(SPAN_S, duration);
  return { start: Math.min(Math.max(t - length / 2, 0), duration - length), length };
}

export const timeAtX = (view, width, x) => view.start + ((x - LEFT) / (width - LEFT - RIGHT)) * view.length;

export function drawStrip(canvas, theme, { view, trace, level, events, labels, shown, masked, duration, startOfDay }) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.parentElement.clientWidth;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${HEIGHT}px`;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== HEIGHT * ratio) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
  }
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, HEIGHT);
  g.textBaseline = "middle";
  const plot = width - LEFT - RIGHT;
  const h = HEIGHT - TOP - BOTTOM;
  const x = (t) => LEFT + (plot * (t - view.start)) / view.length;
  const y = (pm) => TOP + h * (1 - pm / 1000);
  const words = (text, at, up, align = "left", colour = theme.soft, weight = 400) => {
    g.font = `${weight} 11px ${FAMILY}`;
    g.textAlign = align;
    g.fillStyle = colour;
    g.fillText(text, at, up);
  };
  g.fillStyle = theme.fill;
  g.fillRect(LEFT, TOP, plot, h);
  g.save();
  g.beginPath();
  g.rect(LEFT, 0, plot, HEIGHT);
  g.clip();
  events.forEach(([a, b]) => {
    g.fillStyle = theme.eventFill;
    g.fillRect(x(a), TOP, Math.max(x(b) - x(a), 1), h);
    g.fillStyle = theme.event;
    g.fillRect(x(a), TOP, Math.max(x(b) - x(a), 1), 3);
  });
  labels.forEach(({ onset_s: a, duration_s: d }) => {
    g.fillStyle = theme.label;
    g.fillRect(x(a), TOP + h - 3, Math.max(x(a + d) - x(a), 2), 3);
  });
  curve(g, trace, level, view, x, y, plot, theme);
  if (masked) maskedCurve(g, trace, masked, view, x, y, theme);
  g.strokeStyle = theme.threshold;
  g.setLineDash([6, 4]);
  g.lineWidth = 1.2;
  g.beginPath();
  g.moveTo(LEFT, y(trace.threshold_pm));
  g.lineTo(LEFT + plot, y(trace.threshold_pm));
  g.stroke();
  g.setLineDash([]);
  shown.forEach(({ onset, end, names }) => {
    g.fillStyle = theme.page;
    g.fillRect(x(onset), TOP, x(end) - x(onset), h);
    g.strokeStyle = theme.pageEdge;
    g.lineWidth = 1.5;
    g.strokeRect(x(onset), TOP + 0.5, x(end) - x(onset), h - 1);
    words(names.join(" "), (x(onset) + x(end)) / 2, 7, "center", theme.pageEdge, 700);
  });
  g.restore();
  words("1", LEFT - 6, TOP + 6, "right");
  words("0", LEFT - 6, TOP + h - 5, "right");
  words("P(sz)", LEFT - 14, TOP + h / 2, "right");
  const step = tickStep(view.length / plot, startOfDay === null ? 90 : 130);
  for (let t = Math.ceil(view.start / step) * step; t <= Math.min(view.start + view.length, duration) + 1e-9; t += step) {
    g.fillStyle = theme.soft;
    g.fillRect(x(t), TOP + h, 1, 4);
    const text = fmt.elapsed(t) + (startOfDay === null ? "" : ` (${fmt.clock(startOfDay, t)})`);
    if (x(t) < width - 50) words(text, x(t), HEIGHT - 9, t === view.start ? "left" : "center");
  }
  words(startOfDay === null ? "h:mm:ss" : "(clock)", width - RIGHT, HEIGHT - 9, "right");
}

function curve(g, trace, level, view, x, y, plot, theme) {
  const { first_centre_s: c0, step_s: step } = trace;
  const first = Math.max(Math.floor((view.start - c0) / step) - 1, 0);
  const last = Math.min(Math.ceil((view.start + view.length - c0) / step) + 1, level.length - 1);
  g.strokeStyle = theme.probability;
  g.lineWidth = 1.4;
  g.beginPath();
  if ((last - first) / plot > 1.5) {
    levelRange(level, first, last, Math.round(plot), (px, lo, hi) => {
      g.moveTo(LEFT + px + 0.5, y(lo) + 0.7);
      g.lineTo(LEFT + px + 0.5, y(hi) - 0.7);
    });
  } else {
    let down = false;
    for (let i = first; i <= last; i++) {
      if (level[i] < 0) down = false;
      else {
        g[down ? "lineTo" : "moveTo"](x(c0 + i * step), y(level[i]));
        down = true;
      }
    }
  }
  g.stroke();
}

// The probability of an altered input: dashed, so that it is never taken for the detector's own.
function maskedCurve(g, trace, masked, view, x, y, theme) {
  const { first_centre_s: c0, step_s: step } = trace;
  g.strokeStyle = theme.right;
  g.lineWidth = 1.6;
  g.setLineDash([3, 2]);
  g.beginPath();
  let down = false;
  masked.values.forEach((pm, k) => {
    const t = c0 + (masked.first + k) * step;
    if (pm < 0 || t < view.start - step || t > view.start + view.length + step) {
      down = false;
      return;
    }
    g[down ? "lineTo" : "moveTo"](x(t), y(pm));
    down = true;
  });
  g.stroke();
  g.setLineDash([]);
}

// Index of the window with the highest probability among those whose centre lies in a span; the
// nearest to its middle where there is none.
export function strongestIn(values, trace, onset, end) {
  const { first_centre_s: c0, step_s: step } = trace;
  const nearest = Math.min(Math.max(Math.round(((onset + end) / 2 - c0) / step), 0), values.length - 1);
  let best = -1;
  for (let i = Math.max(Math.ceil((onset - c0) / step - 1e-9), 0); i < values.length && c0 + i * step <= end + 1e-9; i++)
    if (values[i] !== UNSCORED && (best < 0 || values[i] > values[best])) best = i;
  return best < 0 ? nearest : best;
}

// The scored window that is nearest to a moment.
export function nearestScored(values, trace, t) {
  const here = Math.min(Math.max(Math.round((t - trace.first_centre_s) / trace.step_s), 0), values.length - 1);
  for (let d = 0; d < values.length; d++)
    for (const i of [here - d, here + d]) if (i >= 0 && i < values.length && values[i] !== UNSCORED) return i;
  return here;
}
