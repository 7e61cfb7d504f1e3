// The operating point: Python sends facts and the address of the tables once; moving the threshold
// happens here, what was chosen goes back on release.

import { button, make } from "../viewer/dom.js";
import { RULES } from "../viewer/settings.js";
import { Controls } from "./controls.js";
import { Confusion, Sheet, figureSheet, groupSheet, showCompared, showFigures, showPersons, showRecordings } from "./figures.js";
import { listen } from "./input.js";
import { CALIBRATION, PLOTS, drawCalibration, drawPlot } from "./plots.js";
import { allRows, choose, columnOf, curveOf } from "./rates.js";
import { TableStore, rulesPath } from "./tables.js";
import { TARGETS, criterion, count, interval, length, notes, perDay, share, threshold } from "./words.js";

const BY_HAND = "by hand";
const ANSWER_MS = 10000;

const desks = new WeakMap();

// Called by the component's loader whenever Python's data change; the elements are kept.
export function update(component) {
  let desk = desks.get(component.parentElement);
  if (!desk) {
    desk = new OperatingDesk(component);
    desks.set(component.parentElement, desk);
  }
  desk.receive(component);
}

class OperatingDesk {
  constructor(component) {
    this.root = component.parentElement;
    this.host = this.root.host || this.root;
    this.store = new TableStore(() => this.redraw());
    this.curves = new WeakMap(); // table -> curve
    this.drawn = {}; // plot -> where its thresholds lie
    this.presenting = false;
    this.controls = new Controls(this);
    this.build();
    listen(this);
  }

  build() {
    const canvas = (name) => make("canvas", { class: name, role: "img" });
    this.canvas = Object.fromEntries([...Object.keys(PLOTS), "calibration"].map((name) => [name, canvas(name)]));
    this.confusion = new Confusion();
    this.status = make("p", { class: "status", role: "status" });
    this.warning = make("ul", { class: "warnings", "aria-label": "What to know about these figures" });
    this.figures = figureSheet();
    this.compared = new Sheet("Operating points compared", ["", "", "", ""]);
    this.comparedNote = make("p", { class: "note" });
    this.comparedBox = make("section", { class: "compared", "aria-label": "Compared" }, make("h3", { textContent: "Compared" }), this.compared.node, this.comparedNote);
    this.recordings = groupSheet("Figures by recording");
    this.persons = groupSheet("Figures by person, with their spread");
    this.values = new Sheet("Values of the curves", ["Threshold", "Event sensitivity", "FP/24 h", "Event precision", "Event F1", "Window sensitivity", "1 − specificity", "Window precision", "Window F1"]);
    this.valuesBox = make("details", { ontoggle: () => this.redraw() }, make("summary", { textContent: "Values of the curves as a table" }), make("div", { class: "scroll" }, this.values.node));
    this.summary = make("p", { class: "summary" });
    this.researchUse = make("p", { class: "research" });
    const plots = make("div", { class: "plots" }, ...Object.values(this.canvas).map((node) => make("div", { class: "plot" }, node)), this.confusion.node);
    const side = make("aside", { class: "side" }, make("h3", { textContent: "Figures " }, (this.which = make("small", {}))), this.figures.node, this.comparedBox, this.summary);
    this.body = make("div", { class: "columns" }, plots, side);
    this.more = make(
      "div",
      { class: "more fold" },
      make("h3", { textContent: "By recording" }), make("div", { class: "scroll" }, this.recordings.node),
      make("h3", { textContent: "By person" }), make("div", { class: "scroll" }, this.persons.node),
      this.valuesBox,
    );
    this.root.querySelector(".mount").replaceChildren(make("div", { class: "desk" }, this.controls.node, this.status, this.warning, this.body, this.more, this.researchUse));
  }

  receive(component) {
    this.send = component.setStateValue;
    this.trigger = component.setTriggerValue;
    const { data } = component;
    const asked = document.activeElement;
    // after a choice of recordings the keys belong to the threshold again
    if (this.data && this.data.address !== data.address && asked && asked.getAttribute("role") === "combobox") asked.blur();
    this.data = data;
    if (this.view !== data.view) {
      this.view = data.view;
      const { active, A, B } = data.points;
      this.points = { A, B };
      this.active = active;
    }
    this.names = new Map(data.recordings.map((recording) => [recording.sha256, recording.name]));
    this.answered(data.answer);
    this.researchUse.textContent = data.research_use;
    this.redraw();
  }

  // ---- the point ---------------------------------------------------------------------------

  get point() {
    return this.points[this.active];
  }

  change(changes) {
    const here = this.data.recordings.map((recording) => recording.sha256);
    this.points = { ...this.points, [this.active]: { ...this.point, chosen_on: here, ...changes } };
  }

  moveTo(column, released) {
    if (!this.grid) return;
    const last = this.grid.thresholds.length - 1;
    const pm = this.grid.thresholds[Math.min(Math.max(column, 0), last)];
    if (pm !== this.point.threshold_pm) {
      this.change({ threshold_pm: pm, criterion: BY_HAND, target: null });
      this.say("");
      this.redraw();
    }
    if (released) this.tell();
  }

  // A step on the grid of hundredths, whatever lies between.
  step(hundredths) {
    if (!this.grid) return;
    const pm = Math.min(Math.max(Math.round(this.point.threshold_pm / 10 + hundredths) * 10, 0), 1000);
    this.moveTo(columnOf(this.grid.thresholds, pm), true);
  }

  chooseBy(name, target = TARGETS[name] ? TARGETS[name][3] : null) {
    if (name === BY_HAND) {
      this.change({ criterion: BY_HAND, target: null });
    } else {
      const limits = TARGETS[name];
      if (!this.grid || (limits && !(target >= limits[0] && target <= limits[1]))) return this.say(`The target lies between ${limits[0]} and ${limits[1]}.`, true);
      const found = choose(this.grid.curve, name, target);
      this.change(found ? { threshold_pm: found.threshold_pm, criterion: name, target } : { criterion: name, target });
      const reached = name === "fp-per-24h" ? perDay : share;
      if (found) this.say(`${criterion(name, target)}: ${threshold(found.threshold_pm)}, which reaches ${reached(found.value)} here.`);
      else this.say(`No threshold reaches this on these recordings; it stays at ${threshold(this.point.threshold_pm)}.`, true);
    }
    this.redraw();
    this.tell();
  }

  setRule(name, text) {
    const [, words, lowest, highest] = RULES.find((rule) => rule[0] === name);
    const value = Number(text);
    if (text === "" || !(value >= lowest && value <= highest)) {
      this.say(`${words} lies between ${lowest} and ${highest}; it stays at ${this.point.post[name]}.`, true);
    } else {
      this.change({ post: { ...this.point.post, [name]: value }, criterion: BY_HAND, target: null });
      this.say("");
      this.tell();
    }
    this.redraw();
  }

  // Back to a point that Python knows: the one that holds, or the one the detector came with.
  backTo(point, words) {
    this.points = { ...this.points, [this.active]: structuredClone(point) };
    this.say(`Point ${this.active} is ${words}: ${threshold(point.threshold_pm)}.`);
    this.redraw();
    this.tell();
  }

  activate(name) {
    if (!this.points[name]) {
      this.points = { ...this.points, [name]: structuredClone(this.point) };
      this.say(`Point ${name} starts as a copy of ${this.active}: move it, then press t to compare.`);
    } else this.say("");
    this.active = name;
    this.redraw();
    this.tell();
  }

  tell() {
    this.send("points", { view: this.view, active: this.active, A: this.points.A, B: this.points.B });
  }

  lock(comment) {
    if (!this.data.reviewer) return this.say("NOT locked: enter your name or initials at the top of the page first.", true);
    this.locking = crypto.getRandomValues(new Uint32Array(4)).join("-");
    this.say("Locking …");
    this.trigger("lock", { view: this.view, id: this.locking, comment, point: this.point });
    const asked = this.locking;
    setTimeout(() => {
      if (this.locking !== asked) return;
      this.locking = null;
      this.say("NOT locked: the server did not answer. Try again.", true);
      this.redraw();
    }, ANSWER_MS);
    this.redraw();
  }

  answered(answer) {
    if (!answer || answer.id !== this.locking) return;
    this.locking = null;
    if (answer.ok) {
      this.controls.comment.value = "";
      this.controls.close();
    }
    this.say(answer.message, !answer.ok);
  }

  present(on) {
    this.presenting = on;
    this.controls.close();
    this.host.classList.toggle("presenting", on);
    this.root.querySelector(".desk").classList.toggle("presenting", on);
    this.controls.present.textContent = on ? "Leave (f)" : "Present";
    this.redraw();
  }

  say(text, bad = false) {
    this.status.textContent = text;
    this.status.classList.toggle("bad", bad);
  }

  // ---- drawing -----------------------------------------------------------------------------

  redraw() {
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = null;
      if (this.host.isConnected && this.data) this.paint();
    });
  }

  // {table, curve, column, thresholds} of a point, or {problem} or {} while it is computed.
  at(point) {
    const found = this.store.get(this.data.address, point.post);
    if (!found.table) return found;
    const { table } = found;
    if (!this.curves.has(table)) this.curves.set(table, curveOf(table));
    return { table, curve: this.curves.get(table), thresholds: table.threshold_pm, column: columnOf(table.threshold_pm, point.threshold_pm) };
  }

  paint() {
    const now = this.at(this.point);
    this.grid = now.table ? now : null;
    this.waiting(now);
    this.controls.refresh();
    const shown = this.grid || this.lastGrid; // the old picture stays, faded, while tables are computed
    this.body.hidden = this.more.hidden = !shown;
    if (!shown) return;
    this.lastGrid = shown;
    this.paintPlots(shown);
    showFigures(this.figures, shown.table, shown.column);
    this.confusion.show(shown.table, shown.column);
    this.paintCompared();
    this.paintWarnings(shown.table);
    if (!this.presenting) this.paintGroups(shown);
    this.which.textContent = `point ${this.active}, threshold ${threshold(this.point.threshold_pm)}`;
    this.body.classList.toggle("stale", !this.grid);
    this.host.dataset.painted = this.grid ? `${this.active}:${this.point.threshold_pm}:${rulesPath(this.point.post)}` : "computing";
  }

  waiting({ table, problem, address }) {
    if (table) {
      if (this.busy) this.say("");
      this.busy = false;
    } else if (problem) {
      this.busy = true;
      this.status.replaceChildren(problem, " ", button("Try again", "", () => { this.say("Computing …"); this.store.retry(address); }));
      this.status.classList.add("bad");
    } else if (!this.busy) {
      this.busy = true;
      this.say("Computing the tables of all thresholds …");
    }
  }

  series(shown) {
    const found = [];
    const other = this.active === "A" ? "B" : "A";
    const beside = this.points[other] ? this.at(this.points[other]) : {};
    const apart = beside.table && beside.table !== shown.table;
    const plain = !apart;
    if (beside.table) found.push({ key: other, curve: beside.curve, column: beside.column, active: false, movable: true, plain, dash: apart ? [6, 4] : [] });
    found.push({ key: this.active, curve: shown.curve, column: shown.column, active: true, movable: true, plain, dash: [] });
    const { other: theirs } = shown.table;
    if (theirs) {
      if (!this.curves.has(theirs)) this.curves.set(theirs, curveOf({ ...theirs, threshold_pm: shown.thresholds }));
      found.push({ key: "other", curve: this.curves.get(theirs), column: shown.column, active: false, dash: [1, 3] });
    }
    return found;
  }

  paintPlots(shown) {
    const series = this.series(shown);
    const scale = this.presenting ? Math.max(1.35, window.innerWidth / 1150) : 1;
    const { locked } = this.data;
    const { ranking, calibration } = shown.table;
    const at = shown.curve[shown.column];
    const words = {
      operating: `sensitivity ${share(at.events.sensitivity)} at ${perDay(at.events.fpPerDay)} per 24 h`,
      precision: `area, windows ${interval(ranking.auprc)}`,
      roc: `area ${interval(ranking.auroc)}`,
      f1: `events ${share(at.events.f1)}, windows ${share(at.windows.f1)} at ${threshold(this.point.threshold_pm)}`,
    };
    for (const [name, plot] of Object.entries(PLOTS)) {
      this.drawn[name] = drawPlot(this.canvas[name], plot, series, { host: this.host, scale, note: words[name], locked: locked ? locked.threshold_pm : null });
      this.canvas[name].setAttribute("aria-label", `${plot.title}, ${plot.y} against ${plot.x}: ${words[name]}. The values are in the table below.`);
    }
    const note = `Brier score ${share(calibration.brier)}, mean error ${share(calibration.expected_error)}`;
    drawCalibration(this.canvas.calibration, calibration, { host: this.host, scale, note, cut: this.point.threshold_pm });
    this.canvas.calibration.setAttribute("aria-label", `${CALIBRATION.title}: ${calibrationWords(calibration)} ${note}.`);
  }

  paintCompared() {
    const columns = [];
    const theirs = this.lastGrid.table.other;
    const rows = theirs ? theirs.rows : allRows(this.lastGrid.table);
    for (const name of ["A", "B"]) {
      const { table, column } = this.points[name] ? this.at(this.points[name]) : {};
      if (table) columns.push({ name, table, column, rows, pm: this.points[name].threshold_pm });
    }
    if (theirs) {
      const fixed = theirs.counts.n_events.every((counts) => counts.every((n) => n === counts[0]));
      const events_only = theirs.recordings.every((recording) => recording.n_seizure_windows + recording.n_free_windows === 0);
      columns.push({ name: theirs.name, table: theirs, column: this.lastGrid.column, rows: allRows(theirs), pm: fixed ? null : this.lastGrid.thresholds[this.lastGrid.column], events_only });
    }
    this.comparedBox.hidden = columns.length < 2;
    if (columns.length < 2) return;
    showCompared(this.compared, columns, this.active);
    const all = this.lastGrid.table.recordings.length;
    this.comparedNote.textContent = theirs ? `On the ${rows.length} of ${count(all, "recording")} that ${theirs.name} has results for${rows.length < all ? "; so are its dotted curves" : ""}.` : "";
  }

  paintWarnings(table) {
    const chosen = new Set(this.point.chosen_on);
    const people = new Set(this.point.chosen_on.map((sha256) => this.data.people[sha256]));
    const said = notes(table, {
      tuned: table.recordings.filter((recording) => chosen.has(recording.sha256)).length,
      tunedPersons: new Set(table.recordings.map((recording) => recording.person_key).filter((key) => people.has(key))).size,
      trained: this.data.recordings.filter((recording) => recording.trained).length,
      origin: this.point.chosen_on.length ? `but on ${count(this.point.chosen_on.length, "other")}` : criterion(this.point.criterion, this.point.target),
    });
    if (said.join("\n") === this.said) return;
    this.said = said.join("\n");
    this.warning.replaceChildren(...said.map(([text, bad]) => make("li", { textContent: text, class: bad ? "bad" : "" })));
    const { ranking, recordings } = table;
    const hours = recordings.reduce((sum, recording) => sum + recording.covered_s, 0);
    this.summary.textContent = `${this.data.title}${recordings.length > 1 ? `: ${count(recordings.length, "recording")}` : ""}, ${count(ranking.n_persons, "person")}, ${length(hours)} of known truth, ${count(ranking.n_windows, "window")} (${ranking.n_seizure.toLocaleString("en")} seizure). ${this.data.model.title}, ${this.data.model.sha256.slice(0, 8)}. Intervals by resampling persons.`;
  }

  paintGroups(shown) {
    showRecordings(this.recordings, shown.table, shown.column, (recording) => this.names.get(recording.sha256) || recording.alias);
    showPersons(this.persons, shown.table, shown.column);
    if (!this.valuesBox.open || this.valuesOf === shown.table) return;
    this.valuesOf = shown.table;
    this.values.show(shown.curve.map(({ threshold_pm, events, windows }) => [threshold(threshold_pm), share(events.sensitivity), perDay(events.fpPerDay), share(events.precision), share(events.f1), share(windows.sensitivity), share(windows.specificity === null ? null : 1 - windows.specificity), share(windows.precision), share(windows.f1)]));
  }
}

function calibrationWords({ n, stated, observed }) {
  return n.map((count, i) => (count ? `stated ${share(stated[i])}, observed ${share(observed[i])} in ${count} windows;` : "")).filter(Boolean).join(" ");
}
