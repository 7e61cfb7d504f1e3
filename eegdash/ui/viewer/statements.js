// What is stated about the whole recording: the blinded first read and the sign-off. Each asks
// once more in its place where that matters.

import { between, scoredSpans, uncovered } from "./coverage.js";
import { button, make } from "./dom.js";
import * as fmt from "./format.js";

const ALL_SEEN_S = 1; // less than this unseen is nothing

export class Statements {
  constructor(desk) {
    this.desk = desk;
    this.hidden = make("p", { class: "note" });
    this.marked = make("p", { class: "note" });
    this.commit = button("Commit first read", "Ends the blinded reading of this recording", () => this.askCommit(), "wide primary");
    this.blindCard = make("section", { class: "card blind", "aria-label": "Blinded first read" }, make("h3", { textContent: "Blinded first read" }), this.hidden, this.marked, this.commit);
    this.list = make("ul", { class: "signed" });
    this.sign = button("", "", () => (this.signed() ? this.withdraw() : this.askSignOff(false)), "wide");
    this.signCard = make("section", { class: "card", "aria-label": "Sign-off" }, make("h3", { textContent: "Sign-off" }), this.list, this.sign);
    this.question = make("p", { class: "question" });
    this.yes = button("", "Enter", () => this.confirm(), "primary");
    this.no = button("", "Esc", () => this.close());
    this.ask = make("section", { class: "card ask", role: "alertdialog", "aria-label": "Please confirm", hidden: true }, this.question, make("div", { class: "verdicts" }, this.yes, this.no));
    this.action = null;
  }

  get asking() {
    return this.action !== null;
  }

  // Ask at the top of the panel; the keyboard goes to the answer, so that Enter confirms.
  open(question, yes, no, action) {
    this.back = this.desk.root.activeElement;
    this.action = action;
    this.question.textContent = question;
    this.yes.textContent = yes;
    this.no.textContent = no;
    this.ask.hidden = false;
    this.desk.panel.node.scrollTop = 0; // the page itself stays where it is
    this.yes.focus({ preventScroll: true });
  }

  close() {
    if (!this.asking) return false;
    this.action = null;
    this.ask.hidden = true;
    if (this.back && this.back.isConnected) this.back.focus({ preventScroll: true });
    else this.yes.blur();
    return true;
  }

  confirm() {
    const { action } = this;
    this.close();
    if (action) action();
  }

  nameless() {
    if (this.desk.data.reviewer) return false;
    this.desk.say("Enter your name or initials at the top right first, so that it says whose it is.", true);
    return true;
  }

  // A span that is marked and not saved would be lost to a statement on the whole recording.
  unsaved() {
    if (!this.desk.decisions.span) return false;
    this.desk.say("A marked span is not saved yet: Enter saves it, Esc forgets it.", true);
    return true;
  }

  // ---- first read --------------------------------------------------------------------------

  askCommit() {
    if (this.nameless() || this.unsaved()) return;
    const { navigation, gaps, duration } = this.desk;
    const unseenS = uncovered(between(gaps, duration), navigation.viewed);
    const unseen = unseenS >= ALL_SEEN_S ? `${fmt.span(unseenS)} of the recording not seen. ` : "";
    this.open(`${unseen}Commit and show the detector's output? It cannot be hidden again for you.`, "Commit and show", "Not yet", () =>
      this.desk.decisions.state("first_read", "First read committed. The detector's output is shown now."));
  }

  // ---- sign-off ----------------------------------------------------------------------------

  own() {
    return this.desk.data.sign_offs.find((one) => one.own) || null;
  }

  // Own sign-off that still says what the labels say.
  signed() {
    const own = this.own();
    return own && !own.changed ? own : null;
  }

  foundSeizure() {
    return this.desk.decisions.labels.some((label) => label.own && (label.verdict === "agree" || label.verdict === "missed"));
  }

  // What is open, in words; empty where all that was scored is seen and every detection labelled.
  left() {
    const { desk } = this;
    const { operating, navigation, decisions } = desk;
    const spans = operating.trace ? scoredSpans(operating.level, operating.trace.first, operating.trace.step) : between(desk.gaps, desk.duration);
    const unseenS = uncovered(spans, navigation.viewed);
    const unreviewed = operating.events.filter((event) => !decisions.labelOf(event)).length;
    const words = [];
    if (unseenS >= ALL_SEEN_S) words.push(`${fmt.span(unseenS)} of ${operating.trace ? "what was scored" : "the recording"} not seen`);
    if (unreviewed) words.push(`${unreviewed} of ${operating.events.length} detections not reviewed`);
    return words.join(", ");
  }

  // By button only where something is open, by key always: a key is easily hit.
  askSignOff(always) {
    const { desk } = this;
    if (desk.data.blinded) return desk.say("Commit your first read before you sign off.", true);
    if (this.nameless() || this.unsaved()) return;
    if (this.signed()) return always ? this.open("Withdraw your sign-off?", "Withdraw", "Keep it", () => this.withdraw()) : this.withdraw();
    const open = this.left();
    const words = this.words();
    const act = () => desk.decisions.state("sign_off", `Signed off: ${words.toLowerCase()}.`);
    if (!open && !always) return act();
    this.open(`${open ? `Still open: ${open}. ` : ""}Sign off as “${words}”?`, "Sign off", "Not yet", act);
  }

  withdraw() {
    this.desk.decisions.state("withdraw", "Sign-off withdrawn.");
  }

  words() {
    return this.foundSeizure() ? "Reviewed" : "Reviewed, nothing found";
  }

  // ---- drawing -----------------------------------------------------------------------------

  refresh() {
    const { data, decisions, navigation } = this.desk;
    const mine = decisions.labels.filter((label) => label.own && label.blinded).length;
    const seen = fmt.percent(navigation.viewedShare());
    const signature = JSON.stringify([data.blinded, data.shown_before, data.reviewer, data.first_read, data.sign_offs, mine, data.blinded && seen, this.foundSeizure()]);
    if (signature === this.signature) return;
    this.signature = signature;
    this.blindCard.hidden = !data.blinded;
    this.signCard.hidden = data.blinded;
    this.hidden.textContent = `Hidden from you: probability, detections, scores, reference, notes of the file, and other readers' labels. Mark seizures by hand (key m), or none.${data.shown_before ? " You had the detector's output of this recording on screen before; the record will say so." : ""}`;
    this.marked.textContent = data.reviewer ? `${mine} marked, ${seen} seen.` : "Enter your name or initials at the top right first.";
    this.desk.eventTools.hidden = data.blinded;
    if (data.blinded) return;
    const own = this.signed();
    this.list.replaceChildren(
      ...(data.first_read ? [make("li", { textContent: "Your blinded first read is committed." })] : []),
      ...data.sign_offs.map((one) => make("li", {}, make("b", { textContent: `✓ Signed off by ${one.reviewer}` }), ` on ${one.time_utc}${one.nothing_found ? ", nothing found" : ""}. ${one.comment}.${one.changed ? " Labels of this reader changed since: sign off again." : ""}`)),
    );
    this.sign.textContent = own ? "Withdraw sign-off" : this.words();
    this.sign.title = own ? "Take your sign-off back (key s)" : "Sign this recording off (key s)";
  }
}
