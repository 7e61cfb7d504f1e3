// Keys, and the hand on a plot.

import { PLOTS, columnAt } from "./plots.js";

export function listen(desk) {
  document.addEventListener("keydown", (event) => key(desk, event));
  new ResizeObserver(() => desk.redraw()).observe(desk.host);
  new MutationObserver(() => desk.redraw()).observe(document.documentElement, { attributes: true, attributeFilter: ["class", "style"] });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(() => desk.redraw(), 150));
  for (const [name, plot] of Object.entries(PLOTS)) drag(desk, desk.canvas[name], name, plot);
}

function drag(desk, canvas, name, plot) {
  let held = false;
  const move = (event, released) => {
    const column = desk.grid ? columnAt(desk.drawn[name], plot, desk.grid.thresholds, event.offsetX, event.offsetY) : -1;
    if (column >= 0) desk.moveTo(column, released);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = true;
    canvas.setPointerCapture(event.pointerId);
    move(event, false);
  });
  canvas.addEventListener("pointermove", (event) => held && move(event, false));
  canvas.addEventListener("pointerup", (event) => {
    if (held) move(event, true);
    held = false;
  });
  canvas.addEventListener("pointercancel", () => (held = false));
}

const TYPING = "input:not([type=range]), textarea, select, [contenteditable=true]";

function key(desk, event) {
  if (!desk.host.isConnected || !desk.data || event.ctrlKey || event.metaKey || event.altKey) return;
  const from = event.composedPath()[0];
  if (event.key === "Escape") {
    const busy = from.matches && from.matches(TYPING);
    desk.controls.close();
    if (desk.presenting && !busy) desk.present(false);
    return;
  }
  if (from.matches && from.matches(TYPING)) return;
  const done = {
    t: () => desk.activate(desk.active === "A" ? "B" : "A"),
    f: () => desk.present(!desk.presenting),
    "?": () => desk.controls.toggleHelp(),
    ArrowLeft: () => desk.step(event.shiftKey ? -10 : -1),
    ArrowRight: () => desk.step(event.shiftKey ? 10 : 1),
  }[event.key];
  if (!done) return;
  event.preventDefault();
  done();
}
