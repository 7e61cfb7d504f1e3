// Reductions of a signed map to rows and columns. Pure.
//
// Evidence for and evidence against are summed apart: a signed sum over derivations lets them cancel,
// and what is left says nothing.

// A map or a spectrogram: values of segments x channels x frequencies x frames; a network that reads
// samples has one "frequency", a method without a channel axis has one "channel".
export function grid(values, shape) {
  const [segments, channels, freqs, frames] = shape;
  return { values, segments, channels, freqs, frames, columns: segments * frames };
}

// Evidence for (`pos`) and against (`neg`, as positive numbers) of rows x columns; `rowOf(channel,
// frequency)` says where a value goes, -1 for nowhere.
export function evidence(map, nRows, rowOf) {
  const { values, segments, channels, freqs, frames, columns } = map;
  const pos = new Float32Array(nRows * columns);
  const neg = new Float32Array(nRows * columns);
  for (let c = 0; c < channels; c++)
    for (let f = 0; f < freqs; f++) {
      const row = rowOf(c, f);
      if (row < 0) continue;
      for (let s = 0; s < segments; s++) {
        const from = ((s * channels + c) * freqs + f) * frames;
        const to = row * columns + s * frames;
        for (let t = 0; t < frames; t++) {
          const v = values[from + t];
          if (v > 0) pos[to + t] += v;
          else neg[to + t] -= v;
        }
      }
    }
  return { rows: nRows, columns, pos, neg };
}

// Mean over what falls into a row, for pictures of power; `of` turns a value into what is averaged.
export function mean(map, nRows, rowOf, of = (v) => v) {
  const { values, segments, channels, freqs, frames, columns } = map;
  const sum = new Float32Array(nRows * columns);
  const count = new Uint16Array(nRows);
  for (let c = 0; c < channels; c++)
    for (let f = 0; f < freqs; f++) {
      const row = rowOf(c, f);
      if (row < 0) continue;
      count[row] += 1;
      for (let s = 0; s < segments; s++) {
        const from = ((s * channels + c) * freqs + f) * frames;
        const to = row * columns + s * frames;
        for (let t = 0; t < frames; t++) sum[to + t] += of(values[from + t], f);
      }
    }
  for (let row = 0; row < nRows; row++) for (let t = 0; t < columns; t++) sum[row * columns + t] /= count[row] || 1;
  return { rows: nRows, columns, values: sum };
}

// Columns joined by `k` within each segment, the last of a segment being shorter where need be.
export function joined(field, segments, k) {
  const frames = field.columns / segments;
  const per = Math.ceil(frames / k);
  const columns = segments * per;
  const pos = new Float32Array(field.rows * columns);
  const neg = new Float32Array(field.rows * columns);
  for (let row = 0; row < field.rows; row++)
    for (let c = 0; c < field.columns; c++) {
      const to = row * columns + Math.floor(c / frames) * per + Math.floor((c % frames) / k);
      pos[to] += field.pos[row * field.columns + c];
      neg[to] += field.neg[row * field.columns + c];
    }
  return { rows: field.rows, columns, pos, neg };
}

// What a cell is coloured by: the larger of evidence for and against, with its sign.
export const dominant = (field, i) => (field.pos[i] >= field.neg[i] ? field.pos[i] : -field.neg[i]);

// Evidence of a whole field.
export function mass(field) {
  let pos = 0;
  let neg = 0;
  for (let i = 0; i < field.pos.length; i++) {
    pos += field.pos[i];
    neg += field.neg[i];
  }
  return { pos, neg, all: pos + neg };
}

// The limit of a colour scale: what all but one in 200 cells of all fields together stay below.
// `factors` bring the fields to one unit.
export function sharedLimit(fields, factors) {
  const sizes = [];
  fields.forEach((field, k) => {
    for (let i = 0; i < field.pos.length; i++) sizes.push(Math.max(field.pos[i], field.neg[i]) * factors[k]);
  });
  if (!sizes.length) return 0;
  const sorted = Float64Array.from(sizes).sort();
  const highest = sorted[sorted.length - 1];
  return sorted[Math.floor(0.995 * (sorted.length - 1))] || highest;
}

// The strongest cells of each sign, not too near to each other: [{row, column, sign}].
export function peaks(field, most, limit) {
  const found = [];
  for (const sign of [1, -1]) {
    const values = sign > 0 ? field.pos : field.neg;
    const order = Array.from(values.keys()).filter((i) => values[i] >= 0.5 * limit && values[i] > 0).sort((a, b) => values[b] - values[a]);
    const mine = [];
    for (const i of order) {
      if (mine.length >= most) break;
      const row = Math.floor(i / field.columns);
      const column = i % field.columns;
      const near = (p) => Math.abs(p.row - row) < Math.max(field.rows / 5, 1) && Math.abs(p.column - column) < field.columns / 6;
      if (!mine.some(near)) mine.push({ row, column, sign });
    }
    found.push(...mine);
  }
  return found;
}

// Borders of n + 1 cells around ascending centres; the outer ones are `low` and `high`.
export function edges(centres, low, high) {
  const found = [low];
  for (let i = 1; i < centres.length; i++) found.push((centres[i - 1] + centres[i]) / 2);
  found.push(high);
  return found;
}

// Borders of the columns of all segments, s from the start of the window. The frames of a segment
// stand for all of it: the first reaches to its start, the last to its end.
export function columnEdges(frameS, segmentS, segments) {
  const one = edges(frameS, 0, segmentS);
  const found = [];
  for (let s = 0; s < segments; s++) for (let t = 0; t < frameS.length; t++) found.push([s * segmentS + one[t], s * segmentS + one[t + 1]]);
  return found;
}

// The same borders with every `k` of a segment joined.
export function joinedEdges(pairs, segments, k) {
  const frames = pairs.length / segments;
  const found = [];
  for (let s = 0; s < segments; s++)
    for (let t = 0; t < frames; t += k) found.push([pairs[s * frames + t][0], pairs[s * frames + Math.min(t + k, frames) - 1][1]]);
  return found;
}

// Index of the pair of borders that a value lies between, -1 for none.
export const cellAt = (pairs, value) => pairs.findIndex(([a, b]) => value >= a && value < b);
