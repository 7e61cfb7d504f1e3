// Numbers read off the tiles of a page: a value at a time, and what lies between two times. Pure.
// `tiles` is [{start (s), tile or null}] in order of time, as the display gives them.

import { NO_SAMPLE } from "./envelope.js";

const LEAST_RATE = 100; // values/s from which a frequency is told: an EEG rhythm has several to a wave

function holding(tiles, t) {
  for (let i = tiles.length - 1; i >= 0; i--) if (tiles[i].start <= t) return tiles[i];
  return null;
}

// What the trace of a row says at a time: {state: "value", t, uv}, where the tile holds the samples;
// {state: "range", t, lo, hi, span} (uV, s) where it holds the lowest and highest of short bins;
// {state: "pending"} or {state: "none"}.
export function valueAt(tiles, row, t) {
  const found = holding(tiles, t);
  if (!found) return { state: "none" };
  if (!found.tile) return { state: "pending" };
  const { counts, samples, rate, scale, pairs } = found.tile;
  const offset = row * samples;
  const place = (t - found.start) * rate;
  if (!samples || place > samples) return { state: "none" };
  if (!pairs) {
    const i = Math.min(Math.round(place), samples - 1);
    const v = counts[offset + i];
    return v === NO_SAMPLE ? { state: "none" } : { state: "value", t: found.start + i / rate, uv: v * scale[row] };
  }
  const i = 2 * Math.min(Math.floor(place / 2), samples / 2 - 1);
  if (counts[offset + i] === NO_SAMPLE) return { state: "none" };
  return { state: "range", t, lo: counts[offset + i] * scale[row], hi: counts[offset + i + 1] * scale[row], span: 2 / rate };
}

// Lowest and highest uV of a row in [from, to] s, and its values there at `rate` where there is no
// hole among them (else null); of min/max bins the middles stand for the values. Null without any.
export function between(tiles, row, from, to) {
  let lo = Infinity;
  let hi = -Infinity;
  let values = [];
  let rate = 0;
  for (let k = 0; k < tiles.length; k++) {
    const { start, tile } = tiles[k];
    if (!tile) {
      const end = k + 1 < tiles.length ? tiles[k + 1].start : Infinity;
      if (start <= to && end > from) return null; // not all of it is here yet
      continue;
    }
    const step = tile.pairs ? 2 : 1;
    rate = tile.rate / step;
    const n = tile.samples / step;
    const first = Math.max(Math.ceil((from - start) * rate - (tile.pairs ? 1 : 1e-6)), 0);
    const last = Math.min(Math.floor((to - start) * rate + 1e-6), n - 1);
    for (let i = first; i <= last; i++) {
      const at = row * tile.samples + step * i;
      if (tile.counts[at] === NO_SAMPLE) {
        values = null;
        continue;
      }
      const a = tile.counts[at] * tile.scale[row];
      const b = tile.counts[at + step - 1] * tile.scale[row];
      lo = Math.min(lo, a);
      hi = Math.max(hi, b);
      if (values) values.push((a + b) / 2);
    }
  }
  return hi < lo ? null : { lo, hi, values, rate };
}

// The frequency (Hz) of most power in a stretch of values, or null where less than 1.5 cycles of
// it fit in, or the rate is too low to tell. Periodogram: linear trend removed, Hann window, zeros
// added to four times the length, parabola through the logarithm of the three highest bins.
export function dominantHz(values, rate) {
  const n = values.length;
  if (n < 16 || rate < LEAST_RATE) return null;
  const size = 2 ** Math.ceil(Math.log2(4 * n));
  const re = new Float64Array(size);
  re.set(windowed(values));
  const power = spectrum(re);
  const duration = n / rate;
  const lowest = Math.max(Math.ceil(size / n), 1);
  let best = lowest;
  for (let k = lowest; k < size / 2; k++) if (power[k] > power[best]) best = k;
  if (!(power[best] > 1e-9)) return null;
  const [a, b, c] = [power[best - 1], power[best], power[best + 1]].map((p) => Math.log(p + 1e-300));
  const shift = a < b && c < b ? (0.5 * (a - c)) / (a - 2 * b + c) : 0;
  const hz = ((best + shift) * rate) / size;
  return hz * duration >= 1.5 ? hz : null;
}

function windowed(values) {
  const n = values.length;
  const middle = (n - 1) / 2;
  let sum = 0;
  let slope = 0;
  let spread = 0;
  values.forEach((v, i) => {
    sum += v;
    slope += v * (i - middle);
    spread += (i - middle) ** 2;
  });
  return values.map((v, i) => (v - sum / n - (slope / spread) * (i - middle)) * 0.5 * (1 - Math.cos((2 * Math.PI * (i + 0.5)) / n)));
}

// Power of a real signal of 2^m values: radix-2 Fourier transform (Cooley and Tukey 1965).
function spectrum(re) {
  const n = re.length;
  const im = new Float64Array(n);
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j]] = [re[j], re[i]];
  }
  for (let length = 2; length <= n; length <<= 1) {
    const half = length >> 1;
    for (let k = 0; k < half; k++) {
      const c = Math.cos((-2 * Math.PI * k) / length);
      const s = Math.sin((-2 * Math.PI * k) / length);
      for (let i = k; i < n; i += length) {
        const j = i + half;
        const x = re[j] * c - im[j] * s;
        const y = re[j] * s + im[j] * c;
        re[j] = re[i] - x;
        im[j] = im[i] - y;
        re[i] += x;
        im[i] += y;
      }
    }
  }
  return re.map((v, i) => v * v + im[i] * im[i]);
}

// All that is told of a row between two calipers: s, Hz as one cycle, uV peak to peak, Hz, cycles.
export function measured(tiles, row, from, to) {
  const duration = Math.abs(to - from);
  const found = between(tiles, row, Math.min(from, to), Math.max(from, to));
  const hz = found && found.values ? dominantHz(found.values, found.rate) : null;
  return {
    duration,
    asOneCycle: duration > 0 ? 1 / duration : null,
    peakToPeak: found ? found.hi - found.lo : null,
    hz,
    cycles: hz === null ? null : hz * duration,
    coarse: Boolean(found) && found.rate < LEAST_RATE,
  };
}
