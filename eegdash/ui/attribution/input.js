// Keys, and the hand on the strip.

import { VIEWS } from "./parts.js";
import { timeAtX } from "./strip.js";

export function listen(desk) {
  document.addEventListener("keydown", (event) => key(desk, event));
  new ResizeObserver(() => desk.redraw()).observe(desk.host);
  window.addEventListener("resize", () => desk.redraw());
  new MutationObserver(() => desk.redraw()).observe(document.documentElement, { attributes: true, attributeFilter: ["class", "style"] });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(() => desk.redraw(), 150));
  let view = null; // frozen while dragging
  const go = (event) => desk.goToTime(timeAtX(view, desk.strip.clientWidth, event.offsetX));
  desk.strip.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !desk.state) return;
    view = desk.stripView;
    desk.strip.setPointerCapture(event.pointerId);
  });
  desk.strip.addEventListener("pointerup", (event) => {
    if (view) go(event);
    view = null;
  });
  desk.strip.addEventListener("pointercancel", () => (view = null));
}

const TYPING = 'input:not([type="range"], [type="checkbox"]), textarea, select, [contenteditable="true"]';

function key(desk, event) {
  if (!desk.host.isConnected || !desk.state || event.ctrlKey || event.metaKey || event.altKey) return;
  const from = event.composedPath()[0];
  if (from.matches && from.matches(TYPING)) return;
  if (from.type === "range" && event.key.startsWith("Arrow")) return;
  const action = actions(desk, event)[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function actions(desk, event) {
  const { state } = desk;
  const step = event.shiftKey ? 10 : 1;
  return {
    ArrowLeft: () => desk.goTo(state.index - step),
    ArrowRight: () => desk.goTo(state.index + step),
    n: () => desk.stepEvent(1),
    p: () => desk.stepEvent(-1),
    v: () => desk.set({ view: VIEWS[(VIEWS.findIndex(([name]) => name === state.view) + 1) % VIEWS.length][0] }),
    "[": () => desk.set({ slider: Math.max(state.slider - 10, 0) }),
    "]": () => desk.set({ slider: Math.min(state.slider + 10, 100) }),
    0: () => desk.zoomOut(),
    1: () => desk.count(1),
    2: () => desk.count(2),
    3: () => desk.count(3),
    4: () => desk.count(4),
    e: () => desk.back(),
    "?": () => (desk.sheet.hidden = !desk.sheet.hidden),
    Escape: () => (desk.sheet.hidden ? desk.zoomOut() : (desk.sheet.hidden = true)),
  };
}
