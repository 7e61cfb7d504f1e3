// What the bytes of trend tiles mean, and the asymmetry that follows from those of the spectrogram. Pure.

// dB of a count of a spectrogram tile.
export const decibel = (info, count) => info.db_low + ((count - 1) / 254) * (info.db_high - info.db_low);

// (R - L) / (R + L) of power, from dB: -1 all left, 1 all right.
export const asymmetry = (dbLeft, dbRight) => Math.tanh((Math.LN10 / 20) * (dbRight - dbLeft));

export const asymmetryOfCount = (count) => (count - 128) / 127;

// The asymmetry of mirrored strips of a spectrogram tile, by frequency as counts (1 is -1, 255 is 1,
// 0 is "no data") and of all frequencies below `bins` together. Powers of several pairs are added, and
// those of a frequency and its two neighbours: a frame of 2 s does not tell them apart, and a single one
// is mostly chance.
export function asymmetryTile(tile, pairs, info, bins) {
  const used = Math.min(bins, tile.bins);
  const power = Float64Array.from({ length: 256 }, (_, v) => (v ? 10 ** (decibel(info, v) / 10) : NaN));
  const counts = new Uint8Array(tile.columns * used);
  const together = new Float32Array(tile.columns).fill(NaN);
  const lefts = new Float64Array(used + 2); // one bin more on either side
  const rights = new Float64Array(used + 2);
  const at = (strip, c, b) => power[tile.power[(strip * tile.columns + c) * tile.bins + b]];
  for (let c = 0; c < tile.columns; c++) {
    let allLeft = 0;
    let allRight = 0;
    lefts.fill(0);
    rights.fill(0);
    for (let b = 0; b < used; b++)
      for (const [l, r] of pairs) {
        const left = at(l, c, b);
        const right = at(r, c, b);
        if (Number.isNaN(left) || Number.isNaN(right)) continue;
        lefts[b + 1] += left;
        rights[b + 1] += right;
        allLeft += left;
        allRight += right;
      }
    for (let b = 0; b < used; b++) {
      if (lefts[b + 1] + rights[b + 1] === 0) continue;
      const left = lefts[b] + lefts[b + 1] + lefts[b + 2];
      const right = rights[b] + rights[b + 1] + rights[b + 2];
      counts[c * used + b] = 128 + Math.round((127 * (right - left)) / (right + left));
    }
    if (allLeft + allRight > 0) together[c] = (allRight - allLeft) / (allRight + allLeft);
  }
  return { panels: 1, columns: tile.columns, bins: used, power: counts, together };
}

// Amplitude-integrated EEG: where a value in µV lies on the scale, 0 to 1. Linear to 10 µV over the
// lower half, logarithmic to 100 µV over the upper half.
export const aeegHeight = (uv) => (uv <= 10 ? Math.max(uv, 0) / 20 : Math.min(0.5 * Math.log10(uv), 1));

export const aeegHeightOfCount = (count) => (count - 1) / 254;

export function aeegMicrovolt(count) {
  const height = aeegHeightOfCount(count);
  return height <= 0.5 ? 20 * height : 10 ** (2 * height);
}

// "8 to 21 µV", with a decimal where the scale resolves one; ">100" at its end.
export function aeegWords(lower, upper) {
  if (!lower || !upper) return "no value";
  const one = (count) => {
    const uv = aeegMicrovolt(count);
    return count === 255 ? ">100" : uv < 9.95 ? uv.toFixed(1) : String(Math.round(uv));
  };
  return `${one(lower)} to ${one(upper)} µV`;
}

// Runs of columns with data of one strip: [{from, columnS, lower: [heights], upper: [heights]}], in
// time order; a column without data ends a run, and so does a tile that is not here yet.
export function aeegRuns(pieces, strip) {
  const runs = [];
  let run = null;
  for (const { start, columnS, tile } of pieces) {
    if (!tile) run = null;
    for (let c = 0; tile && c < tile.columns; c++) {
      const at = 2 * (strip * tile.columns + c);
      if (!tile.power[at] || !tile.power[at + 1]) {
        run = null;
        continue;
      }
      if (!run) runs.push((run = { from: start + c * columnS, columnS, lower: [], upper: [] }));
      run.lower.push(aeegHeightOfCount(tile.power[at]));
      run.upper.push(aeegHeightOfCount(tile.power[at + 1]));
    }
  }
  return runs;
}
