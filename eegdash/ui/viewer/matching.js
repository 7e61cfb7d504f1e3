// Which label is about which detection. Pure.

export const endOf = (label) => label.onset_s + label.duration_s;

// What a label is about: the detection whose times the reader corrected, or its own span.
export const aboutOf = (label) => label.about || [label.onset_s, endOf(label)];

// The reader's own label of each detection: the one that shares most of its span, more than half
// of what both cover. `index` is a SpanIndex of labels by aboutOf; detections without are left out.
export function labelsByEvent(events, spanOf, index) {
  const found = new Map();
  for (const event of events) {
    const [a, b] = spanOf(event);
    let best = null;
    let most = 0.5;
    for (const label of index.within(a, b)) {
      if (!label.own || label.verdict === "missed") continue;
      const [onset, end] = aboutOf(label);
      const share = (Math.min(b, end) - Math.max(a, onset)) / (Math.max(b, end) - Math.min(a, onset));
      if (share > most || (share === most && best === null)) {
        most = share;
        best = label;
      }
    }
    if (best) found.set(event, best);
  }
  return found;
}
