// Axes of the plots: from values to pixels and back. Pure.

// A box in CSS px with the ranges of both axes; `log` counts tenfold steps from 1 upwards.
export function plotArea(width, height, { left = 46, right = 12, top = 26, bottom = 36 } = {}) {
  return { left, top, width: Math.max(width - left - right, 10), height: Math.max(height - top - bottom, 10) };
}

// 0 stays 0, and small counts stay apart: the logarithm of 1 + value.
export const squeeze = (value) => Math.log10(1 + value);

export function axis(lowest, highest, log = false) {
  const of = log ? squeeze : (value) => value;
  const [a, b] = [of(lowest), of(highest)];
  return { lowest, highest, log, share: (value) => (of(value) - a) / (b - a || 1) };
}

export const xOf = (area, x, value) => area.left + area.width * x.share(value);

export const yOf = (area, y, value) => area.top + area.height * (1 - y.share(value));

// Where an axis of counts ends: a round number at or above the highest value.
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 3, 5, 10].map((step) => step * unit).find((step) => step >= value - 1e-9);
}

// Ticks of a squeezed axis: 0, then 1, 3, 10, 30 ... below its end.
export function countTicks(highest) {
  const ticks = [0];
  for (let unit = highest > 3 ? 1 : 0.1; unit <= highest; unit *= 10) [1, 3].forEach((step) => step * unit <= highest * 1.0001 && ticks.push(step * unit));
  return ticks.map((tick) => Number(tick.toPrecision(3)));
}

export const SHARE_TICKS = [0, 0.25, 0.5, 0.75, 1];

// Index of the point nearest to a place in px; points without a place are passed over.
export function nearest(points, x, y) {
  let best = -1;
  let least = Infinity;
  points.forEach((point, i) => {
    if (!point) return;
    const distance = (point[0] - x) ** 2 + (point[1] - y) ** 2;
    if (distance < least) [best, least] = [i, distance];
  });
  return best;
}
