// From the place on screen to the page that explains it, and back with what was marked.

const marked = new Map(); // recording -> span that was marked by hand and not saved yet

// What the reader looks at: a marked span, the chosen detection, else the page.
export function placeToExplain({ span, event, page }) {
  if (span) return { kind: "span", onset_s: span[0], end_s: span[1] };
  const seen = event && event[0] < page[1] && event[1] > page[0];
  return seen ? { kind: "event", onset_s: event[0], end_s: event[1] } : { kind: "page", onset_s: page[0], end_s: page[1] };
}

export function explain(desk) {
  const { navigation, operating, decisions, data } = desk;
  if (data.blinded) return desk.say("What the detector says is hidden until you commit your first read, and so are its reasons.");
  if (decisions.held(null)) return;
  const span = decisions.span ? [decisions.span.onset, decisions.span.end] : null;
  const event = operating.selected ? operating.spanOf(operating.selected) : null;
  if (span) marked.set(data.recording.sha256, span);
  // One message: a second one on its way while the page changes was seen to leave it empty.
  navigation.seen();
  desk.trigger("explain", { ...placeToExplain({ span, event, page: [navigation.start, navigation.end] }), view: navigation.facts() });
}

export function comeBack(desk) {
  const span = marked.get(desk.data.recording.sha256);
  marked.delete(desk.data.recording.sha256);
  if (span) desk.decisions.setSpan(...span);
}
