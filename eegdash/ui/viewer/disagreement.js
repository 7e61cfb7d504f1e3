// Where detector, reference and readers contradict each other, in order of time. Pure.

import { SpanIndex } from "./axis.js";
import { endOf } from "./matching.js";

const SAYS_SEIZURE = new Set(["agree", "missed"]);

const touches = (index, [onset, end], meant = () => true) =>
  index.within(onset, end).some((item) => {
    const [a, b] = index.spanOf(item);
    return a < end && b > onset && meant(item);
  });

// What is compared:
//   detections  [[onset, end]], or null where the recording is not scored
//   reference   {source, seizures: [[onset, end]], coverage: [[onset, end]]} or null
//   labels      as Python shows them
// Returns [{onset, end, words: [what it is and who says so]}], one for each span.
export function disagreements({ detections, reference, labels }) {
  const found = new Map();
  const add = ([onset, end], words) => {
    const key = `${onset.toFixed(3)}|${end.toFixed(3)}`;
    if (!found.has(key)) found.set(key, { onset, end, words: [] });
    const item = found.get(key);
    if (!item.words.includes(words)) item.words.push(words);
  };
  const events = indexOf(detections || []);
  const byLabel = indexOf(labels, (label) => [label.onset_s, endOf(label)]);
  if (detections && reference) againstReference(detections, events, reference, add);
  for (const label of labels) againstLabel(label, detections ? events : null, byLabel, add);
  return [...found.values()].sort((x, y) => x.onset - y.onset || x.end - y.end);
}

function indexOf(items, spanOf = (item) => item) {
  const index = new SpanIndex(items, spanOf);
  index.spanOf = spanOf;
  return index;
}

function againstReference(detections, events, reference, add) {
  const seizures = indexOf(reference.seizures);
  const known = indexOf(reference.coverage);
  for (const span of detections)
    if (touches(known, span) && !touches(seizures, span)) add(span, `detection that the reference (${reference.source}) does not have`);
  for (const span of reference.seizures)
    if (!touches(events, span)) add(span, `seizure of the reference (${reference.source}) without a detection`);
}

function againstLabel(label, events, byLabel, add) {
  const span = [label.onset_s, endOf(label)];
  if (label.verdict === "disagree") add(label.about || span, `detection that ${label.reviewer} disagrees with`);
  if (label.verdict === "missed" && events && !touches(events, span)) add(span, `seizure marked by ${label.reviewer} without a detection`);
  if (label.verdict !== "disagree") return;
  for (const other of byLabel.within(...span)) {
    const shared = Math.min(endOf(other), span[1]) - Math.max(other.onset_s, span[0]);
    if (shared <= 0 || other.reviewer === label.reviewer || !SAYS_SEIZURE.has(other.verdict)) continue;
    add(label.about || span, `${other.reviewer} says seizure, ${label.reviewer} says none`);
  }
}
