// Onset and end of spans as something to take hold of: which lies under the hand, where a drag or
// a key may put it. Pure.

import { edgeAt, xOf } from "./axis.js";

export const SHORTEST_S = 0.5;
const WIDE_PX = 14; // a narrower bar is all edge: it can be chosen, not dragged

// The first of `targets` ([{span: [onset, end], ...}], the most important first) with an edge under
// x: {target, edge}, or null.
export function edgeUnder(targets, area, view, x) {
  for (const target of targets) {
    if (!isWide(target.span, area, view)) continue;
    const edge = edgeAt(target.span, area, view, x);
    if (edge) return { target, edge };
  }
  return null;
}

export const isWide = (span, area, view) => xOf(area, view, span[1]) - xOf(area, view, span[0]) >= WIDE_PX;

// A span with one edge moved to t: inside the recording, never shorter than the shortest; to 10 ms.
export function withEdge([onset, end], edge, t, duration) {
  const rounded = (value) => Math.round(value * 100) / 100;
  if (edge === "onset") return [rounded(Math.min(Math.max(t, 0), end - SHORTEST_S)), end];
  return [onset, rounded(Math.max(Math.min(t, duration), onset + SHORTEST_S))];
}
