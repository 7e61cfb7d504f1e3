// What the reader says: labels, spans marked or corrected by hand, and the queue that holds
// decisions until they are saved.

import * as fmt from "./format.js";
import { SpanIndex } from "./axis.js";
import { SHORTEST_S, withEdge } from "./edges.js";
import { aboutOf, endOf, labelsByEvent } from "./matching.js";

const MOST_TARGETS = 100; // labels in a view with edges to take hold of; more are too narrow anyway

export class Decisions {
  constructor(desk) {
    this.desk = desk;
    this.queue = [];
    this.span = null; // {onset, end, of: null or {label, event}: what it corrects}
    this.marking = false;
    this.chosen = null; // uuid of the label that was gone to
    this.take([]);
  }

  take(labels) {
    this.labels = labels;
    this.index = new SpanIndex(labels, (label) => [label.onset_s, endOf(label)]);
    this.about = new SpanIndex(labels, aboutOf);
    const successor = labels.find((label) => label.supersedes && label.supersedes === this.chosen);
    if (successor) this.chosen = successor.uuid;
    this.chosenLabel = labels.find((label) => label.uuid === this.chosen) || null;
  }

  receive(labels, acked, rejected) {
    this.take(labels);
    this.acknowledge(acked, rejected);
  }

  acknowledge(acked, rejected) {
    const done = new Set(acked);
    const before = this.queue.length;
    let refused = false;
    this.queue = this.queue.filter((decision) => {
      if (rejected[decision.id]) {
        refused = true;
        this.desk.say(rejected[decision.id], true);
        return false;
      }
      return !done.has(decision.id);
    });
    if (before === this.queue.length) return;
    if (!refused) this.desk.say(this.queue.length ? "Saving …" : this.lastWords || "Saved.");
    if (this.spanSent && done.has(this.spanSent)) this.clearSpan();
  }

  // The reader's own current label of a detection. All are matched at once, when either changed.
  labelOf(event) {
    const { operating } = this.desk;
    if (this.matchedLabels !== this.labels || this.matchedEvents !== operating.events) {
      [this.matchedLabels, this.matchedEvents] = [this.labels, operating.events];
      this.matched = labelsByEvent(operating.events, (e) => operating.spanOf(e), this.about);
    }
    return this.matched.get(event) || null;
  }

  pendingFor(event) {
    return this.queue.some((d) => d.first === event.first && d.stop === event.stop);
  }

  // Go to a label, and choose the detection that it is about.
  visit(label) {
    if (this.held(null)) return;
    this.choose(label);
    this.desk.navigation.goBefore(label.onset_s);
  }

  forgetChosen() {
    this.chosen = this.chosenLabel = null;
  }

  choose(label) {
    const { operating } = this.desk;
    this.clearSpan();
    this.chosenLabel = label;
    this.chosen = label.uuid;
    operating.selected = operating.events.find((e) => this.labelOf(e) === label) || null;
    this.desk.redraw();
  }

  // What keys and typed times change: {label, event}, one of which may be null; null for nothing.
  subject() {
    if (this.span) return this.span.of;
    const { selected } = this.desk.operating;
    if (selected) return { label: this.labelOf(selected), event: selected };
    return this.chosenLabel && this.chosenLabel.own ? { label: this.chosenLabel, event: null } : null;
  }

  spanOfSubject({ label, event }) {
    return label ? [label.onset_s, endOf(label)] : this.desk.operating.spanOf(event);
  }

  // Times that were corrected and not saved are not left behind for another detection.
  held(event) {
    if (!this.span || !this.span.of || (event && event === this.span.of.event)) return false;
    this.desk.say("The new times are not saved yet: Enter saves them, Esc forgets them.", true);
    return true;
  }

  // ---- verdicts ----------------------------------------------------------------------------

  flag(verdict) {
    const { desk } = this;
    if (verdict === "missed") return this.span ? this.save() : desk.say("Mark the span first (key m).", true);
    const subject = this.subject() || desk.queue.detection();
    if (!subject && desk.queue.open) return this.judge(verdict, desk.queue.open);
    if (!subject || (subject.label && subject.label.verdict === "missed"))
      return desk.say(desk.data.blinded ? "Detections are hidden. Mark seizures by hand (key m)." : "Choose a detection first (keys n and p).", true);
    if (this.span) return this.decide(verdict, { ...subject, span: this.span });
    if (this.comesOnPage(subject, "label it")) return;
    const { label } = subject;
    if (label && label.verdict === verdict && !desk.panel.changed) return desk.say("This is already your label.");
    this.decide(verdict, subject);
  }

  // What the queue asks about a span at which nothing was detected.
  judge(verdict, { onset_s, duration_s }) {
    const { desk } = this;
    if (!desk.navigation.onPage([onset_s, onset_s + duration_s])) return desk.queue.go();
    const statement = this.statement("label");
    const seizure = verdict === "agree";
    const said = seizure ? { verdict: "missed" } : { verdict, event_type: "" };
    this.lastWords = `Saved: ${seizure ? "seizure" : verdict === "unsure" ? "unsure" : "no seizure"}, ${fmt.elapsed(onset_s)}.`;
    desk.panel.saved();
    this.push({ ...statement, ...said, supersedes: null, moved: true, onset_s, duration_s });
  }

  // Nothing is changed unseen: what is not on the page is shown first.
  comesOnPage(subject, what) {
    const { navigation } = this.desk;
    const span = this.spanOfSubject(subject);
    if (navigation.onPage(span)) return false;
    navigation.goBefore(span[0]);
    this.desk.say(`The chosen ${subject.event ? "detection" : "label"} was not on the page. Here it is; press again to ${what}.`, true);
    return true;
  }

  // Save the marked or corrected span.
  save() {
    const { of } = this.span;
    if (!of && this.wasDetected()) return;
    if (!of) this.decide("missed", { label: null, event: null, span: this.span });
    else this.decide(of.label ? of.label.verdict : "agree", { ...of, span: this.span });
  }

  // A seizure that the detector found is not missed: ask once, then take the reader's word.
  wasDetected() {
    const { operating } = this.desk;
    const asked = this.askedAbout === this.span;
    this.askedAbout = this.span;
    const [found] = operating.index.within(this.span.onset, this.span.end);
    if (asked || !found) return false;
    const [onset] = operating.spanOf(found);
    this.desk.say(`A detection at ${fmt.elapsed(onset)} touches this span. Esc, then choose it to agree and correct its times; or Enter again to save a missed seizure.`, true);
    return true;
  }

  saveChange() {
    const subject = this.subject();
    if (subject && subject.label) this.decide(subject.label.verdict, subject);
  }

  decide(verdict, { label, event, span = null }) {
    const { desk } = this;
    const decision = { ...this.statement("label"), verdict, supersedes: label ? label.uuid : null };
    // times that the reader corrected once stay, whatever else is changed later
    const kept = label && (label.about || verdict === "missed") ? { onset: label.onset_s, end: endOf(label) } : null;
    const placed = span || kept;
    if (event) Object.assign(decision, { first: event.first, stop: event.stop });
    if (placed) Object.assign(decision, { moved: true, onset_s: placed.onset, duration_s: placed.end - placed.onset });
    const at = placed ? placed.onset : this.spanOfSubject({ label: event ? null : label, event })[0];
    if (span) this.spanSent = decision.id;
    const what = verdict === "missed" ? (desk.data.blinded ? "seizure marked by hand" : "missed seizure") : verdict;
    const same = label && label.verdict === verdict;
    this.lastWords = `Saved: ${what}${same ? " with the change" : ""}, ${fmt.elapsed(at)}.`;
    desk.panel.saved();
    this.push(decision);
  }

  // What every decision on a span carries.
  statement(action) {
    const { operating, panel, data } = this.desk;
    const { values } = panel;
    return {
      action,
      id: newId(),
      event_type: values.event_type,
      reason: values.reason,
      comment: values.comment,
      confidence: values.confidence === "" ? null : Number(values.confidence),
      threshold_pm: operating.trace ? operating.thresholdPm : null,
      post: operating.trace ? operating.post : null,
      model_sha256: operating.trace ? data.trace.model_sha256 : null,
    };
  }

  undo() {
    const { undo } = this.desk.data;
    if (!undo) return this.desk.say("There is no label of yours on this recording to take back.");
    this.lastWords = `Taken back: ${undo.what}, ${fmt.elapsed(undo.onset_s)}.`;
    this.push({ id: newId(), action: "undo" });
  }

  // A statement on the whole recording: first read, sign-off, its withdrawal.
  state(action, words) {
    const { operating, navigation } = this.desk;
    this.lastWords = words;
    const scored = operating.trace ? { threshold_pm: operating.thresholdPm, post: operating.post } : {};
    this.push({ id: newId(), action, viewed: navigation.viewed, ...scored });
  }

  // Decisions stay in the queue, and are sent again with the next, until Python says "saved".
  push(decision) {
    this.queue.push({ ...decision, recording_sha256: this.desk.data.recording.sha256 });
    this.desk.say("Saving …");
    this.desk.send("decisions", this.queue.map((d) => ({ ...d })));
    this.desk.redraw();
  }

  // ---- splitting ---------------------------------------------------------------------------

  // Split the marked span or the label at the cursor, or in the middle of the page.
  split() {
    const { desk } = this;
    const { cursor, navigation } = desk;
    const at = Math.round(100 * (cursor.onPage() ? cursor.t : (navigation.start + navigation.end) / 2)) / 100;
    if (this.span && this.span.of) return desk.say("Save the new times first (Enter), then split.", true);
    const label = this.span ? null : this.labelAt(at);
    const whole = this.span || (label && { onset: label.onset_s, end: endOf(label) });
    const place = cursor.onPage() ? "the cursor" : "the middle of the page";
    if (!whole) return desk.say(`There is no label of yours at ${place}, ${fmt.elapsed(at, 1)}. Keys , and . move the cursor.`, true);
    if (at - whole.onset < SHORTEST_S || whole.end - at < SHORTEST_S)
      return desk.say(`${place[0].toUpperCase()}${place.slice(1)}, ${fmt.elapsed(at, 1)}, does not lie inside: nothing was split.`, true);
    const decision = { ...this.statement("split"), at_s: at, supersedes: label ? label.uuid : null };
    if (this.span) {
      Object.assign(decision, { onset_s: whole.onset, duration_s: whole.end - whole.onset });
      this.spanSent = decision.id;
      desk.panel.saved();
    } else decision.verdict = label.verdict;
    this.lastWords = `Split at ${fmt.elapsed(at, 1)}: two labels. Key z joins them again.`;
    this.push(decision);
  }

  labelAt(t) {
    const inside = this.index.within(t, t).filter((label) => label.own);
    return inside.find((label) => label === this.chosenLabel) || inside[0] || null;
  }

  // ---- a span marked by hand ---------------------------------------------------------------

  startMarking() {
    if (this.held(null)) return;
    this.marking = !this.marking;
    this.clearSpan(false);
    this.desk.say(this.marking ? "Drag over the seizure, or press Enter to take this page and type the times." : "");
    this.desk.redraw();
  }

  markPage() {
    const { navigation } = this.desk;
    this.setSpan(navigation.start, navigation.start + navigation.pageS);
    this.marking = false;
    this.desk.say("Type the onset and the end, choose the type, then save.");
    this.desk.redraw();
    requestAnimationFrame(() => this.desk.panel.onset.focus());
  }

  setSpan(onset, end) {
    const within = (t) => Math.round(Math.min(Math.max(t, 0), this.desk.duration) * 100) / 100;
    const of = this.span ? this.span.of : null;
    this.span = { onset: within(Math.min(onset, end)), end: within(Math.max(onset, end)), of };
    this.desk.redraw();
  }

  // After the pointer drew a span.
  spanDrawn() {
    if (this.span.end - this.span.onset < SHORTEST_S) {
      this.clearSpan(false);
      this.desk.say(`A span of at least ${SHORTEST_S} s is needed: drag from the onset to the end.`, true);
    } else {
      this.marking = false;
      this.desk.say("Check the times, choose the type, then save.");
    }
    this.desk.redraw();
  }

  clearSpan(stop = true) {
    this.span = null;
    this.spanSent = null;
    if (stop) this.marking = false;
    this.desk.redraw();
  }

  // ---- onset and end -----------------------------------------------------------------------

  // What has edges to take hold of in a view, the most important first: {span, of}.
  targets(view) {
    const found = [];
    const edited = this.span ? this.span.of : null;
    if (this.span) found.push({ span: [this.span.onset, this.span.end], of: edited });
    const near = this.index.within(view.start, view.start + view.length);
    if (near.length <= MOST_TARGETS)
      for (const label of near)
        if (label.own && !(edited && edited.label === label)) found.push({ span: [label.onset_s, endOf(label)], of: { label, event: this.eventOf(label) } });
    const { selected } = this.desk.operating;
    if (selected && !this.labelOf(selected) && !(edited && edited.event === selected)) found.push({ span: this.desk.operating.spanOf(selected), of: { label: null, event: selected } });
    return found;
  }

  // The detection of which this is the reader's label, where it is on screen.
  eventOf(label) {
    if (label.verdict === "missed") return null;
    return this.desk.operating.index.within(...aboutOf(label)).find((event) => this.labelOf(event) === label) || null;
  }

  dragEdge(target, edge, t) {
    const from = this.span && this.span.of === target.of ? [this.span.onset, this.span.end] : target.span;
    this.edit(target.of, withEdge(from, edge, t, this.desk.duration));
  }

  edit(of, [onset, end]) {
    this.span = { onset, end, of };
    if (of && of.label) [this.chosen, this.chosenLabel] = [of.label.uuid, of.label];
    if (of) this.desk.operating.selected = of.event;
    this.marking = false;
    this.desk.redraw();
  }

  edgeMoved() {
    this.desk.say("Check the times, then save (Enter). Esc forgets the change.");
  }

  // By keys: an edge of the marked span, of the chosen label or detection, by some seconds.
  moveEdge(edge, seconds) {
    const span = this.editable();
    if (!span) return;
    this.edit(span.of, withEdge(span.times, edge, span.times[edge === "onset" ? 0 : 1] + seconds, this.desk.duration));
    this.desk.say(`${edge === "onset" ? "Onset" : "End"} ${fmt.elapsed(this.span[edge], 1)}. Enter saves, Esc forgets.`);
  }

  typeEdge(edge, t) {
    const span = this.editable();
    if (!span) return;
    const [onset, end] = edge === "onset" ? [t, span.times[1]] : [span.times[0], t];
    if (end - onset < SHORTEST_S || end > this.desk.duration)
      return this.desk.say(`The end lies at least ${SHORTEST_S} s after the onset, and inside the recording.`, true);
    this.edit(span.of, [onset, end]);
    this.edgeMoved();
  }

  editable() {
    if (this.span) return { of: this.span.of, times: [this.span.onset, this.span.end] };
    const of = this.subject();
    if (!of) return void this.desk.say("Choose a detection or a label of yours first, or mark a span (key m).", true);
    if (this.comesOnPage(of, "move its onset or end")) return null;
    return { of, times: this.spanOfSubject(of) };
  }
}

// crypto.randomUUID exists on secure origins only; a plain-HTTP intranet address is not one.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
