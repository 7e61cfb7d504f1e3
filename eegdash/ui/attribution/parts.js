// What rows of a picture stand for: frequencies, regions, channels or bands of a map. Pure.

import { evidence, mean } from "./grid.js";

export const VIEWS = [
  ["map", "time × frequency"],
  ["regions", "by region"],
  ["channels", "by channel"],
  ["bands", "by band"],
  ["traces", "on the traces"],
];

// Why a view cannot be drawn of a map, in words; empty where it can.
export function whyNot(view, header) {
  if (["regions", "channels", "traces"].includes(view) && !header.placed)
    return "This method gives no place for this network: its convolutions mix the derivations. Choose Integrated Gradients for regions and channels.";
  if (view === "bands" && !header.bands.length) return "This network reads samples: its map has times and channels, no bands.";
  return "";
}

// Channels that the reader looks at: all, a region or one derivation.
export function chosenChannels(of, header) {
  const n = Math.max(header.ch_names.length, 1);
  const region = header.regions.find(({ name }) => name === of);
  if (region) return new Set(region.rows);
  const one = header.ch_names.indexOf(of);
  return one >= 0 ? new Set([one]) : new Set(Array.from({ length: n }, (_, i) => i));
}

const bandOf = (bands, freqs) => freqs.map((f) => bands.findIndex(([, low, high]) => f >= low - 1e-9 && f < high - 1e-9));

// Rows of a view: {names, rowOf(channel, frequency)}; the first row of the map of frequencies is the
// lowest, of all other views the top one.
export function rowsOf(view, header, { of, bandSet }) {
  if (view === "regions") {
    const row = new Map();
    header.regions.forEach(({ rows }, i) => rows.forEach((c) => row.set(c, i)));
    return { names: header.regions.map(({ name }) => name), titles: header.regions.map(({ title }) => title), rowOf: (c) => row.get(c) ?? -1 };
  }
  const channels = chosenChannels(of, header);
  if (view === "bands") {
    const bands = header.bands.length ? (bandSet === "slices" ? header.slices : header.bands) : [];
    const found = bandOf(bands, header.freqs_hz);
    // the highest band on top, as in the spectrogram
    const top = bands.length - 1;
    return {
      names: [...bands].reverse().map(([name]) => name),
      titles: [...bands].reverse().map(([name, low, high]) => `${name}, ${low} to ${high} Hz`),
      rowOf: (c, f) => (channels.has(c) && found[f] >= 0 ? top - found[f] : -1),
    };
  }
  if (view === "map") return { names: header.freqs_hz.map((f) => `${f} Hz`), titles: [], rowOf: (c, f) => (channels.has(c) ? f : -1) };
  return { names: header.ch_names, titles: header.ch_names, rowOf: (c) => c };
}

export function fieldOf(view, map, header, choice) {
  const rows = rowsOf(view, header, choice);
  // a map without places is the same wherever the reader looks
  const first = [...chosenChannels(choice.of, header)][0];
  const rowOf = header.placed ? rows.rowOf : (_, f) => rows.rowOf(first, f);
  return { ...rows, field: evidence(map, rows.names.length, rowOf) };
}

export function powerOf(power, header, of) {
  const channels = chosenChannels(of, header);
  return mean(power, power.freqs, (c, f) => (channels.has(c) ? f : -1));
}
