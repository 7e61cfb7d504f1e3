// What the reader says: labels, marked spans, and the queue that holds them until they are saved.

import * as fmt from "./format.js";
import { SpanIndex } from "./axis.js";

export class Decisions {
  constructor(desk) {
    this.desk = desk;
    this.labels = [];
    this.index = new SpanIndex([], () => [0, 0]);
    this.queue = [];
    this.span = null;
    this.marking = false;
  }

  receive(labels, acked, rejected) {
    this.labels = labels;
    this.index = new SpanIndex(labels, (label) => [label.onset_s, label.onset_s + label.duration_s]);
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

  // The reader's own current label of a detection: the one that shares most of its span.
  labelOf(event) {
    const [a, b] = this.desk.operating.spanOf(event);
    let best = null;
    let most = 0.5;
    for (const label of this.index.within(a, b)) {
      if (!label.own || label.verdict === "missed") continue;
      const end = label.onset_s + label.duration_s;
      const shared = Math.min(b, end) - Math.max(a, label.onset_s);
      const share = shared / (Math.max(b, end) - Math.min(a, label.onset_s));
      if (share > most || (share === most && best === null)) {
        most = share;
        best = label;
      }
    }
    return best;
  }

  pendingFor(event) {
    return this.queue.some((d) => d.first === event.first && d.stop === event.stop);
  }

  // Go to a label, and choose the detection that it is about.
  visit(label) {
    const { operating, navigation } = this.desk;
    operating.selected = operating.events.find((e) => this.labelOf(e) === label) || null;
    navigation.goBefore(label.onset_s);
  }

  flag(verdict) {
    const { desk } = this;
    const { selected } = desk.operating;
    if (verdict === "missed") {
      if (!this.span) return desk.say("Mark the span first (key m).", true);
      return this.decide(verdict, null);
    }
    if (!selected) return desk.say("Choose a detection first (keys n and p).", true);
    if (!desk.navigation.onPage(desk.operating.spanOf(selected))) {
      desk.navigation.select(selected, true);
      return desk.say("The chosen detection was not on the page. Here it is; press again to label it.", true);
    }
    const label = this.labelOf(selected);
    if (label && label.verdict === verdict && !desk.panel.changed) return desk.say("This is already your label.");
    this.decide(verdict, label);
  }

  saveChange() {
    const label = this.labelOf(this.desk.operating.selected);
    if (label) this.decide(label.verdict, label);
  }

  decide(verdict, superseded) {
    const { desk } = this;
    const { operating } = desk;
    const { values } = desk.panel;
    const decision = {
      id: newId(),
      action: "label",
      recording_sha256: desk.data.recording.sha256,
      verdict,
      event_type: values.event_type,
      reason: values.reason,
      comment: values.comment,
      confidence: values.confidence === "" ? null : Number(values.confidence),
      supersedes: superseded ? superseded.uuid : null,
      threshold_pm: operating.trace ? operating.thresholdPm : null,
      post: operating.trace ? operating.post : null,
      model_sha256: operating.trace ? desk.data.trace.model_sha256 : null,
    };
    if (verdict === "missed") {
      decision.onset_s = this.span.onset;
      decision.duration_s = this.span.end - this.span.onset;
      this.spanSent = decision.id;
    } else {
      const { selected } = operating;
      const [onset, end] = operating.spanOf(selected);
      Object.assign(decision, { first: selected.first, stop: selected.stop, onset_s: onset, duration_s: end - onset });
    }
    const what = verdict === "missed" ? "missed seizure" : verdict;
    const same = superseded && superseded.verdict === verdict;
    this.lastWords = `Saved: ${what}${same ? " with the change" : ""}, ${fmt.elapsed(decision.onset_s)}.`;
    desk.panel.saved();
    this.push(decision);
  }

  undo() {
    const last = this.labels.filter((label) => label.own).reduce((a, b) => (a && a.seq > b.seq ? a : b), null);
    if (!last) return this.desk.say("There is no label of yours on this recording to take back.");
    this.lastWords = `Taken back: ${last.verdict}, ${fmt.elapsed(last.onset_s)}.`;
    this.push({ id: newId(), action: "undo", recording_sha256: this.desk.data.recording.sha256 });
  }

  // Decisions stay in the queue, and are sent again with the next, until Python says "saved".
  push(decision) {
    this.queue.push(decision);
    this.desk.say("Saving …");
    this.desk.send("decisions", this.queue.map((d) => ({ ...d })));
    this.desk.redraw();
  }

  // ---- a span marked by hand ---------------------------------------------------------------

  startMarking() {
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
    this.span = { onset: within(Math.min(onset, end)), end: within(Math.max(onset, end)) };
    this.desk.redraw();
  }

  // After the pointer drew a span.
  spanDrawn() {
    if (this.span.end - this.span.onset < 0.5) {
      this.clearSpan(false);
      this.desk.say("A span of at least 0.5 s is needed: drag from the onset to the end.", true);
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
}

// crypto.randomUUID exists on secure origins only; a plain-HTTP intranet address is not one.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
