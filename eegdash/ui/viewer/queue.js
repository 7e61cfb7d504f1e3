// The reader's queue beside the EEG: what is open and why, and the way to the next span.

import { button, make } from "./dom.js";
import * as fmt from "./format.js";

const GOING = "Going to the next …";

export class Queue {
  constructor(desk) {
    this.desk = desk;
    this.words = make("p", { class: "note" });
    this.next = button("", "Next to review (key q)", () => this.go(), "wide primary");
    this.aside = button("Put aside", "Not offered again, unless you ask for it", () => this.tell("aside"));
    this.card = make("section", { class: "card queue", "aria-label": "Next to review", hidden: true }, make("h3", { textContent: "Next to review" }), this.words, make("div", { class: "verdicts" }, this.next, this.aside));
    this.heard = null;
    this.open = null; // the span that waits for an opinion, where it lies in this recording
    this.asked = "";
  }

  // The detection that the open span is about, as a subject of a decision; null for none.
  detection() {
    if (!this.open) return null;
    const { operating, decisions } = this.desk;
    const { onset_s, duration_s } = this.open;
    const event = operating.index.within(onset_s, onset_s + duration_s).find((e) => operating.spanOf(e)[0] < onset_s + duration_s && operating.spanOf(e)[1] > onset_s);
    return event ? { label: decisions.labelOf(event), event } : null;
  }

  go() {
    const { statements } = this.desk;
    if (statements.nameless() || statements.unsaved()) return;
    this.tell("next");
  }

  // Every wish is a value of its own, so that none is taken for the one before.
  tell(action) {
    this.desk.say(action === "next" ? GOING : "");
    this.desk.send("queue", { action, n: Date.now() });
  }

  receive(queue) {
    this.card.hidden = !queue || !queue.following;
    if (!queue) return;
    const { open, waiting, done, said } = queue;
    this.take(open && !open.elsewhere && !open.whole ? open : null);
    const count = `${done} done, ${waiting} ${open ? "more " : ""}to look at`;
    this.words.textContent = open ? `${this.place(open)}: ${open.why}. ${count}.` : `${queue.note} ${count}.`.trim();
    this.next.textContent = open ? "Back to it" : "Next";
    this.next.classList.toggle("primary", !open); // while one is open, the opinion on it comes first
    this.next.disabled = !open && !waiting;
    this.aside.hidden = !open;
    // what was said before this page was opened is old
    if (this.heard !== null && said[0] !== this.heard && said[1]) this.desk.say(said[1]);
    this.heard = said[0];
  }

  // Another span than before: what was chosen for the last one is chosen no more.
  take(open) {
    const asked = open ? `${this.desk.data.recording.sha256}|${open.onset_s}` : "";
    this.open = open;
    if (asked && asked !== this.asked && !this.desk.decisions.span) {
      this.desk.operating.selected = null;
      this.desk.decisions.forgetChosen();
    }
    if (asked !== this.asked && this.desk.panel.status.textContent === GOING) this.desk.say("");
    this.asked = asked;
  }

  place(open) {
    if (open.elsewhere) return "In another recording";
    return open.whole ? "This recording" : `${fmt.elapsed(open.onset_s)} to ${fmt.elapsed(open.onset_s + open.duration_s)}`;
  }
}
