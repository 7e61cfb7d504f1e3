// The ground under every picture: canvas, theme, time axis, gaps and marks.

import { tickStep, xOf } from "./axis.js";
import { isWide } from "./edges.js";
import * as fmt from "./format.js";

export const GUTTER = 96; // px left of every canvas: names and axes

export const RIGHT = 62; // px right of every canvas: scale bar, colour bar, threshold handle

export const FONT = "12px 'Source Sans', 'Source Sans 3', system-ui, sans-serif";

export const SMALL = "11px 'Source Sans', 'Source Sans 3', system-ui, sans-serif";

// Heights follow the window, so that the traces are on a laptop's screen too.
export const density = () => Math.min(Math.max((window.innerHeight - 820) / 380, 0), 1);

export function prepare(canvas, heightCss) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = heightCss;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
  }
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  g.font = FONT;
  g.textBaseline = "middle";
  g.lineJoin = "round";
  return { g, width, height, ratio, left: GUTTER, right: width - RIGHT, plot: width - GUTTER - RIGHT };
}

export function themeOf(host) {
  const style = getComputedStyle(host);
  const value = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const back = value("--st-background-color", "#ffffff");
  const dark = luminance(back) < 0.4;
  return {
    dark,
    back,
    text: value("--st-text-color", dark ? "#fafafa" : "#31333f"),
    soft: dark ? "#a7abb8" : "#5c6070",
    grid: dark ? "#363b48" : "#dfe2e8",
    fill: dark ? "#1b1f29" : "#f5f6f9",
    line: dark ? "#e9ebf0" : "#22252e",
    left: dark ? "#7db7ff" : "#15589c",
    right: dark ? "#ff9d76" : "#a83c10",
    mid: dark ? "#dfe2ea" : "#33363f",
    event: dark ? "#f2b134" : "#c77700",
    eventFill: dark ? "rgba(242,177,52,.20)" : "rgba(230,150,20,.20)",
    reference: dark ? "#57c7a5" : "#0b7a5b",
    label: dark ? "#c6a5ff" : "#6b3fb5",
    probability: dark ? "#d5dae6" : "#30343f",
    threshold: dark ? "#ff7d7d" : "#c21f3a",
    page: dark ? "rgba(160,180,255,.20)" : "rgba(60,90,200,.13)",
    pageEdge: dark ? "#9db2ff" : "#3f5bd0",
    gap: dark ? "#2a2e39" : "#e9ebf0",
  };
}

function luminance(colour) {
  const m = colour.match(/^#(..)(..)(..)/);
  const rgb = m ? m.slice(1).map((h) => parseInt(h, 16)) : (colour.match(/\d+/g) || [255, 255, 255]).map(Number);
  return (0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2]) / 255;
}

export function clipPlot(area, top, height, draw) {
  area.g.save();
  area.g.beginPath();
  area.g.rect(area.left, top, area.plot, height);
  area.g.clip();
  draw();
  area.g.restore();
}

export function timeAxis(area, view, y, theme, startOfDay, titled = true) {
  const { g } = area;
  const step = tickStep(view.length / area.plot, startOfDay === null ? 90 : 130);
  g.fillStyle = theme.soft;
  g.font = SMALL;
  g.textAlign = "center";
  const decimals = step < 1 ? 1 : 0;
  for (let t = Math.ceil(view.start / step) * step; t <= view.start + view.length + 1e-9; t += step) {
    const x = xOf(area, view, t);
    g.fillRect(x, y, 1, 4);
    const text = fmt.elapsed(t, decimals) + (startOfDay === null ? "" : ` (${fmt.clock(startOfDay, t)})`);
    const half = g.measureText(text).width / 2;
    if (x - half > area.left - 10 && x + half < area.right + 20) g.fillText(text, x, y + 11);
  }
  if (titled) {
    g.textAlign = "right";
    g.fillText(startOfDay === null ? "time, h:mm:ss" : "time (clock)", area.left - 12, y + 11);
  }
  g.font = FONT;
}

export function heading(area, title, theme, hint = "") {
  const { g } = area;
  g.textAlign = "left";
  g.fillStyle = theme.text;
  g.font = `600 ${FONT}`;
  g.fillText(title, area.left, 9);
  const x = area.left + g.measureText(title).width + 10;
  g.font = SMALL;
  g.fillStyle = theme.soft;
  g.fillText(hint, x, 9.5);
  g.font = FONT;
}

export function rowName(area, name, y, theme, colour = null) {
  area.g.font = SMALL;
  area.g.textAlign = "right";
  area.g.fillStyle = colour || theme.soft;
  area.g.fillText(name, area.left - 8, y);
  area.g.font = FONT;
}

export function note(area, text, x, y, theme) {
  area.g.font = SMALL;
  area.g.textAlign = "left";
  area.g.fillStyle = theme.soft;
  area.g.fillText(text, x, y);
  area.g.font = FONT;
}

const pattern = new Map();

export function hatch(g, colour) {
  if (!pattern.has(colour)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const t = tile.getContext("2d");
    t.strokeStyle = colour;
    t.lineWidth = 1.4;
    t.beginPath();
    t.moveTo(-1, 7);
    t.lineTo(7, -1);
    t.stroke();
    pattern.set(colour, g.createPattern(tile, "repeat"));
  }
  return pattern.get(colour);
}

export function gaps(area, view, desk, top, height, theme, worded) {
  desk.gaps.forEach(([a, b]) => {
    const x = Math.max(xOf(area, view, a), area.left);
    const w = Math.min(xOf(area, view, b), area.right) - x;
    if (w <= 0) return;
    area.g.fillStyle = theme.gap;
    area.g.fillRect(x, top, w, height);
    if (worded && w > 60) note(area, `gap, ${fmt.span(b - a)}`, x + 6, top + 10, theme);
  });
}

export function pageMark(area, view, desk, top, height, theme) {
  const { start, pageS } = desk.navigation;
  const x = xOf(area, view, start);
  const w = Math.max(xOf(area, view, start + pageS) - x, 2);
  clipPlot(area, top, height, () => {
    area.g.fillStyle = theme.page;
    area.g.fillRect(x, top, w, height);
    area.g.fillStyle = theme.pageEdge;
    area.g.fillRect(x, top, 1, height);
    area.g.fillRect(x + w - 1, top, 1, height);
  });
}

// The span that is marked, and what else has an onset and an end to take hold of.
export function markedSpan(area, view, desk, top, height, theme) {
  const { span } = desk.decisions;
  const targets = desk.decisions.targets(view).filter((target) => isWide(target.span, area, view));
  clipPlot(area, top, height, () => targets.forEach((target) => grips(area, view, target, top, height, theme)));
  if (!span) return;
  const x = xOf(area, view, span.onset);
  const w = Math.max(xOf(area, view, span.end) - x, 1);
  clipPlot(area, top, height, () => {
    area.g.fillStyle = hatch(area.g, theme.label);
    area.g.globalAlpha = 0.35;
    area.g.fillRect(x, top, w, height);
    area.g.globalAlpha = 1;
    area.g.strokeStyle = theme.label;
    area.g.lineWidth = 2;
    area.g.strokeRect(x, top + 1, w, height - 2);
  });
}

function grips(area, view, { span, of }, top, height, theme) {
  const { g } = area;
  const tall = Math.min(height / 2, 18);
  g.fillStyle = of && !of.label ? theme.event : theme.label;
  for (const t of span) {
    const x = xOf(area, view, t);
    g.fillRect(x - 0.5, top, 1, height);
    g.fillRect(x - 2.5, top + (height - tall) / 2, 5, tall);
  }
}
