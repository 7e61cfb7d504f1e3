// The elements around the panels: comparison, view, overlay, colours, and the way back.

import { button, choice, make } from "../viewer/dom.js";
import * as fmt from "../viewer/format.js";
import { VIEWS } from "./parts.js";
import { inkAgainst, inkFor, signedColour } from "./scale.js";
import { PRESETS } from "./state.js";

const KEYS = [
  ["← →", "window before, after (1.5 s; with Shift ten)"], ["n p", "next, previous detection"], ["1 2 3 4", "number of panels"], ["v", "next view"],
  ["[ ]", "less, more of the map over the EEG"], ["drag", "zoom all panels; double click, 0 or Esc: all of the window"], ["e", "back to the same place on the page Review"], ["?", "show or hide this sheet"],
];

export function build(desk) {
  desk.canvas = {};
  desk.strip = make("canvas", { class: "strip", role: "img", tabIndex: 0 });
  desk.status = make("p", { class: "status", role: "status" });
  desk.grid = make("div", { class: "panels" });
  desk.research = make("p", { class: "note" });
  desk.where = make("span", { class: "where" });
  desk.controls = {
    preset: choice("Compare", [["", "own choice"], ...PRESETS], "methods", (v) => v && desk.preset(v)),
    view: choice("Map", VIEWS, "map", (v) => desk.set({ view: v }), "How the map is shown (key v)"),
    of: choice("Derivations", [["all", "all"]], "all", (v) => desk.set({ of: v }), "Which derivations the spectrogram and the map are of"),
    bandSet: choice("Bands", [["physiological", "delta to gamma"], ["slices", "B1 to B5"]], "physiological", (v) => desk.set({ bandSet: v }), "Bands of the table and of the view by band"),
    colours: choice("Colours", [["auto", "automatic"], ["own", "in the map's unit"], ["share", "% of each map"]], "auto", (v) => desk.set({ colours: v }), "Automatic: the maps' own unit where all have the same, else shares of each map's evidence"),
  };
  desk.slider = make("input", { type: "range", min: 0, max: 100, step: 1, "aria-label": "Map over spectrogram or traces", title: "Left: spectrogram or traces alone; right: map alone (keys [ and ])", oninput: (e) => desk.set({ slider: Number(e.target.value) }) });
  desk.bar = make("canvas", { class: "bar", role: "img" });
  desk.limit = make("span", { class: "limit" });
  desk.powerLimit = make("span", { class: "note" });
  desk.add = button("+ Panel", "One more panel, up to four", () => desk.addPanel());
  desk.sheet = make("div", { class: "sheet", hidden: true, role: "region", "aria-label": "Keyboard" }, make("h3", { textContent: "Keyboard" }), make("dl", {}, ...KEYS.flatMap(([keys, what]) => [make("dt", { textContent: keys }), make("dd", { textContent: what })])));
  const slide = make("label", { class: "field" }, make("span", { textContent: "EEG · map" }), desk.slider);
  const steps = make(
    "div",
    { class: "group" },
    button("◀", "Window before (left arrow)", () => desk.goTo(desk.state.index - 1)), button("▶", "Window after (right arrow)", () => desk.goTo(desk.state.index + 1)),
    button("◀ Event", "Previous detection (p)", () => desk.stepEvent(-1)), button("Event ▶", "Next detection (n)", () => desk.stepEvent(1)), desk.where,
  );
  const toolbar = make(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "Attribution" },
    button("◀ Back to the EEG", "To the same place on the page Review (key e)", () => desk.back(), "primary"),
    desk.controls.preset, desk.controls.view, desk.controls.of, slide, desk.controls.bandSet, desk.controls.colours, desk.add,
    button("?", "Keyboard (?)", () => (desk.sheet.hidden = !desk.sheet.hidden)),
  );
  const legend = make("div", { class: "legend" }, make("span", { textContent: "against" }), make("span", { class: "bar-box" }, desk.bar), make("span", { textContent: "for a seizure" }), desk.limit, desk.powerLimit);
  const below = make("div", { class: "below" }, desk.whatIf.node, desk.alarm.node);
  desk.root.querySelector(".mount").replaceChildren(make("div", { class: "desk" }, toolbar, steps, make("div", { class: "strip-box" }, desk.strip), desk.span.node, desk.status, legend, desk.grid, below, desk.research, desk.sheet));
}

export function refreshControls(desk, scales, theme, limits) {
  const { state, controls, data } = desk;
  set(controls.preset, state.preset);
  set(controls.view, state.view);
  set(controls.bandSet, state.bandSet);
  set(controls.colours, state.colours);
  derivations(desk);
  if (Number(desk.slider.value) !== state.slider) desk.slider.value = String(state.slider);
  desk.add.disabled = state.panels.length >= 4;
  const pm = desk.values[state.index];
  const t = desk.centreOf(state.index);
  const clock = desk.startOfDay === null ? "" : ` (${fmt.clock(desk.startOfDay, t)})`;
  desk.where.textContent = `Window around ${fmt.elapsed(t, 1)}${clock}, ${pm > 1000 ? "not scored" : `probability ${(pm / 1000).toFixed(2)}`}, threshold ${(data.trace.threshold_pm / 1000).toFixed(2)}`;
  desk.limit.textContent = scales.words.length ? `${["regions", "channels", "bands"].includes(state.view) ? "Bars (up for, down against) end at" : "Colours end at"} ${scales.words.join("; ")}, ${scales.words.length > 1 ? "each" : "the same in all panels"}${["map", "traces"].includes(state.view) ? "; + and − mark the strongest" : ""}.` : "";
  const traces = desk.panels.some(({ pictures }) => pictures.ready && pictures.ready.shown === "traces");
  desk.powerLimit.textContent = `Power: ${limits[0]} to ${limits[1]} dB re 1 µV²/Hz.${traces ? ` Traces: ${desk.uvPerRow()} µV per row, 1 to 70 Hz, negative up.` : ""}`;
  colourBar(desk.bar, theme);
}

function set(field, value) {
  const select = field.querySelector("select");
  if (select.value !== value) select.value = value;
}

// All, a region or a single derivation, once the first answer tells which there are.
function derivations(desk) {
  const select = desk.controls.of.querySelector("select");
  const ready = desk.panels.map(({ pictures }) => pictures.ready).find(Boolean);
  if (ready && select.dataset.key !== ready.answer.ch_names.join()) {
    select.dataset.key = ready.answer.ch_names.join();
    select.replaceChildren(
      make("option", { value: "all", textContent: "all" }),
      ...ready.answer.regions.map(({ name, title }) => make("option", { value: name, textContent: `${name}, ${title}` })),
      ...ready.answer.ch_names.map((name) => make("option", { value: name, textContent: name })),
    );
  }
  select.value = desk.state.of;
}

function colourBar(canvas, theme) {
  const [width, height] = [150, 12];
  if (canvas.width !== width) Object.assign(canvas, { width, height });
  const g = canvas.getContext("2d");
  g.fillStyle = theme.fill;
  g.fillRect(0, 0, width, height);
  for (let x = 0; x < width; x++) {
    const packed = signedColour((2 * x) / (width - 1) - 1, theme.dark);
    g.fillStyle = `rgba(${packed & 255},${(packed >> 8) & 255},${(packed >> 16) & 255},${(packed >>> 24) / 255})`;
    g.fillRect(x, 0, 1, height);
  }
  canvas.setAttribute("aria-label", "Colours: blue against a seizure, orange-red for one");
}

export { inkAgainst, inkFor };
