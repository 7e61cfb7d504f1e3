// Keys, pointer and wheel, translated into what the desk can do.

import { GUTTER, RIGHT } from "./canvas.js";
import * as fmt from "./format.js";
import { help } from "./layout.js";
import { probabilityAxis } from "./trends.js";

export function listen(desk) {
  document.addEventListener("keydown", (event) => key(desk, event));
  new ResizeObserver(() => desk.redraw()).observe(desk.host);
  window.addEventListener("resize", () => desk.redraw());
  new MutationObserver(() => desk.redraw()).observe(document.documentElement, { attributes: true, attributeFilter: ["class", "style"] });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(() => desk.redraw(), 150));
  desk.goto.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const t = fmt.parseTime(desk.goto.value);
    if (t === null) desk.say("Type a time as h:mm:ss or as seconds.", true);
    else if (t > desk.duration) desk.say(`The recording ends at ${fmt.elapsed(desk.duration)}.`, true);
    else {
      desk.goto.blur();
      desk.say("");
      desk.goTo(t);
    }
  });
  pointer(desk, desk.canvas.overview, () => ({ start: 0, length: desk.duration }), false);
  pointer(desk, desk.canvas.probability, () => desk.trend(), true);
  pointer(desk, desk.canvas.spectrogram, () => desk.trend(), true);
  pointer(desk, desk.canvas.raw, () => ({ start: desk.start, length: desk.pageS }), true);
  desk.canvas.raw.addEventListener("wheel", (event) => {
    if (Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return; // up and down scroll the page
    event.preventDefault();
    desk.goTo(desk.start + (event.deltaX / desk.canvas.raw.clientWidth) * desk.pageS);
  }, { passive: false });
}

function pointer(desk, canvas, viewOf, canMark) {
  const plot = () => canvas.clientWidth - GUTTER - RIGHT;
  let drag = null;
  let view = null; // frozen while dragging, so that the ground does not move under the hand
  const time = (event) => view.start + ((event.offsetX - GUTTER) / plot()) * view.length;
  const pmAt = (event) => 1000 * (1 - (event.offsetY - probabilityAxis().top) / probabilityAxis().height);
  const onThreshold = (event) => {
    if (canvas !== desk.canvas.probability || !desk.trace) return false;
    const onHandle = event.offsetX > canvas.clientWidth - RIGHT;
    return Math.abs(pmAt(event) - desk.thresholdPm) < (onHandle ? 130 : 75);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    view = viewOf();
    const inPlot = event.offsetX >= GUTTER && event.offsetX <= canvas.clientWidth - RIGHT;
    if (onThreshold(event)) drag = "threshold";
    else if (!inPlot) return;
    else if (canMark && (desk.marking || event.shiftKey)) {
      drag = "span";
      desk.anchor = time(event);
      desk.setSpan(desk.anchor, desk.anchor);
    } else drag = canvas === desk.canvas.raw ? "pick" : "move";
    canvas.setPointerCapture(event.pointerId);
    dragged(desk, drag, time(event), event, pmAt);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag) dragged(desk, drag, time(event), event, pmAt);
    else canvas.style.cursor = onThreshold(event) ? "ns-resize" : canMark && desk.marking ? "crosshair" : canvas === desk.canvas.raw ? "default" : "pointer";
  });
  const end = (event) => {
    if (!drag) return;
    if (drag === "threshold") desk.sendOperating();
    if (drag === "span") spanDrawn(desk);
    if (drag === "pick" || drag === "move") pick(desk, time(event), drag === "pick");
    drag = null;
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", () => (drag = null));
}

function dragged(desk, drag, t, event, pmAt) {
  if (drag === "threshold") desk.setThreshold(pmAt(event), false);
  else if (drag === "span") desk.setSpan(desk.anchor, t);
  else if (drag === "move") desk.goTo(t - desk.pageS / 2);
}

function pick(desk, t, onlyHere) {
  const hit = desk.events.find((e) => {
    const [a, b] = desk.spanOf(e);
    return t >= a && t <= b;
  });
  if (hit) desk.select(hit, false);
  else if (onlyHere) desk.redraw();
}

function spanDrawn(desk) {
  if (desk.span.end - desk.span.onset < 0.5) {
    desk.clearSpan(false);
    desk.say("A span of at least 0.5 s is needed: drag from the onset to the end.", true);
  } else {
    desk.marking = false;
    desk.say("Check the times, choose the type, then save.");
  }
  desk.redraw();
}

function key(desk, event) {
  if (!desk.host.isConnected || !desk.data || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.composedPath()[0];
  // a text field is left with Enter (after its value was taken) or Escape: then the keys are the EEG's
  if (target.tagName === "INPUT" && target.type === "text" && /^(Enter|Escape)$/.test(event.key)) {
    setTimeout(() => target.blur(), 0);
  }
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.type !== "range";
  if (typing || target.isContentEditable || document.querySelector('[role="dialog"]')) return;
  if (target.type === "range" && event.key.startsWith("Arrow")) return;
  if (target.tagName === "BUTTON" && (event.key === " " || event.key === "Enter")) return;
  if (target.tagName === "SUMMARY" && (event.key === " " || event.key === "Enter")) return;
  const action = actions(desk, event)[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function actions(desk, event) {
  return {
    ArrowRight: () => (event.shiftKey ? desk.goTo(desk.start + 1) : desk.page(1)),
    ArrowLeft: () => (event.shiftKey ? desk.goTo(desk.start - 1) : desk.page(-1)),
    ArrowUp: () => desk.stepSensitivity(-1),
    ArrowDown: () => desk.stepSensitivity(1),
    PageDown: () => desk.page(10),
    PageUp: () => desk.page(-10),
    Home: () => desk.goTo(0),
    End: () => desk.goTo(desk.duration),
    n: () => desk.step(1),
    p: () => desk.step(-1),
    " ": () => desk.toggleAutoplay(),
    a: () => desk.flag("agree"),
    d: () => desk.flag("disagree"),
    u: () => desk.flag("unsure"),
    m: () => desk.startMarking(),
    z: () => desk.undo(),
    "[": () => desk.setThreshold(desk.thresholdPm - 10, true),
    "]": () => desk.setThreshold(desk.thresholdPm + 10, true),
    Enter: () => (desk.span ? desk.flag("missed") : desk.marking && desk.markPage()),
    Escape: () => (desk.sheet.hidden ? desk.clearSpan() : help(desk)),
    "?": () => help(desk),
  };
}
