// The time axis without a screen: positions, spans in order, what is under the hand. Pure.

// Seconds to pixels of a plot, and back. `area` has left and plot (px), `view` start and length (s).
export const xOf = (area, view, t) => area.left + ((t - view.start) / view.length) * area.plot;

export const timeAt = (area, view, x) => view.start + ((x - area.left) / area.plot) * view.length;

// A step of 1, 2, 5, 10, 15, 30 s, min or h that gives about one tick in `px` pixels.
export function tickStep(secondsPerPixel, px) {
  const steps = [0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600];
  return steps.find((step) => step >= secondsPerPixel * px) || 43200;
}

// Where a page may start: from 0 to the last whole page, or to where the last page ends with the recording.
export function clampStart(t, duration, pageS) {
  const last = Math.max(Math.ceil(duration / pageS - 1e-9) - 1, 0) * pageS;
  return Math.min(Math.max(t, 0), Math.max(last, duration - pageS, 0));
}

// The trend of a length around the page; it stays inside the recording. 0 is the whole.
export function trendView(start, pageS, duration, trendS) {
  const length = Math.min(trendS || duration, Math.max(duration, pageS));
  const middle = start + pageS / 2 - length / 2;
  return { start: Math.min(Math.max(middle, 0), Math.max(duration - length, 0)), length };
}

// Spans [[onset, end]] with one more, joined where they touch.
export function withSpan(spans, span) {
  const merged = [];
  [...spans, span].sort((x, y) => x[0] - y[0]).forEach(([a, b]) => {
    const last = merged[merged.length - 1];
    if (last && a <= last[1] + 0.05) last[1] = Math.max(last[1], b);
    else merged.push([a, b]);
  });
  return merged;
}

export function shareOf(spans, duration) {
  const total = spans.reduce((sum, [a, b]) => sum + b - a, 0);
  return duration ? Math.min(total / duration, 1) : 0;
}

// Spans that can be asked for those inside a view without looking at all of them. `items` may be
// in any order; `spanOf(item)` gives [onset, end]. Found items come ordered by onset.
export class SpanIndex {
  constructor(items, spanOf) {
    const rows = items.map((item) => ({ item, span: spanOf(item) })).sort((a, b) => a.span[0] - b.span[0]);
    this.items = rows.map((row) => row.item);
    this.onsets = Float64Array.from(rows, (row) => row.span[0]);
    this.ends = Float64Array.from(rows, (row) => row.span[1]);
    // the latest end so far: everything before the first that reaches into a view can be passed over
    this.reach = new Float64Array(rows.length);
    let latest = -Infinity;
    for (let i = 0; i < rows.length; i++) this.reach[i] = latest = Math.max(latest, this.ends[i]);
  }

  within(from, to) {
    const found = [];
    for (let i = lowerBound(this.reach, from); i < this.items.length && this.onsets[i] <= to; i++)
      if (this.ends[i] >= from) found.push(this.items[i]);
    return found;
  }
}

// Index of the first value that is not below `wanted` in an ascending array.
export function lowerBound(values, wanted) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Bars [x, width] of ascending spans in pixels, at least `least` wide, those that share a pixel joined.
export function bars(spans, area, view, least = 2) {
  const found = [];
  let last = null;
  for (const [onset, end] of spans) {
    const x = xOf(area, view, onset);
    const right = Math.max(xOf(area, view, end), x + least);
    if (last && x <= last[0] + last[1] && Math.floor(x) <= Math.floor(last[0] + least)) last[1] = Math.max(last[1], right - last[0]);
    else found.push((last = [x, right - x]));
  }
  return found;
}

// Which edge of a span lies under a point: "onset", "end" or null; the nearer one wins.
export function edgeAt(span, area, view, x, reach = 6) {
  const toOnset = Math.abs(x - xOf(area, view, span[0]));
  const toEnd = Math.abs(x - xOf(area, view, span[1]));
  if (Math.min(toOnset, toEnd) > reach) return null;
  return toOnset <= toEnd && !(toOnset === toEnd && x > xOf(area, view, span[1])) ? "onset" : "end";
}
