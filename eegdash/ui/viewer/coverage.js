// How much of some spans was covered by others. Pure.

// Seconds of `spans` [[onset, end]] outside of `by`; both ascending and without overlap.
export function uncovered(spans, by) {
  let total = 0;
  let i = 0;
  for (const [onset, end] of spans) {
    let position = onset;
    while (i < by.length && by[i][1] <= onset) i++;
    for (let j = i; j < by.length && by[j][0] < end; j++) {
      total += Math.max(by[j][0] - position, 0);
      position = Math.max(position, by[j][1]);
    }
    total += Math.max(end - position, 0);
  }
  return total;
}

// The time axis without its gaps.
export function between(gaps, duration) {
  const spans = [];
  let position = 0;
  for (const [onset, end] of gaps) {
    if (onset > position) spans.push([position, onset]);
    position = Math.max(position, end);
  }
  if (position < duration) spans.push([position, duration]);
  return spans;
}

// Spans of scored windows: `level` is -1 where a window was not scored.
export function scoredSpans(level, first, step) {
  const spans = [];
  for (let i = 0; i < level.length; i++) {
    if (level[i] < 0) continue;
    const begin = i;
    while (i < level.length && level[i] >= 0) i++;
    spans.push([first + (begin - 0.5) * step, first + (i - 0.5) * step]);
  }
  return spans;
}
