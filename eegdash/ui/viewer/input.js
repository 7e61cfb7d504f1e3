// Keys, pointer and wheel, translated into what the desk can do.

import { GUTTER, RIGHT } from "./canvas.js";
import { timeAt } from "./axis.js";
import { edgeUnder } from "./edges.js";
import { explain } from "./explain.js";
import { help } from "./layout.js";
import { copyLink } from "./links.js";
import { probabilityAxis } from "./probability.js";

const EDGE_STEP_S = 0.1;

export function listen(desk) {
  document.addEventListener("keydown", (event) => key(desk, event));
  new ResizeObserver(() => desk.redraw()).observe(desk.host);
  window.addEventListener("resize", () => desk.redraw());
  new MutationObserver(() => desk.redraw()).observe(document.documentElement, { attributes: true, attributeFilter: ["class", "style"] });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(() => desk.redraw(), 150));
  desk.goto.addEventListener("keydown", (event) => {
    if (event.key === "Enter") desk.navigation.typed(desk.goto.value);
  });
  pointer(desk, desk.canvas.overview, () => ({ start: 0, length: desk.duration }), false);
  pointer(desk, desk.canvas.probability, () => desk.navigation.trend(), true);
  pointer(desk, desk.canvas.spectrogram, () => desk.navigation.trend(), true);
  pointer(desk, desk.canvas.trends, () => desk.navigation.trend(), true);
  pointer(desk, desk.canvas.raw, () => ({ start: desk.navigation.start, length: desk.navigation.pageS }), true);
  desk.canvas.raw.addEventListener("pointermove", (event) => desk.cursor.hover(event));
  desk.canvas.raw.addEventListener("pointerleave", () => desk.cursor.leave());
  desk.canvas.raw.addEventListener("wheel", (event) => {
    if (Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return; // up and down scroll the page
    event.preventDefault();
    desk.navigation.goTo(desk.navigation.start + (event.deltaX / desk.canvas.raw.clientWidth) * desk.navigation.pageS);
  }, { passive: false });
}

function pointer(desk, canvas, viewOf, canMark) {
  let drag = null;
  let view = null; // frozen while dragging, so that the ground does not move under the hand
  let held = null; // {target, edge} of a span that is dragged
  const area = () => ({ left: GUTTER, plot: canvas.clientWidth - GUTTER - RIGHT });
  const time = (event) => timeAt(area(), view, event.offsetX);
  const pmAt = (event) => 1000 * (1 - (event.offsetY - probabilityAxis().top) / probabilityAxis().height);
  const onThreshold = (event) => {
    if (canvas !== desk.canvas.probability || !desk.operating.trace) return false;
    const onHandle = event.offsetX > canvas.clientWidth - RIGHT;
    return Math.abs(pmAt(event) - desk.operating.thresholdPm) < (onHandle ? 130 : 75);
  };
  const underHand = (event, shown) => {
    const free = canMark && !desk.decisions.marking && !event.shiftKey && !(canvas === desk.canvas.raw && desk.cursor.measuring);
    if (!free || !desk.data || event.offsetX < GUTTER - 3) return null;
    return edgeUnder(desk.decisions.targets(shown), area(), shown, event.offsetX);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    view = viewOf();
    const inPlot = event.offsetX >= GUTTER && event.offsetX <= canvas.clientWidth - RIGHT;
    desk.channels.closeMenu();
    if (canvas === desk.canvas.raw && event.offsetX < GUTTER) return desk.channels.openMenuAt(event);
    if (onThreshold(event)) drag = "threshold";
    else if ((held = underHand(event, view))) drag = "edge";
    else if (!inPlot) return;
    else if (canvas === desk.canvas.raw && desk.cursor.measuring && !desk.decisions.marking && !event.shiftKey) drag = "calipers";
    else if (canMark && (desk.decisions.marking || event.shiftKey)) {
      if (desk.decisions.held(null)) return;
      drag = "span";
      desk.decisions.anchor = time(event);
      desk.decisions.setSpan(desk.decisions.anchor, desk.decisions.anchor);
    } else drag = canvas === desk.canvas.raw ? "pick" : "move";
    canvas.setPointerCapture(event.pointerId);
    if (drag === "calipers") desk.cursor.dragFrom(event);
    if (drag !== "edge") dragged(desk, drag, time(event), event, pmAt); // a click on an edge moves nothing
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag === "edge") desk.decisions.dragEdge(held.target, held.edge, time(event));
    else if (drag) dragged(desk, drag, time(event), event, pmAt);
    else canvas.style.cursor = onThreshold(event) ? "ns-resize" : underHand(event, viewOf()) ? "ew-resize" : canMark && desk.decisions.marking ? "crosshair" : canvas === desk.canvas.raw ? desk.cursor.shape(event) : "pointer";
  });
  const end = (event) => {
    if (!drag) return;
    if (drag === "threshold") desk.operating.send();
    if (drag === "calipers") desk.cursor.dragEnd();
    if (drag === "span") desk.decisions.spanDrawn();
    if (drag === "edge" && desk.decisions.span) desk.decisions.edgeMoved();
    if (drag === "pick" || drag === "move") pick(desk, time(event), drag === "pick");
    drag = null;
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", () => (drag = null));
}

function dragged(desk, drag, t, event, pmAt) {
  if (drag === "threshold") desk.operating.setThreshold(pmAt(event), false);
  else if (drag === "span") desk.decisions.setSpan(desk.decisions.anchor, t);
  else if (drag === "move") desk.navigation.goTo(t - desk.navigation.pageS / 2);
}

function pick(desk, t, onlyHere) {
  const [hit] = desk.operating.index.within(t, t);
  const label = desk.decisions.labelAt(t);
  if (hit) desk.navigation.select(hit, false);
  else if (onlyHere && label && !desk.decisions.held(null)) desk.decisions.choose(label);
  else if (onlyHere) desk.redraw();
}

function key(desk, event) {
  if (!desk.host.isConnected || !desk.data || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.composedPath()[0];
  // a text field is left with Enter (after its value was taken) or Escape: then the keys are the EEG's
  if (target.tagName === "INPUT" && target.type === "text" && /^(Enter|Escape)$/.test(event.key)) {
    setTimeout(() => target.blur(), 0);
  }
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(range|checkbox)$/.test(target.type);
  if (typing || target.isContentEditable || document.querySelector('[role="dialog"]')) return;
  if (target.type === "range" && event.key.startsWith("Arrow")) return;
  if (target.type === "checkbox" && event.key === " ") return;
  if (target.tagName === "BUTTON" && (event.key === " " || event.key === "Enter")) return;
  if (target.tagName === "SUMMARY" && (event.key === " " || event.key === "Enter")) return;
  const action = actions(desk, event)[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function actions(desk, event) {
  const { navigation, display, decisions, operating, statements } = desk;
  return {
    ArrowRight: () => (event.shiftKey ? navigation.goTo(navigation.start + 1) : navigation.page(1)),
    ArrowLeft: () => (event.shiftKey ? navigation.goTo(navigation.start - 1) : navigation.page(-1)),
    ArrowUp: () => display.stepSensitivity(-1),
    ArrowDown: () => display.stepSensitivity(1),
    PageDown: () => navigation.page(10),
    PageUp: () => navigation.page(-10),
    Home: () => navigation.goTo(0),
    End: () => navigation.goTo(desk.duration),
    n: () => navigation.step(1),
    p: () => navigation.step(-1),
    " ": () => navigation.toggleAutoplay(),
    a: () => decisions.flag("agree"),
    d: () => decisions.flag("disagree"),
    u: () => decisions.flag("unsure"),
    m: () => decisions.startMarking(),
    z: () => decisions.undo(),
    y: () => decisions.split(),
    s: () => statements.askSignOff(true),
    q: () => desk.queue.go(),
    l: () => copyLink(desk),
    e: () => explain(desk),
    N: () => navigation.stepUnreviewed(1),
    P: () => navigation.stepUnreviewed(-1),
    x: () => navigation.stepDisagreement(1),
    X: () => navigation.stepDisagreement(-1),
    "{": () => decisions.moveEdge("onset", -EDGE_STEP_S),
    "}": () => decisions.moveEdge("onset", EDGE_STEP_S),
    "(": () => decisions.moveEdge("end", -EDGE_STEP_S),
    ")": () => decisions.moveEdge("end", EDGE_STEP_S),
    v: () => display.nextShow(),
    t: () => desk.trendMenu.toggle(),
    "[": () => operating.setThreshold(operating.thresholdPm - 10, true),
    "]": () => operating.setThreshold(operating.thresholdPm + 10, true),
    Enter: () => (statements.asking ? statements.confirm() : decisions.span ? decisions.save() : decisions.marking && decisions.markPage()),
    Escape: () => {
      if (desk.trendMenu.close()) return;
      if (!desk.sheet.hidden) help(desk);
      else if (statements.close()) return;
      else if (desk.channels.close() || desk.cursor.close()) return;
      else decisions.clearSpan();
    },
    "?": () => help(desk),
    h: () => desk.channels.toggleList(),
    k: () => desk.cursor.measure(),
    ",": () => desk.cursor.move(-1),
    ".": () => desk.cursor.move(1),
    "<": () => desk.cursor.stepRow(-1),
    ">": () => desk.cursor.stepRow(1),
  };
}
