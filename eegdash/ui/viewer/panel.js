// The side panel: detections, and what the reader says about the selected one.

import * as fmt from "./format.js";
import { button, choice, make } from "./dom.js";
import { endOf } from "./matching.js";

const LIST_EVERY_MS = 200;
const SHOWN = 500; // detections in the list
const SIGNS = { agree: "✓ agreed", disagree: "✗ disagreed", unsure: "? unsure" };
const signOf = (label) => SIGNS[label.verdict] || `+ ${fmt.verdict(label)}`;

export class Panel {
  constructor(desk) {
    this.desk = desk;
    this.list = make("ol", { class: "events", "aria-label": "Detections" });
    this.title = make("h3", { textContent: "Detections" });
    this.target = make("p", { class: "target" });
    this.status = make("p", { class: "status", role: "status", "aria-live": "polite" });
    this.buttons = make(
      "div",
      { class: "verdicts" },
      button("Agree", "It is a seizure (key a)", () => desk.decisions.flag("agree"), "verdict agree"),
      button("Disagree", "It is not a seizure (key d)", () => desk.decisions.flag("disagree"), "verdict disagree"),
      button("Unsure", "Cannot tell (key u)", () => desk.decisions.flag("unsure"), "verdict unsure"),
    );
    this.spanButtons = make(
      "div",
      { class: "verdicts" },
      (this.saveSpan = button("", "Save this span (Enter)", () => desk.decisions.save(), "verdict missed")),
      button("Cancel", "Forget this span (Esc)", () => desk.decisions.clearSpan(), "verdict"),
    );
    this.form = make("div", { class: "form" });
    this.mark = button("", "Then drag over the seizure (key m)", () => desk.decisions.startMarking(), "wide");
    this.split = button("Split", "Two labels of one, at the cursor or in the middle of the page (key y)", () => desk.decisions.split(), "wide");
    this.undo = button("Undo last label", "", () => desk.decisions.undo(), "wide");
    this.labels = make("ol", { class: "labels", "aria-label": "Labels of this recording" });
    this.labelsTitle = make("h3", { textContent: "Labels" });
    this.node = make(
      "aside",
      { class: "panel", "aria-label": "Detections and labels" },
      desk.statements.ask,
      desk.statements.blindCard,
      desk.queue.card,
      this.title,
      this.list,
      make("section", { class: "card" }, this.target, this.buttons, this.spanButtons, this.form, this.status),
      make("div", { class: "row" }, this.mark, make("div", { class: "verdicts" }, this.split, this.undo)),
      this.labelsTitle,
      this.labels,
      desk.statements.signCard,
    );
    this.values = { event_type: "sz", reason: "", comment: "", confidence: "" };
    this.target.title = "";
    this.key = "";
    this.shown = "";
    this.drafts = new Map();
  }

  // Build the form once the vocabulary is known.
  buildForm(vocabulary) {
    const set = (name) => (value) => this.edit(name, value);
    this.fields = {
      event_type: choice("Type", vocabulary.event_types, "sz", set("event_type"), "Seizure type (SzCORE names)"),
      reason: choice("It rather is", [["", "not stated"], ...vocabulary.reasons.map((r) => [r, r])], "", set("reason"), "Reason for disagreeing or being unsure"),
      confidence: choice("Confidence", [["", "not stated"], ["0.5", "low"], ["0.75", "medium"], ["1", "high"]], "", set("confidence")),
    };
    this.comment = make("textarea", {
      rows: 2,
      maxLength: 2000,
      placeholder: "Comment (optional, no names)",
      "aria-label": "Comment",
      oninput: (event) => this.edit("comment", event.target.value),
    });
    this.save = button("Save change", "Append the change as a new record", () => this.desk.decisions.saveChange(), "wide primary");
    this.onset = make("input", { type: "text", "aria-label": "Onset, h:mm:ss", onchange: () => this.typed("onset") });
    this.end = make("input", { type: "text", "aria-label": "End, h:mm:ss", onchange: () => this.typed("end") });
    this.times = make(
      "div",
      { class: "row times" },
      make("label", { class: "field" }, make("span", { textContent: "Onset" }), this.onset),
      make("label", { class: "field" }, make("span", { textContent: "End" }), this.end),
    );
    this.form.replaceChildren(
      this.times,
      make("div", { class: "row" }, this.fields.event_type, this.fields.reason),
      make("div", { class: "row" }, this.fields.confidence),
      this.comment,
      this.save,
    );
  }

  // The other edge keeps the place that it has, finer than it is shown.
  typed(edge) {
    const t = fmt.parseTime(this[edge].value);
    if (t === null) this.desk.say("Times are typed as h:mm:ss or seconds.", true);
    else this.desk.decisions.typeEdge(edge, t);
  }

  edit(name, value) {
    this.values[name] = value;
    this.changed = true;
    this.refreshSave();
  }

  // The values went out with a decision: they are no draft any more.
  saved() {
    this.changed = false;
    this.drafts.delete(this.key);
  }

  refreshSave() {
    const { decisions } = this.desk;
    const subject = decisions.subject();
    this.save.hidden = !(this.changed && subject && subject.label && !decisions.span);
  }

  // Show the values of the label that is already there, or empty ones. What was typed and not
  // saved is kept by detection, and comes back with it.
  fill(key, label) {
    const mark = `${key}|${label ? label.uuid : ""}`;
    if (mark === this.shown) return;
    if (this.changed && this.key) {
      this.drafts.set(this.key, this.values);
      if (key === this.key) {
        this.shown = mark;
        return;
      }
    }
    [this.key, this.shown] = [key, mark];
    const draft = this.drafts.get(key);
    this.changed = Boolean(draft);
    this.values = draft ? { ...draft } : {
      event_type: (label && label.event_type) || "sz",
      reason: (label && label.reason) || "",
      comment: (label && label.comment) || "",
      confidence: label && label.confidence !== null && label.confidence !== undefined ? String(label.confidence) : "",
    };
    for (const name of ["event_type", "reason", "confidence"])
      this.fields[name].querySelector("select").value = this.values[name];
    this.comment.value = this.values.comment;
  }

  refresh() {
    const { desk } = this;
    if (!this.fields) return;
    const { decisions, data } = desk;
    const { span, labels, marking } = decisions;
    const subject = decisions.subject();
    const label = subject ? subject.label : null;
    const asked = !subject && !span && desk.queue.open; // a span of the queue at which nothing is chosen
    const about = subject && (subject.event ? `e${subject.event.first}` : `l${label.onset_s}`);
    this.fill(about || (span ? "span" : asked ? `q${asked.onset_s}` : ""), label);
    this.refreshList();
    const marks = Boolean(label) && label.verdict === "missed";
    this.buttons.hidden = (!subject && !asked) || marks || Boolean(span);
    ["Agree", "Disagree", "Unsure"].forEach((word, i) => (this.buttons.children[i].textContent = asked ? ["Seizure", "No seizure", "Unsure"][i] : word));
    this.spanButtons.hidden = !span;
    this.saveSpan.textContent = !subject ? (data.blinded ? "Save mark" : "Save missed seizure") : label ? "Save new times" : "Agree with these times";
    this.form.hidden = !span && !subject && !asked;
    this.fields.reason.hidden = (!subject && !asked) || marks;
    this.times.hidden = Boolean(asked);
    this.showTimes(span, subject);
    this.target.textContent = this.targetText(subject, span);
    this.buttons.querySelectorAll("button").forEach((b) => {
      const on = Boolean(label) && b.classList.contains(label.verdict);
      b.setAttribute("aria-pressed", String(on));
    });
    this.refreshSave();
    this.refreshLabels();
    this.mark.textContent = marking ? "Drag, or Enter (Esc cancels)" : data.blinded ? "Mark a seizure" : "Mark a missed seizure";
    this.mark.setAttribute("aria-pressed", String(marking));
    this.split.disabled = !labels.some((l) => l.own) && !span;
    this.undo.disabled = !data.undo;
    this.undo.title = data.undo ? `Take back: ${data.undo.what}, ${fmt.elapsed(data.undo.onset_s)} (key z)` : "There is no label of yours on this recording";
    desk.statements.refresh();
  }

  showTimes(span, subject) {
    const { activeElement } = this.desk.root;
    if ((!span && !subject) || this.onset === activeElement || this.end === activeElement) return;
    const [onset, end] = span ? [span.onset, span.end] : this.desk.decisions.spanOfSubject(subject);
    this.onset.value = fmt.elapsed(onset, 1);
    this.end.value = fmt.elapsed(end, 1);
  }

  targetText(subject, span) {
    const { operating, metrics, data } = this.desk;
    const times = (onset, end) => `${fmt.elapsed(onset, 1)} to ${fmt.elapsed(end, 1)} (${fmt.span(end - onset)})`;
    if (span && !subject) return `Marked span: ${times(span.onset, span.end)}`;
    if (subject) {
      const about = subject.event ? this.detectionText(subject.event, subject.label) : `Label of yours, ${fmt.verdict(subject.label)}: ${times(subject.label.onset_s, endOf(subject.label))}`;
      return span ? `${about}. New times, not saved: ${times(span.onset, span.end)}` : about;
    }
    const asked = this.desk.queue.open;
    if (asked) return `To review: ${times(asked.onset_s, asked.onset_s + asked.duration_s)}. Is it a seizure (a), none (d), or unsure (u)?`;
    if (data.blinded) return "Mark seizures by hand: key m, then drag over the traces.";
    if (!operating.trace) return "Not scored. Seizures can be marked by hand.";
    if (metrics.tooShort) return "Too little could be scored for a detection. Seizures can be marked by hand.";
    return operating.events.length ? "Choose a detection (keys n and p)." : "No detection at this threshold. Lower the threshold, or mark a seizure by hand.";
  }

  detectionText(event, label) {
    const [onset, end] = this.desk.operating.spanOf(event);
    const state = label ? `${signOf(label)} by ${label.reviewer}` : "not reviewed yet";
    const corrected = label && label.about ? `, with the times ${fmt.elapsed(label.onset_s, 1)} to ${fmt.elapsed(endOf(label), 1)}` : "";
    return `Detection ${fmt.elapsed(onset)} to ${fmt.elapsed(end)}, ${fmt.span(end - onset)}, peak ${fmt.probability(event.peak_pm)}: ${state}${corrected}`;
  }

  refreshList() {
    const { operating, decisions } = this.desk;
    const { events, trace } = operating;
    this.title.hidden = this.list.hidden = this.desk.data.blinded;
    const signature = [decisions.labels, events, operating.selected, decisions.queue];
    if (this.listed && signature.every((part, i) => part === this.listed[i])) return;
    // while the threshold is dragged the list follows a few times a second: to build it anew in
    // every frame would cost the frames
    if (operating.moving && performance.now() - this.listedAt < LIST_EVERY_MS) return;
    this.listedAt = performance.now();
    this.listed = signature;
    const reviewed = events.reduce((sum, event) => sum + (decisions.labelOf(event) ? 1 : 0), 0);
    this.title.textContent = "Detections";
    if (trace) this.title.textContent += events.length ? ` (${reviewed} of ${events.length} reviewed)` : " (0)";
    const shown = events.slice(0, SHOWN);
    const rows = shown.map((event, i) => make("li", {}, this.eventRow(event, i)));
    if (events.length > shown.length)
      rows.push(make("li", { class: "more", textContent: `and ${events.length - shown.length} more; raise the threshold` }));
    this.list.replaceChildren(...rows);
    const current = this.list.querySelector(".current");
    if (current) current.scrollIntoView({ block: "nearest" });
  }

  eventRow(event, i) {
    const { operating, decisions, navigation } = this.desk;
    const [onset, end] = operating.spanOf(event);
    const label = decisions.labelOf(event);
    const sign = decisions.pendingFor(event) ? "saving …" : label ? signOf(label) : "";
    const current = operating.isSelected(event);
    const row = button("", `Go to detection ${i + 1}`, () => navigation.select(event, true), current ? "event current" : "event");
    row.setAttribute("aria-current", String(current));
    row.append(
      make("span", { class: "when", textContent: fmt.elapsed(onset) }),
      make("span", { class: "long", textContent: fmt.span(end - onset) }),
      make("span", { class: "peak", textContent: fmt.probability(event.peak_pm), title: "peak probability" }),
      make("span", { class: "sign", textContent: sign }),
    );
    return row;
  }

  refreshLabels() {
    const { labels, chosen } = this.desk.decisions;
    this.labelsTitle.textContent = `${this.desk.data.blinded ? "Your labels" : "Labels"} (${labels.length})`;
    if (labels === this.labelled && chosen === this.marked) return;
    [this.labelled, this.marked] = [labels, chosen];
    this.labels.replaceChildren(
      ...labels.slice(-200).map((label) => {
        const row = button("", "Go to this label", () => this.desk.decisions.visit(label), label.uuid === chosen ? "event current" : "event");
        row.setAttribute("aria-current", String(label.uuid === chosen));
        const about = [label.event_type !== "sz" ? label.event_type : "", label.reason, label.comment].filter(Boolean).join("; ");
        row.append(
          make("span", { class: "when", textContent: fmt.elapsed(label.onset_s) }),
          make("span", { class: "long", textContent: fmt.span(label.duration_s) }),
          make("span", { class: "who", textContent: label.reviewer }),
          make("span", { class: "sign", textContent: signOf(label) }),
        );
        if (about) row.append(make("span", { class: "about", textContent: about }));
        if (label.status !== "verified") row.append(make("span", { class: "about", textContent: `line ${label.status}` }));
        if (label.conflict) row.append(make("span", { class: "about", textContent: "conflicts with another change" }));
        return make("li", {}, row);
      }),
    );
    if (!labels.length) this.labels.replaceChildren(make("li", { class: "more", textContent: this.desk.data.blinded ? "None yet. Key m marks a seizure." : "None yet. Keys a, d and u label the chosen detection." }));
  }
}
