// From values to what is drawn: a line through every value, or their lowest and highest per pixel. Pure.

export const NO_SAMPLE = -32768;

// Calls `move(x, v)` and `line(x, v)` for one row of a tile. `origin` is the pixel of its first
// value, `pxPerValue` the distance of two; only what lies in [left, right] px is visited.
// Where several values share a pixel, the stroke goes from the lowest to the highest of them, so
// that no spike is lost; a missing sample lifts the pen.
export function strokeRow(values, offset, samples, origin, pxPerValue, left, right, move, line, pairs = false) {
  const first = Math.max(Math.floor((left - origin) / pxPerValue) - 1, 0);
  const last = Math.min(Math.ceil((right - origin) / pxPerValue) + 1, samples - 1);
  if (pairs && pxPerValue > 0.6) everyPair(values, offset, first - (first % 2), last, origin, pxPerValue, move, line);
  else if (pxPerValue > 0.6) everyValue(values, offset, first, last, origin, pxPerValue, move, line);
  else lowestAndHighest(values, offset, first, last, origin, pxPerValue, move, line);
}

function everyValue(values, offset, first, last, origin, pxPerValue, move, line) {
  let pen = false;
  for (let i = first; i <= last; i++) {
    const v = values[offset + i];
    if (v === NO_SAMPLE) {
      pen = false;
      continue;
    }
    pen ? line(origin + i * pxPerValue, v) : move(origin + i * pxPerValue, v);
    pen = true;
  }
}

// One row over the tiles [{start, tile or null}] of a page, in uV; the line goes on from one tile to
// the next where no sample is missing between them. `xOfTime` gives px, `pxPerS` px per second.
export function strokeTiles(tiles, row, xOfTime, pxPerS, left, right, move, line) {
  let joins = false; // whether the last value of the tile before this was there
  for (const { start, tile } of tiles) {
    if (!tile || !tile.samples) {
      joins = false;
      continue;
    }
    const { counts, samples, rate, scale, pairs } = tile;
    const offset = row * samples;
    let goesOn = joins && counts[offset] !== NO_SAMPLE;
    const begin = (x, v) => {
      (goesOn ? line : move)(x, v * scale[row]);
      goesOn = false;
    };
    strokeRow(counts, offset, samples, xOfTime(start), pxPerS / rate, left, right, begin, (x, v) => line(x, v * scale[row]), pairs);
    joins = counts[offset + samples - 1] !== NO_SAMPLE && xOfTime(start + samples / rate) >= left;
  }
}

// Lowest and highest of short bins with room for each: an upright stroke in the middle of the bin,
// from the end that is nearer to where the pen is, so that no slope is drawn that is not there.
function everyPair(values, offset, first, last, origin, pxPerValue, move, line) {
  let at = null;
  for (let i = first; i < last; i += 2) {
    const lo = values[offset + i];
    const hi = values[offset + i + 1];
    if (lo === NO_SAMPLE) {
      at = null;
      continue;
    }
    const x = origin + (i + 1) * pxPerValue;
    const [from, to] = at !== null && Math.abs(at - hi) < Math.abs(at - lo) ? [hi, lo] : [lo, hi];
    at === null ? move(x, from) : line(x, from);
    if (to !== from) line(x, to);
    at = to;
  }
}

function lowestAndHighest(values, offset, first, last, origin, pxPerValue, move, line) {
  let pen = false;
  let i = first;
  while (i <= last) {
    const px = Math.floor(origin + i * pxPerValue);
    let lo = 32767;
    let hi = NO_SAMPLE;
    while (i <= last && Math.floor(origin + i * pxPerValue) === px) {
      const v = values[offset + i++];
      if (v === NO_SAMPLE) continue;
      if (v < lo) lo = v;
      if (v > hi) hi = v;
    }
    if (hi === NO_SAMPLE) {
      pen = false;
      continue;
    }
    pen ? line(px + 0.5, lo) : move(px + 0.5, lo);
    if (hi !== lo) line(px + 0.5, hi);
    pen = true;
  }
}

// Per pixel the lowest and highest of integer levels in [first, last]; below 0 is "none". Visits
// `visit(px, lo, hi)` for pixels 0 to width - 1.
export function levelRange(level, first, last, width, visit) {
  const perPixel = (last - first) / width;
  for (let px = 0; px < width; px++) {
    let lo = Infinity;
    let hi = -1;
    for (let i = Math.floor(first + px * perPixel); i <= first + (px + 1) * perPixel && i <= last; i++) {
      if (level[i] < 0) continue;
      if (level[i] < lo) lo = level[i];
      if (level[i] > hi) hi = level[i];
    }
    if (hi >= 0) visit(px, lo, hi);
  }
}
