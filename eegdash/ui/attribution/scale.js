// Signed colours, zero-centred: blue speaks against a seizure, orange-red for one. Pure.

const AGAINST = { light: [33, 102, 172], dark: [94, 165, 235] };
const FOR = { light: [200, 62, 10], dark: [255, 122, 60] };

export const inkFor = (dark) => `rgb(${FOR[dark ? "dark" : "light"]})`;
export const inkAgainst = (dark) => `rgb(${AGAINST[dark ? "dark" : "light"]})`;

// Packed RGBA of a share of the limit, -1 to 1. No evidence is transparent; the square root keeps
// weak evidence visible without making it look strong.
export function signedColour(share, dark) {
  const size = Math.min(Math.abs(share), 1);
  const [r, g, b] = (share < 0 ? AGAINST : FOR)[dark ? "dark" : "light"];
  const alpha = Math.round(255 * size ** 0.75);
  return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

// Packed grey of a share 0 to 1, for a spectrogram that lies under colours; strong power is dark on
// light ground, bright on dark ground.
export function greyColour(share, dark) {
  const level = Math.min(Math.max(share, 0), 1);
  const v = Math.round(dark ? 22 + 140 * level : 250 - 140 * level);
  return ((255 << 24) | (v << 16) | (v << 8) | v) >>> 0;
}

// How much of spectrogram and of map is seen at a slider from 0 (spectrogram alone) over 50 (both)
// to 100 (map alone).
export const underlay = (slider) => Math.min(2 - slider / 50, 1);
export const overlay = (slider) => Math.min(slider / 50, 1);

// A number with three figures, without an exponent where it can be helped.
export function figure(value) {
  if (value === 0 || !Number.isFinite(value)) return value === 0 ? "0" : "n/a";
  const size = Math.abs(value);
  if (size >= 1000 && size < 1e6) return Math.round(value).toLocaleString("en");
  if (size >= 1e6 || size < 0.0005) return value.toExponential(1).replace("e", "·10^").replace("+", "");
  return Number(value.toPrecision(3)).toString();
}

export const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${figure(Math.abs(value))}`;
