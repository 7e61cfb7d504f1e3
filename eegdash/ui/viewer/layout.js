// The elements around the canvases: toolbar, metrics, key sheet.

import { button, choice, make } from "./dom.js";
import { PAGES, SENSITIVITIES } from "./settings.js";

export function build(desk) {
  const canvas = (name, label) => make("canvas", { class: name, "aria-label": label, role: "img" });
  desk.canvas = {
    overview: canvas("overview", "Overview of the whole recording"),
    probability: canvas("probability", "Seizure probability with threshold and detections"),
    spectrogram: canvas("spectrogram", "Regional spectrograms"),
    raw: canvas("raw", "EEG traces"),
  };
  const s = desk.display.settings;
  const number = (name) => (value) => desk.display.set(name, Number(value));
  const pairs = (values, unit) => values.map((v) => [v, v ? `${v} ${unit}` : "off"]);
  desk.controls = {
    pageS: choice("Page", pairs(PAGES, "s"), s.pageS, number("pageS")),
    montage: choice("Montage", [], s.montage, (v) => desk.display.set("montage", v)),
    sensitivity: choice("Sensitivity", [[0, "fitted"], ...pairs(SENSITIVITIES, "µV/mm")], s.sensitivity, number("sensitivity"), "Keys up and down"),
    low: choice("LFF", pairs([0, 0.1, 0.3, 0.5, 1, 1.6, 5], "Hz"), s.low, number("low"), "Low-frequency filter"),
    high: choice("HFF", pairs([15, 30, 35, 50, 70, 0], "Hz"), s.high, number("high"), "High-frequency filter"),
    notch: choice("Notch", pairs([0, 50, 60], "Hz"), s.notch, number("notch")),
    trendS: choice("Trend", [[120, "2 min"], [600, "10 min"], [1800, "30 min"], [3600, "1 h"], [7200, "2 h"], [14400, "4 h"], [0, "all"]], s.trendS, number("trendS"), "Span of probability and spectrogram"),
    fmax: choice("Spectrogram", pairs([20, 40, 70], "Hz"), s.fmax, number("fmax"), "Highest frequency shown"),
    show: choice("Show", [["all", "all"], ["spectrogram", "no overview"], ["eeg", "EEG mostly"]], s.show, (v) => desk.display.set("show", v), "What is drawn above the EEG"),
    colours: choice("Colours", [["viridis", "viridis"], ["turbo", "rainbow"]], s.colours, (v) => desk.display.set("colours", v)),
  };
  desk.goto = make("input", { type: "text", class: "goto", "aria-label": "Go to time, h:mm:ss or seconds", title: "Type a time (h:mm:ss or seconds) and press Enter" });
  desk.position = make("span", { class: "position" });
  desk.play = button("Play", "Page on by itself (space)", () => desk.navigation.toggleAutoplay());
  const toolbar = make(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "Display" },
    make("div", { class: "group" }, button("◀", "Previous page (left arrow)", () => desk.navigation.page(-1)), button("▶", "Next page (right arrow)", () => desk.navigation.page(1)), make("label", { class: "field" }, make("span", { textContent: "Time" }), desk.goto), desk.position, desk.play),
    make("div", { class: "group" }, button("◀ Event", "Previous detection (p)", () => desk.navigation.step(-1)), button("Event ▶", "Next detection (n)", () => desk.navigation.step(1))),
    ...Object.values(desk.controls),
    button("?", "Keyboard (?)", () => help(desk)),
  );
  const main = make("div", { class: "main" }, desk.canvas.overview, desk.canvas.probability, desk.metrics.node, desk.canvas.spectrogram, desk.canvas.raw);
  desk.sheet = helpSheet();
  const frame = make("div", { class: "desk" }, toolbar, make("div", { class: "columns" }, main, desk.panel.node), desk.sheet);
  desk.root.querySelector(".mount").replaceChildren(frame);
}

export function montageChoices(desk) {
  const select = desk.controls.montage.querySelector("select");
  select.replaceChildren(
    ...desk.data.recording.montages.map((m) => make("option", { value: m.name, textContent: m.title, disabled: !m.available, title: m.available ? "" : m.why })),
  );
  desk.display.applyMontage();
  select.value = desk.display.montage().name;
}

export function help(desk) {
  desk.sheet.hidden = !desk.sheet.hidden;
}

function helpSheet() {
  const rows = [
    ["← →", "previous, next page"], ["Shift ← →", "one second"], ["PgUp PgDn", "ten pages"], ["Home End", "start, end of the recording"],
    ["↑ ↓", "larger, smaller traces (sensitivity)"], ["n p", "next, previous detection"], ["space", "play, pause"],
    ["a d u", "agree, disagree, unsure: label the chosen detection"], ["m", "mark a missed seizure: drag, or Enter for this page (or Shift and drag)"],
    ["Enter Esc", "save, forget the marked span"], ["z", "take back your last label"], ["[ ]", "threshold down, up by 0.01"], ["?", "show or hide this sheet"],
  ];
  return make(
    "div",
    { class: "sheet", hidden: true, role: "region", "aria-label": "Keyboard" },
    make("h3", { textContent: "Keyboard" }),
    make("dl", {}, ...rows.flatMap(([keys, what]) => [make("dt", { textContent: keys }), make("dd", { textContent: what })])),
  );
}
