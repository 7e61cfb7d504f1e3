// Strips along the time axis: detections (solid), reference (hatched), labels (outlined, with a
// sign), and what was seen. Only what lies in view is visited; what shares a pixel is drawn once.

import { bars, xOf } from "./axis.js";
import * as fmt from "./format.js";
import { FONT, SMALL, clipPlot, hatch, note, rowName } from "./canvas.js";

const MARK = { agree: "✓", disagree: "✗", unsure: "?", missed: "+" };
const ROWS = [
  { name: "Detections", paint: detections, shown: (desk) => !desk.data.blinded },
  { name: "Reference", paint: references, shown: (desk) => Boolean(desk.reference) },
  { name: "Labels", paint: labels, shown: () => true },
  { name: "Notes", paint: notes, shown: (desk) => desk.notes.shown },
];
const WORDS_FROM = 10; // px of height from which a row has room for words
const BETWEEN = 2; // px

const rowsOf = (desk) => ROWS.filter((row) => row.shown(desk));

export const stripsHeight = (desk, rowHeight) => rowsOf(desk).length * (rowHeight + BETWEEN);

// Draw the rows from `top` on; return where they end.
export function strips(area, view, desk, top, rowHeight, theme) {
  rowsOf(desk).forEach((row, i) => {
    const y = top + i * (rowHeight + BETWEEN);
    area.g.fillStyle = theme.fill;
    area.g.fillRect(area.left, y, area.plot, rowHeight);
    if (rowHeight >= WORDS_FROM) rowName(area, row.name, y + rowHeight / 2, theme);
    else tinyName(area, row.name, y + rowHeight / 2, theme);
    clipPlot(area, y, rowHeight, () => row.paint(area, view, desk, y, rowHeight, theme));
  });
  return top + stripsHeight(desk, rowHeight);
}

function tinyName(area, name, y, theme) {
  area.g.font = "9px system-ui, sans-serif";
  area.g.textAlign = "right";
  area.g.fillStyle = theme.soft;
  area.g.fillText(name, area.left - 8, y + 0.5);
  area.g.font = FONT;
}

const inView = (index, view) => index.within(view.start, view.start + view.length);

function detections(area, view, desk, y, h, theme) {
  const { g } = area;
  const { operating } = desk;
  g.fillStyle = theme.event;
  const spans = inView(operating.index, view).map((event) => operating.spanOf(event));
  bars(spans, area, view).forEach(([x, w]) => g.fillRect(x, y, w, h));
  if (!operating.selected) return;
  const [a, b] = operating.spanOf(operating.selected);
  const x = xOf(area, view, a);
  g.strokeStyle = theme.text;
  g.lineWidth = 2;
  g.strokeRect(x + 1, y + 1, Math.max(xOf(area, view, b) - x - 2, 1), h - 2);
}

function references(area, view, desk, y, h, theme) {
  const { g } = area;
  unknown(desk.reference.coverage, desk.duration).forEach(([a, b]) => {
    const x = xOf(area, view, a);
    const w = xOf(area, view, b) - x;
    g.fillStyle = theme.gap;
    g.fillRect(x, y, w, h);
    if (h >= WORDS_FROM && w > 90) note(area, "truth not known", Math.max(x, area.left) + 6, y + h / 2, theme);
  });
  g.lineWidth = 1;
  g.strokeStyle = theme.reference;
  bars(inView(desk.references, view), area, view).forEach(([x, w]) => {
    g.fillStyle = hatch(g, theme.reference);
    g.fillRect(x, y, w, h);
    g.strokeRect(x + 0.5, y + 0.5, Math.max(w - 1, 1), h - 1);
  });
}

function labels(area, view, desk, y, h, theme) {
  const { g } = area;
  const found = inView(desk.decisions.index, view);
  g.strokeStyle = theme.label;
  g.lineWidth = 1.5;
  const spans = found.map((label) => [label.onset_s, label.onset_s + label.duration_s]);
  bars(spans, area, view).forEach(([x, w]) => g.strokeRect(x + 1, y + 1, Math.max(w - 2, 1), h - 2));
  if (h < WORDS_FROM) return;
  g.fillStyle = theme.label;
  g.textAlign = "left";
  g.font = SMALL;
  let free = -Infinity; // signs do not overprint each other
  found.forEach((label) => {
    const x = xOf(area, view, label.onset_s) + 4;
    if (x < free) return;
    g.fillText(MARK[label.verdict] || "", x, y + h / 2 + 0.5);
    free = x + 10;
  });
  g.font = FONT;
}

// What the file itself notes: a tick each.
function notes(area, view, desk, y, h, theme) {
  area.g.fillStyle = theme.soft;
  const moments = desk.notes.within(view.start, view.start + view.length).map(([onset]) => [onset, onset]);
  bars(moments, area, view, 1).forEach(([x, w]) => area.g.fillRect(Math.round(x), y, Math.max(w, 1), h));
}

// What a reference does not cover.
function unknown(coverage, duration) {
  const spans = [];
  let position = 0;
  coverage.forEach(([a, b]) => {
    if (a > position) spans.push([position, a]);
    position = Math.max(position, b);
  });
  if (position < duration) spans.push([position, duration]);
  return spans;
}

export function seenBar(area, view, desk, y, theme) {
  const { viewed } = desk.navigation;
  area.g.fillStyle = theme.grid;
  area.g.fillRect(area.left, y + 1, area.plot, 3);
  clipPlot(area, y, 5, () => {
    area.g.fillStyle = theme.pageEdge;
    viewed.forEach(([a, b]) => {
      const x = xOf(area, view, a);
      area.g.fillRect(x, y + 1, Math.max(xOf(area, view, b) - x, 1), 3);
    });
  });
  note(area, `${fmt.percent(desk.navigation.viewedShare())} seen`, area.right + 6, y + 2.5, theme);
}
