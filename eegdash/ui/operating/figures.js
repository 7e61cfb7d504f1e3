// The figures of a threshold as tables: events and windows side by side, by recording, by person.

import { button, make } from "../viewer/dom.js";
import { countsAt, eventRates, personsOf, spread, windowRates } from "./rates.js";
import { orderOf } from "./sorting.js";
import { NA, meanSd, perDay, shapeOf, share, threshold } from "./words.js";

const CELLS = [
  ["Sensitivity", "share of seizures that are found"],
  ["Precision", "share of what is called seizure that is one"],
  ["F1", "harmonic mean of sensitivity and precision"],
  ["FP/24 h", "false alarms per 24 h of known truth"],
  ["Specificity", "share of seizure-free windows that stay quiet"],
  ["Accuracy", "share of all windows that are right"],
  ["Weighted F1", "F1 of both classes, weighted by their windows"],
];
const HEADS = ["", "Events", "Mean over persons", "Seconds", "Windows"];
const TITLES = [
  "",
  "SzCORE: counts of all recordings added. Detections less than 90 s apart count as one; 30 s before and 60 s after a seizure are tolerated",
  "SzCORE events: mean ± standard deviation; the recordings of a person are added first",
  "SzCORE: seconds inside and outside of seizures",
  "Windows of the detector, without event rules",
];

const cell = (tag, text, more = {}) => make(tag, { textContent: text, ...more });

// Rows whose cells keep their nodes, so that moving the threshold sets text and nothing else.
class Rows {
  constructor(tag) {
    this.node = make(tag);
    this.rows = [];
  }

  // `rows` are lists of text, the first being the row's name; `titles` explain the names.
  show(rows, titles = []) {
    while (this.rows.length > rows.length) this.rows.pop().row.remove();
    rows.forEach((texts, i) => {
      if (!this.rows[i] || this.rows[i].cells.length !== texts.length) {
        const cells = texts.map((_, j) => make(j ? "td" : "th", j ? {} : { scope: "row" }));
        const row = make("tr", {}, ...cells);
        if (this.rows[i]) this.rows[i].row.replaceWith(row);
        else this.node.append(row);
        this.rows[i] = { row, cells, texts: [] };
      }
      const { cells, texts: before } = this.rows[i];
      texts.forEach((text, j) => {
        if (before[j] !== text) cells[j].textContent = text;
      });
      cells[0].title = titles[i] || "";
      this.rows[i].texts = texts;
    });
  }
}

export class Sheet {
  constructor(caption, heads, titles = []) {
    this.heads = heads.map((text, i) => cell("th", text, { scope: "col", title: titles[i] || "" }));
    this.body = new Rows("tbody");
    this.node = make("table", {}, make("caption", { textContent: caption, class: "hidden" }), make("thead", {}, make("tr", {}, ...this.heads)), this.body.node);
  }

  show(rows, titles) {
    this.body.show(rows, titles);
  }
}

const SORTS = ["descending", "ascending"];

// A long table that is ordered by a press on a head: falling, rising, as it came. The order holds
// while the threshold moves, so that no row runs away from under the eye. `foot` stays in sight.
class SortedSheet extends Sheet {
  constructor(caption, heads) {
    super(caption, heads);
    this.foot = new Rows("tfoot");
    this.node.append(this.foot.node);
    this.sort = { column: 0, direction: "none" };
    this.order = null;
    this.heads.forEach((head, i) => head.replaceChildren(button(heads[i] || "Name", "Order the rows by this", () => this.sortBy(i), "sort")));
  }

  sortBy(column) {
    const { sort } = this;
    const place = sort.column === column ? SORTS.indexOf(sort.direction) + 1 : 0;
    this.sort = { column, direction: SORTS[place] || "none" };
    this.heads.forEach((head, i) => head.setAttribute("aria-sort", i === column ? this.sort.direction : "none"));
    this.order = place < SORTS.length ? orderOf(this.shown, column, place === 0) : null;
    super.show(this.inOrder());
  }

  inOrder() {
    return this.order ? this.order.map((i) => this.shown[i]) : this.shown;
  }

  show(rows, foot = []) {
    const others = !this.shown || rows.length !== this.shown.length || rows.some((row, i) => row[0] !== this.shown[i][0]);
    this.shown = rows;
    if (this.order && others) this.order = orderOf(rows, this.sort.column, this.sort.direction === SORTS[0]);
    super.show(this.inOrder());
    this.foot.show(foot);
  }
}

const part = (value, some, all) => (value === null ? NA : `${share(value)} (${some}/${all})`);

export const figureSheet = () => new Sheet("Figures of the operating point: events, seconds and windows", HEADS, TITLES);

export function showFigures(sheet, table, column) {
  const { events, samples, windows } = countsAt(table, column);
  const of = [eventRates(events), eventRates(samples), windowRates(windows)];
  const persons = personsOf(table).map(({ rows }) => eventRates(countsAt(table, column, rows).events));
  const over = (name, shown) => meanSd(spread(persons.map((rates) => rates[name])), shown);
  const of3 = (name) => [share(of[0][name]), over(name), share(of[1][name]), share(of[2][name])];
  const [, , w] = of;
  sheet.show(
    [
      ["Sensitivity", part(of[0].sensitivity, events.tp, events.n), ...of3("sensitivity").slice(1)],
      ["Precision", part(of[0].precision, events.tp, events.tp + events.fp), ...of3("precision").slice(1)],
      ["F1", ...of3("f1")],
      ["FP/24 h", `${perDay(of[0].fpPerDay)} (${events.fp})`, over("fpPerDay", perDay), "", ""],
      ["Specificity", "", "", "", share(w.specificity)],
      ["Accuracy", "", "", "", share(w.accuracy)],
      ["Weighted F1", "", "", "", share(w.weightedF1)],
    ],
    CELLS.map(([, title]) => title),
  );
}

// The points beside each other, and another detector's, on the recordings that all of them have.
export function showCompared(sheet, columns, active) {
  sheet.heads.forEach((head, i) => (head.textContent = i ? (columns[i - 1] ? `${shapeOf(columns[i - 1].name)} ${columns[i - 1].name}` : "") : ""));
  sheet.heads.forEach((head, i) => (head.hidden = i > columns.length));
  const rates = columns.map(({ table, column, rows, events_only }) => {
    const counts = countsAt(table, column, rows);
    return { events: eventRates(counts.events), windows: events_only ? null : windowRates(counts.windows) };
  });
  const line = (name, get) => [name, ...rates.map(get)];
  sheet.show([
    ["Threshold", ...columns.map(({ pm }) => (pm === null ? "fixed" : threshold(pm)))],
    line("Event sensitivity", (r) => share(r.events.sensitivity)),
    line("Event precision", (r) => share(r.events.precision)),
    line("Event F1", (r) => share(r.events.f1)),
    line("FP/24 h", (r) => perDay(r.events.fpPerDay)),
    line("Window sensitivity", (r) => (r.windows ? share(r.windows.sensitivity) : NA)),
    line("Window specificity", (r) => (r.windows ? share(r.windows.specificity) : NA)),
    line("Window F1", (r) => (r.windows ? share(r.windows.f1) : NA)),
  ]);
  const now = columns.findIndex(({ name }) => name === active) + 1;
  [sheet.heads, ...sheet.body.rows.map((row) => row.cells)].forEach((cells) => cells.forEach((node, i) => node.classList.toggle("now", i > 0 && i === now)));
}

export const groupSheet = (caption) =>
  new SortedSheet(caption, ["", "Seizures found", "Sensitivity", "False alarms", "FP/24 h", "Precision", "F1", "Detections", "Window sensitivity", "Window specificity"]);

function groupRow(name, table, column, rows) {
  const { events, windows } = countsAt(table, column, rows);
  const rates = eventRates(events);
  const w = windowRates(windows);
  return [name, `${events.tp} of ${events.n}`, share(rates.sensitivity), String(events.fp), perDay(rates.fpPerDay), share(rates.precision), share(rates.f1), String(events.found), share(w.sensitivity), share(w.specificity)];
}

export function showRecordings(sheet, table, column, nameOf) {
  sheet.show(table.recordings.map((recording, row) => groupRow(nameOf(recording), table, column, [row])));
}

// Persons, then mean and standard deviation over them.
export function showPersons(sheet, table, column) {
  const persons = personsOf(table);
  const rates = persons.map(({ rows }) => {
    const { events, windows } = countsAt(table, column, rows);
    return { ...eventRates(events), found: events.found, w: windowRates(windows) };
  });
  const over = (get, shown = share) => {
    const { mean, sd } = spread(rates.map(get));
    return mean === null ? NA : `${shown(mean)}${sd === null ? "" : ` ± ${shown(sd)}`}`;
  };
  const rows = persons.map((one) => groupRow(one.rows.length > 1 ? `${one.person} (${one.rows.length} recordings)` : one.person, table, column, one.rows));
  sheet.show(rows, [
    ["mean ± SD over persons", "", over((r) => r.sensitivity), "", over((r) => r.fpPerDay, perDay), over((r) => r.precision), over((r) => r.f1), "", over((r) => r.w.sensitivity), over((r) => r.w.specificity)],
  ]);
}

const QUADRANTS = [
  ["tn", "TN", "rightly quiet", "seizure-free, below the threshold"],
  ["fp", "FP", "false alarm", "seizure-free, at or above it"],
  ["fn", "FN", "missed", "seizure, below the threshold"],
  ["tp", "TP", "found", "seizure, at or above it"],
];

// The confusion matrix over windows, each quadrant in plain words.
export class Confusion {
  constructor() {
    this.values = {};
    const quadrants = QUADRANTS.map(([name, short, words, rule]) => {
      const value = make("b", { "data-quadrant": name });
      this.values[name] = value;
      return make("div", { class: `quadrant ${name}` }, make("span", { class: "short", textContent: short }), value, make("strong", { textContent: words }), make("small", { textContent: rule }));
    });
    this.node = make(
      "section",
      { class: "plot confusion", "aria-label": "Confusion matrix of windows" },
      make("h3", { textContent: "Confusion matrix " }, make("small", { textContent: "windows" })),
      make("div", { class: "quadrants" }, ...quadrants),
    );
  }

  show(table, column) {
    const rates = windowRates(countsAt(table, column).windows);
    const all = rates.tn + rates.fp + rates.fn + rates.tp;
    for (const [name] of QUADRANTS) {
      const text = all ? rates[name].toLocaleString("en") : NA;
      if (this.values[name].textContent !== text) this.values[name].textContent = text;
    }
  }
}
