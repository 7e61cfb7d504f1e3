// What is applied to the pictures: montage, filters, sensitivity, and the addresses of their tiles.

import { SENSITIVITIES, store, stored } from "./settings.js";
import { decodeRaw, decodeSpectrogram } from "./tiles.js";
import { PX_PER_MM, typicalPeaks } from "./traces.js";

const STANDARD_SENSITIVITY = 7; // µV/mm (ACNS guideline 1)
const LONG_PAGE_S = 30; // from here on raw tiles come thinned to min/max

export class Display {
  constructor(desk) {
    this.desk = desk;
    this.settings = stored();
    this.fitted = null;
  }

  opened() {
    this.fitted = null;
  }

  montage() {
    const all = this.desk.data.recording.montages;
    return all.find((m) => m.name === this.settings.montage && m.available) || all.find((m) => m.available) || all[all.length - 1];
  }

  applyMontage() {
    const montage = this.montage();
    this.channels = montage.names;
    this.sides = montage.sides;
  }

  // µV/mm on screen: as chosen, or fitted once to the first page of the recording.
  get sensitivity() {
    return this.settings.sensitivity || this.fitted || STANDARD_SENSITIVITY;
  }

  // The smallest standard step, not below 7 µV/mm, at which most of the first page stays within
  // one row above and below its own; it does not change again, so that nothing jumps.
  fitSensitivity(tiles, rowHeight) {
    if (this.fitted) return;
    const peaks = typicalPeaks(tiles);
    if (!peaks.length) return;
    const wanted = (peaks[Math.floor(peaks.length / 2)] * PX_PER_MM) / (1.2 * rowHeight);
    this.fitted = SENSITIVITIES.find((v) => v >= Math.max(wanted, STANDARD_SENSITIVITY)) || SENSITIVITIES[SENSITIVITIES.length - 1];
  }

  stepSensitivity(direction) {
    const here = SENSITIVITIES.findIndex((v) => v >= this.sensitivity);
    const next = SENSITIVITIES[Math.min(Math.max(here + direction, 0), SENSITIVITIES.length - 1)];
    this.set("sensitivity", next);
  }

  set(name, value) {
    const { desk } = this;
    this.settings[name] = value;
    store(this.settings);
    this.applyMontage();
    if (name === "pageS") desk.navigation.pageChanged();
    const select = desk.controls[name]?.querySelector("select");
    if (select) select.value = String(value);
    desk.redraw();
  }

  // In words, for the heading of the EEG and for a screen reader.
  note() {
    const s = this.settings;
    const parts = [
      `${this.montage().title.toLowerCase()} montage`, `page ${s.pageS} s`, `${this.sensitivity} µV/mm at 96 dpi${s.sensitivity ? "" : " (fitted)"}`,
      s.low ? `LFF ${s.low} Hz` : "LFF off", s.high ? `HFF ${s.high} Hz` : "HFF off",
      s.notch ? `notch ${s.notch} Hz` : "notch off", "negative up",
    ];
    const rate = this.desk.data.recording.sfreq;
    const full = this.desk.data.raw.full_rate;
    if (this.rawLevel() === 1) parts.push("drawn from min/max of 31 ms");
    else if (rate > full) parts.push(`drawn from min/max at ${full} values/s`);
    return parts.join(", ");
  }

  // ---- tiles -------------------------------------------------------------------------------

  rawLevel() {
    return this.settings.pageS >= LONG_PAGE_S ? 1 : 0;
  }

  rawAddress(index) {
    const s = this.settings;
    const { base, mark } = this.desk.data;
    return `${base}/raw/${mark}/${this.montage().name}/${s.low}-${s.high}-${s.notch}/${this.rawLevel()}/${index}`;
  }

  // Visit the tiles of a span: [{start, tile or null}]; `get(address)` finds or fetches one.
  rawTiles(start, stop, get) {
    const length = this.desk.data.raw.tile_s[this.rawLevel()];
    const last = Math.floor((Math.min(stop, this.desk.duration) - 1e-6) / length);
    const found = [];
    for (let i = Math.max(Math.floor(start / length), 0); i <= last; i++)
      found.push({ start: i * length, tile: get(this.rawAddress(i)) });
    return found;
  }

  getRaw = (address) => this.desk.tiles.get(address, decodeRaw);

  getSpectrogram = (level, index) => {
    const { base, spectrogram } = this.desk.data;
    return this.desk.tiles.get(`${base}/spectrogram/${spectrogram.key}/${level}/${index}`, decodeSpectrogram);
  };

  // Fetch ahead what the next presses will show, the nearest first.
  prefetch() {
    const { start } = this.desk.navigation;
    const { pageS } = this.settings;
    const ask = (address) => this.desk.tiles.request(address, decodeRaw);
    for (const pages of [1, -1, 2, -2, 3, -3]) {
      const from = start + pages * pageS;
      if (from > this.desk.duration || from + pageS < 0) continue;
      this.rawTiles(Math.max(from, 0), from + pageS, ask);
    }
  }
}
