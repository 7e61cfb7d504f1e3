// The elements around the canvases: toolbar, metrics, key sheet.

import { button, choice, make } from "./dom.js";
import { explain } from "./explain.js";
import { copyLink } from "./links.js";
import { PAGES, SENSITIVITIES, SHOWN, TRENDS } from "./settings.js";
import { TrendMenu } from "./trendmenu.js";

export function build(desk) {
  const canvas = (name, label) => make("canvas", { class: name, "aria-label": label, role: "img" });
  desk.canvas = {
    overview: canvas("overview", "Overview of the whole recording"),
    probability: canvas("probability", "Seizure probability with threshold and detections"),
    spectrogram: canvas("spectrogram", "Spectrograms"),
    trends: canvas("trends", "Trends"),
    raw: canvas("raw", "EEG traces"),
  };
  const s = desk.display.settings;
  const number = (name) => (value) => desk.display.set(name, Number(value));
  // the word stands before the value: a label above each would cost a row of EEG
  const pairs = (word, values, unit) => values.map((v) => [v, `${word} ${v ? `${v} ${unit}` : "off"}`.trim()]);
  desk.controls = {
    pageS: choice("Page", pairs("page", PAGES, "s"), s.pageS, number("pageS")),
    montage: choice("Montage", [], s.montage, (v) => desk.display.set("montage", v)),
    sensitivity: choice("Sensitivity", [[0, "µV/mm fitted"], ...pairs("", SENSITIVITIES, "µV/mm")], s.sensitivity, number("sensitivity"), "Keys up and down"),
    low: choice("LFF", pairs("LFF", [0, 0.1, 0.3, 0.5, 1, 1.6, 5], "Hz"), s.low, number("low"), "Low-frequency filter"),
    high: choice("HFF", pairs("HFF", [15, 30, 35, 50, 70, 0], "Hz"), s.high, number("high"), "High-frequency filter"),
    notch: choice("Notch", pairs("notch", [0, 50, 60], "Hz"), s.notch, number("notch")),
    trendS: choice("Trend", TRENDS, s.trendS, number("trendS"), "Span of probability and spectrogram"),
    show: choice("Show", SHOWN, s.show, (v) => desk.display.set("show", v), "What is drawn above the EEG (key v)"),
  };
  desk.goto = make("input", { type: "text", class: "goto", "aria-label": "Go to time, h:mm:ss or seconds", title: "Type a time (h:mm:ss or seconds) and press Enter" });
  desk.timeAs = choice("Time as", [["elapsed", "elapsed"], ["clock", "clock"]], s.timeAs, (v) => setTimeAs(desk, v));
  desk.timeAs.classList.add("as");
  desk.position = make("span", { class: "position" });
  desk.play = button("Play", "Page on by itself (space)", () => desk.navigation.toggleAutoplay());
  const toolbar = make(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "Display" },
    make("div", { class: "group" }, button("◀", "Previous page (left arrow)", () => desk.navigation.page(-1)), button("▶", "Next page (right arrow)", () => desk.navigation.page(1)), desk.goto, desk.position, desk.timeAs, desk.play, button("Link", "Copy a link to this page of this recording (key l)", () => copyLink(desk))),
    (desk.eventTools = make("div", { class: "group" }, button("◀ Event", "Previous detection (p)", () => desk.navigation.step(-1)), button("Event ▶", "Next detection (n)", () => desk.navigation.step(1)), button("Why?", "What the detector bases this on (key e)", () => explain(desk)), jumps(desk))),
    ...Object.values(desk.controls),
    trendMenu(desk),
    rawTools(desk),
    button("?", "Keyboard (?)", () => help(desk)),
  );
  const main = make("div", { class: "main" }, desk.canvas.overview, desk.canvas.probability, desk.metrics.node, desk.canvas.spectrogram, desk.canvas.trends, rawBox(desk));
  desk.sheet = helpSheet();
  const frame = make("div", { class: "desk" }, toolbar, make("div", { class: "columns" }, main, desk.panel.node), desk.channels.list, desk.sheet);
  desk.root.querySelector(".mount").replaceChildren(frame);
}

// The traces, with the cursor's canvas and the menu of a row over them.
function rawBox(desk) {
  const { canvas, cursor, channels } = desk;
  return make("div", { class: "raw-box" }, canvas.raw, cursor.canvas, cursor.spoken, channels.menu);
}

function trendMenu(desk) {
  desk.trendMenu = new TrendMenu(desk);
  return desk.trendMenu.node;
}

function rawTools(desk) {
  desk.channelsButton = button("Channels", "Rows to show, bad channels (key h)", () => desk.channels.toggleList());
  desk.measureButton = button("Measure", "Drag over the traces: seconds, Hz, µV (key k)", () => (desk.cursor.measuring ? desk.cursor.end() : desk.cursor.measure()));
  desk.measureButton.setAttribute("aria-pressed", "false");
  const box = make("input", { type: "checkbox", checked: desk.display.settings.notes, onchange: (e) => desk.display.set("notes", e.target.checked) });
  desk.notesField = make("label", { class: "check", title: "What is noted in the file itself", hidden: true }, box, "Notes");
  return make("div", { class: "group" }, desk.channelsButton, desk.measureButton, desk.notesField);
}

// The other ways from one thing to the next.
function jumps(desk) {
  const { navigation } = desk;
  const pair = (name, step, keys) =>
    make(
      "div",
      { class: "row" },
      button("◀", `Previous ${name} (${keys[0]})`, () => step(-1)),
      button("▶", `Next ${name} (${keys[1]})`, () => step(1)),
      make("span", { textContent: name }),
    );
  const menu = make(
    "details",
    { class: "popover jumps", onkeydown: (event) => event.key === "Escape" && leave(menu, event) },
    make("summary", { textContent: "Jump to", title: "Unreviewed detections (N, P), disagreements (x, X)" }),
    make(
      "div",
      {},
      pair("unreviewed detection", (direction) => navigation.stepUnreviewed(direction), ["Shift P", "Shift N"]),
      pair("disagreement", (direction) => navigation.stepDisagreement(direction), ["Shift X", "x"]),
    ),
  );
  return menu;
}

function leave(menu, event) {
  if (!menu.open) return;
  event.stopPropagation();
  menu.open = false;
  menu.querySelector("summary").focus();
}

function setTimeAs(desk, value) {
  desk.goto.blur();
  desk.display.set("timeAs", value);
  timeChoice(desk);
}

// Clock time is offered where the recording says when it began.
export function timeChoice(desk) {
  const select = desk.timeAs.querySelector("select");
  const none = desk.startOfDay === null;
  const clock = select.querySelector('option[value="clock"]');
  clock.disabled = none;
  clock.title = none ? "This recording has no start time" : "";
  select.title = none ? "This recording has no start time, so there is no clock time." : "What the time field shows and takes";
  select.value = desk.navigation.byClock ? "clock" : "elapsed";
  const words = desk.navigation.byClock ? "Go to clock time, hh:mm:ss" : "Go to time, h:mm:ss or seconds";
  desk.goto.setAttribute("aria-label", words);
  desk.goto.title = `${words}; press Enter`;
}

export function montageChoices(desk) {
  const select = desk.controls.montage.querySelector("select");
  select.replaceChildren(
    ...desk.data.recording.montages.map((m) => make("option", { value: m.name, textContent: m.title, disabled: !m.available, title: m.why })),
  );
  const absent = desk.data.recording.montages.filter((m) => !m.available).map((m) => `${m.title}: ${m.why}`);
  select.title = absent.join("\n");
  desk.display.applyMontage();
  select.value = desk.display.montage().name;
}

export function help(desk) {
  desk.sheet.hidden = !desk.sheet.hidden;
}

function helpSheet() {
  const rows = [
    ["← →", "previous, next page"], ["Shift ← →", "one second"], ["PgUp PgDn", "ten pages"], ["Home End", "start, end of the recording"], ["space", "play, pause"],
    ["n p", "next, previous detection"], ["N P", "next, previous detection that is not reviewed"], ["x X", "next, previous disagreement"], ["l", "copy a link to this page"], ["e", "explain: why the detector says so here; e again comes back"],
    ["↑ ↓", "larger, smaller traces (sensitivity)"], ["[ ]", "threshold down, up by 0.01"], ["v", "more room for the EEG: without the overview, mostly EEG, all again"], ["t", "trends: what is drawn, of what, in which limits"], ["h", "channels: rows to show, bad channels"],
    [", .", "cursor 0.1 s to the left, right"], ["< >", "cursor to the row above, below"], ["k", "measure: set the first, then the second caliper; Esc ends"],
    ["a d u", "agree, disagree, unsure: label the chosen detection"], ["m", "mark a missed seizure: drag, or Enter for this page (or Shift and drag)"],
    ["{ }", "onset 0.1 s earlier, later: of the marked span, the chosen detection or label"], ["( )", "end 0.1 s earlier, later"],
    ["Enter Esc", "save, forget the marked span or the new times"], ["y", "split your label at the cursor, or in the middle of the page"], ["z", "take back your last label"],
    ["s", "sign the recording off; Enter confirms"], ["q", "next to review, in the order of the Labels page"], ["?", "show or hide this sheet"],
  ];
  return make(
    "div",
    { class: "sheet keys", hidden: true, role: "region", "aria-label": "Keyboard" },
    make("h3", { textContent: "Keyboard" }),
    make("dl", {}, ...rows.map(([keys, what]) => make("div", {}, make("dt", { textContent: keys }), make("dd", { textContent: what })))),
  );
}
