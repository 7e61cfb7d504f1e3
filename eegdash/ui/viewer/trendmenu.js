// The reader's choice of trends: which are shown, of what the spectrogram is, its range and colours.

import { choice, make } from "./dom.js";
import { LIMITS } from "./settings.js";
import { TREND_TITLES, absence, isAbsent } from "./trends.js";

const SHOWN = [["spectrogram", "Spectrogram"], ...Object.entries(TREND_TITLES)];
const MEANING = {
  spectrogram: "power by frequency and time",
  aeeg: "how large the EEG is, in µV, left and right",
  asymmetry: "which side has more power, by frequency",
  rhythmicity: "where one frequency stands out for seconds, left and right",
};
const NONE = "";

export class TrendMenu {
  constructor(desk) {
    this.desk = desk;
    this.boxes = SHOWN.map(([name, title]) => this.box(name, title));
    this.rows = make("div", { class: "row" });
    this.rowsNote = make("p", { class: "note" });
    this.node = make(
      "details",
      { class: "popover", onkeydown: (e) => this.keyIn(e) },
      make("summary", { textContent: "Trends", title: "What is drawn between probability and EEG (key t)" }),
      make("div", { role: "group", "aria-label": "Trends" }, make("div", { class: "boxes" }, ...this.boxes.map((box) => box.node)), this.controls(), this.rows, this.rowsNote),
    );
    desk.root.addEventListener("pointerdown", (e) => {
      if (!e.composedPath().includes(this.node)) this.close();
    });
  }

  box(name, title) {
    const { display } = this.desk;
    let byPointer = false;
    const input = make("input", {
      type: "checkbox",
      checked: display.settings[name],
      onkeydown: () => (byPointer = false),
      onchange: (e) => {
        display.set(name, e.target.checked);
        if (byPointer) input.blur(); // the keys belong to the EEG again
      },
    });
    const why = make("small", {});
    const node = make("label", { class: "check", onpointerdown: () => (byPointer = true) }, input, title, why);
    return { name, input, why, node };
  }

  controls() {
    const { display, controls } = this.desk;
    const s = display.settings;
    const limits = LIMITS.map(([low, high]) => [`${low} ${high}`, `${low} to ${high} dB`]);
    controls.fmax = choice("Range", [20, 40, 70].map((f) => [f, `0.5 to ${f} Hz`]), s.fmax, (v) => display.set("fmax", Number(v)), "Frequencies shown");
    controls.limits = choice("Limits", limits, `${s.dbLow} ${s.dbHigh}`, (v) => this.setLimits(v), "Power at the ends of the colour bar, dB re 1 µV²/Hz");
    controls.colours = choice("Colours", [["viridis", "viridis"], ["turbo", "rainbow"]], s.colours, (v) => display.set("colours", v));
    controls.spectrogramOf = choice("Spectrogram of", [["regions", "regions"], ["rows", "chosen rows"]], s.spectrogramOf, (v) => this.setSource(v));
    return make("div", { class: "row" }, controls.spectrogramOf, controls.fmax, controls.limits, controls.colours);
  }

  setLimits(text) {
    const [low, high] = text.split(" ").map(Number);
    this.desk.display.settings.dbLow = low;
    this.desk.display.set("dbHigh", high);
  }

  // The first choice of rows is not an empty one.
  setSource(value) {
    const { display } = this.desk;
    const { name, names } = display.montage();
    if (value === "rows" && !(display.settings.chosen[name] || []).some((row) => names.includes(row)))
      display.settings.chosen = { ...display.settings.chosen, [name]: names.slice(0, 1) };
    display.set("spectrogramOf", value);
  }

  setRow(place, value) {
    const { display } = this.desk;
    const { name, names } = display.montage();
    const chosen = (display.settings.chosen[name] || []).filter((row) => names.includes(row));
    chosen[place] = value;
    const rows = [...new Set(chosen)].filter((row) => row && row !== NONE);
    display.set("chosen", { ...display.settings.chosen, [name]: rows });
  }

  // What this recording and montage offer.
  refresh() {
    const { desk } = this;
    const { settings } = desk.display;
    this.boxes.forEach(({ name, input, why, node }) => {
      const absent = name === "spectrogram" ? !desk.spectrogram : isAbsent(desk, name);
      const problem = name === "spectrogram" ? (absent ? "This recording has no channel to show." : "") : absence(desk, name);
      input.disabled = absent;
      input.checked = settings[name] && !absent;
      why.textContent = problem || MEANING[name];
      node.classList.toggle("absent", absent);
    });
    const { title, name, names } = desk.display.montage();
    const signature = JSON.stringify([settings.spectrogramOf, name, names, settings.chosen[name]]);
    if (signature === this.signature) return;
    this.signature = signature;
    const asked = settings.spectrogramOf === "rows" && desk.spectrogram;
    const focused = [...this.rows.children].indexOf(desk.root.activeElement?.closest?.(".field"));
    const chosen = (settings.chosen[name] || []).filter((row) => names.includes(row));
    const places = asked ? Math.min(chosen.length + 1, desk.spectrogram.most_chosen) : 0;
    this.rows.replaceChildren(
      ...Array.from({ length: places }, (_, i) =>
        choice(`Row ${i + 1}`, [[NONE, "none"], ...names.map((row) => [row, row])], chosen[i] || NONE, (v) => this.setRow(i, v)),
      ),
    );
    if (focused >= 0) this.rows.children[Math.min(focused, places - 1)]?.querySelector("select").focus();
    this.rowsNote.textContent = asked
      ? `Up to ${desk.spectrogram.most_chosen} rows of the montage shown (${title.toLowerCase()}), remembered in this browser.${chosen.length ? "" : " None is chosen, so the regions are shown."}`
      : "";
  }

  toggle() {
    if (this.close()) return;
    this.node.open = true;
    this.boxes[0].input.focus();
  }

  // Whether there was anything to close.
  close() {
    if (!this.node.open) return false;
    this.node.open = false;
    if (this.node.contains(this.desk.root.activeElement)) this.desk.root.activeElement.blur();
    return true;
  }

  keyIn(event) {
    if (event.key !== "Escape" && !(event.key === "t" && event.target.tagName !== "SELECT")) return;
    event.preventDefault();
    event.stopPropagation();
    this.close();
  }
}
