// What is applied to the pictures: montage, filters, sensitivity, and the addresses of their tiles.

import { SENSITIVITIES, SHOWN, store, stored } from "./settings.js";
import { decodeRaw } from "./tiles.js";
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
    this.asked = null;
  }

  montage() {
    const all = this.desk.data.recording.montages;
    const wanted = all.find((m) => m.name === this.settings.montage && m.available);
    const fair = (m) => m.available && 2 * m.names.length >= m.n_wanted;
    // less than half of a montage is shown only where the reader asks for it in this recording
    if (wanted && (fair(wanted) || this.asked === wanted.name)) return wanted;
    return all.find(fair) || all.find((m) => m.available) || all[all.length - 1];
  }

  applyMontage() {
    const montage = this.montage();
    this.channels = montage.names;
    this.desk.trendMenu.refresh();
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

  // A length of page that an address asks for.
  showPage(pageS) {
    this.settings = { ...this.settings, pageS };
    const select = this.desk.controls.pageS?.querySelector("select");
    if (select) select.value = String(pageS);
  }

  set(name, value) {
    const { desk } = this;
    this.settings[name] = value;
    store(this.settings);
    if (name === "montage") this.asked = value;
    this.applyMontage();
    this.desk.channels.refresh();
    if (name === "pageS") desk.navigation.pageChanged();
    const select = desk.controls[name]?.querySelector("select");
    if (select) select.value = String(value);
    desk.redraw();
  }

  // From all to mostly EEG and round again.
  nextShow() {
    const here = SHOWN.findIndex(([name]) => name === this.settings.show);
    this.set("show", SHOWN[(here + 1) % SHOWN.length][0]);
  }

  // In words, for the heading of the EEG and for a screen reader; the higher `brief`, the more of
  // what the toolbar shows as well is left out (0: nothing).
  note(brief = 0) {
    const s = this.settings;
    const montage = this.montage();
    const filters = [s.low ? `LFF ${s.low} Hz` : "LFF off", s.high ? `HFF ${s.high} Hz` : "HFF off", s.notch ? `notch ${s.notch} Hz` : "notch off"];
    const partial = montage.available && montage.names.length < montage.n_wanted;
    return [
      this.desk.channels.note(),
      partial && `${montage.names.length} of ${montage.n_wanted} derivations`,
      `${montage.title.toLowerCase()}${brief ? "" : " montage"}`,
      brief < 2 && `page ${s.pageS} s`,
      `${this.sensitivity} µV/mm${brief ? "" : " at 96 dpi"}${s.sensitivity ? "" : " (fitted)"}`,
      ...(brief < 3 ? filters : filters.filter((words) => !words.endsWith("off"))),
      "negative up",
      this.thinned(),
    ].filter(Boolean).join(", ");
  }

  // How the traces were thinned, in words.
  thinned() {
    const { recording, raw } = this.desk.data;
    const samples = raw.bin_samples[this.rawLevel()];
    return samples > 1 ? `drawn from min/max of ${Math.round((1000 * samples) / recording.sfreq)} ms` : "";
  }

  // ---- tiles -------------------------------------------------------------------------------

  rawLevel() {
    return this.settings.pageS >= LONG_PAGE_S ? 1 : 0;
  }

  rawTileS() {
    return this.desk.data.raw.tile_s[this.rawLevel()];
  }

  rawAddress(index) {
    const s = this.settings;
    const { base, mark } = this.desk.data;
    return `${base}/raw/${mark}/${this.montage().name}/${this.desk.channels.inAddress()}/${s.low}-${s.high}-${s.notch}/${this.rawLevel()}/${index}`;
  }

  // Visit the tiles of a span: [{start, tile or null}]; `get(address)` finds or fetches one.
  rawTiles(start, stop, get) {
    const length = this.rawTileS();
    const last = Math.floor((Math.min(stop, this.desk.duration) - 1e-6) / length);
    const found = [];
    for (let i = Math.max(Math.floor(start / length), 0); i <= last; i++)
      found.push({ start: i * length, tile: get(this.rawAddress(i)) });
    return found;
  }

  getRaw = (address) => this.desk.tiles.get(address, decodeRaw);

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
