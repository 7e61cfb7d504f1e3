// One panel: what is explained, how, the pictures, and whether to believe them.

import { make, moveBar } from "../viewer/dom.js";
import * as fmt from "../viewer/format.js";
import { banner, checkList } from "./checks.js";
import { Pictures } from "./pictures.js";
import { figure, signed } from "./scale.js";
import { massTable } from "./tables.js";
import { checksOf, share, strength, verdictOf } from "./words.js";

const LETTERS = "ABCD";
const TESTS = "Tests", STEADINESS = "Infidelity and sensitivity"; // names of the bars
const begun = (progress) => (progress || 0) >= 0.02; // what is done sooner needs no number

export class Panel {
  constructor(desk, place) {
    this.desk = desk;
    this.place = place;
    this.passed = null; // whether the map on screen passed its own tests
    this.letter = LETTERS[place];
    const pick = (label, set) =>
      make("select", { "aria-label": `${label} of panel ${this.letter}`, title: label, onchange: (e) => (set(e.target.value), e.target.blur()) });
    this.selects = {
      method: pick("Method", (v) => desk.setPanel(place, { method: v })),
      window: pick("Window", (v) => desk.setPanel(place, { window: v })),
      model: pick("Detector", (v) => desk.setPanel(place, { model: v, baseline: "" })),
      baseline: pick("Baseline", (v) => desk.setPanel(place, { baseline: v })),
    };
    this.close = make("button", { type: "button", class: "close", textContent: "✕", title: `Remove panel ${this.letter}`, onclick: () => desk.removePanel(place) });
    this.facts = make("p", { class: "facts" });
    this.pictures = new Pictures(desk);
    this.verdict = make("div", { class: "belief", role: "status" });
    this.checks = make("div", {});
    this.more = make("div", { class: "more" });
    this.node = make(
      "section",
      { class: "panel", "aria-label": `Panel ${this.letter}` },
      make("div", { class: "head" }, make("b", { class: "letter", textContent: this.letter }), this.selects.method, this.selects.window, this.close, this.selects.model, this.selects.baseline),
      this.facts,
      this.pictures.node,
      this.verdict,
      this.checks,
      this.more,
    );
  }

  get state() {
    return this.desk.state.panels[this.place];
  }

  // ---- what is asked for -------------------------------------------------------------------

  // {index} of the window, or {problem} or {} while it is looked for.
  window() {
    return this.desk.indexOf(this.state);
  }

  read() {
    const { index, problem } = this.window();
    if (problem) return { problem };
    if (index === undefined) return {};
    return this.desk.store.get(this.desk.addressOf("map", this.state, index));
  }

  prepare(choice) {
    const found = this.read();
    this.found = found;
    // while the next picture is computed the last one stays, faded: nothing jumps
    const answer = found.value || (found.problem ? null : this.last);
    this.stale = Boolean(answer) && !found.value;
    if (found.value) this.last = found.value;
    return this.pictures.prepare(answer || null, choice);
  }

  // ---- what is shown -----------------------------------------------------------------------

  refresh(choice) {
    this.options();
    this.say();
    const { value } = this.found;
    this.node.classList.toggle("stale", this.stale);
    const header = value || (this.stale ? this.last : null);
    this.facts.textContent = header ? this.factWords(header) : "";
    this.facts.title = header && header.baseline ? header.baseline.note : "";
    if (value) {
      this.judge(value);
      if (this.detailed !== value || this.bandSet !== choice.bandSet) this.details(value, choice.bandSet);
    } else if (!this.stale) this.clear();
  }

  say() {
    const { message } = this.pictures;
    const { problem, progress, state, value } = this.found;
    const { ready } = this.pictures;
    if (this.share) this.share.textContent = `${Math.round(100 * (progress || 0))} % `;
    const key = `${problem}|${state}|${begun(progress)}|${ready && ready.why}|${value && value.no_positive_evidence}`;
    if (this.said === key) return;
    this.said = key;
    this.share = null;
    if (problem) message.replaceChildren(problem, " ", make("button", { type: "button", textContent: "Try again", onclick: () => this.again() }));
    else if (!value) message.replaceChildren(state === "queued" ? "Waiting for its turn …" : "Computing …", " ", this.cancelButton("map", progress));
    else message.textContent = ready && ready.why ? ready.why : value.no_positive_evidence ? "No positive evidence" : "";
    message.classList.toggle("strong", Boolean(value && value.no_positive_evidence && !(ready && ready.why)));
    this.pictures.over.classList.toggle("low", Boolean(value && !(ready && ready.why)));
  }

  again() {
    const { index } = this.window();
    if (index !== undefined) this.desk.store.retry(this.desk.addressOf("map", this.state, index));
  }

  cancelButton(kind, progress) {
    const { index } = this.window();
    if (index === undefined || !begun(progress)) return "";
    this.share = make("span", { textContent: `${Math.round(100 * progress)} % ` });
    return make("span", {}, this.share, make("button", { type: "button", textContent: "Cancel", onclick: () => this.desk.store.cancel(this.desk.addressOf(kind, this.state, index)) }));
  }

  factWords(header) {
    const { startOfDay } = this.desk;
    const when = `${fmt.elapsed(header.onset_s, 1)} to ${fmt.elapsed(header.end_s, 1)}${startOfDay === null ? "" : ` (${fmt.clock(startOfDay, header.onset_s)})`}`;
    const baseline = header.baseline_logit === null ? "" : `; baseline ${signed(header.baseline_logit)}`;
    const native = header.native_shape.length ? `; native grid ${header.native_shape.join(" × ")} cells a segment${header.native_shape.length === 2 ? " (frequency × time)" : ""}` : "";
    const filled = header.filled.length ? `; no usable signal, filled by the mean of the others: ${header.filled.join(", ")}` : "";
    return `${when}: probability ${share(header.probability)}, logit ${signed(header.logit)}${baseline}. Evidence ${strength(header)}${native}${filled}.`;
  }

  readout({ hover, zoom, factor, unitWords }) {
    const words = this.pictures.read(hover, zoom, factor, unitWords);
    if (this.pictures.readout.textContent !== words) this.pictures.readout.textContent = words;
  }

  clear() {
    for (const part of [this.verdict, this.checks, this.more]) part.replaceChildren();
    this.judged = this.detailed = this.passed = null;
  }

  judge(header) {
    const { desk } = this;
    const { index } = this.window();
    const address = desk.addressOf("checks", this.state, index);
    const answer = desk.store.get(address);
    const steady = desk.store.known(desk.addressOf("stability", this.state, index));
    const agreements = desk.agreements(this.place);
    const key = JSON.stringify([address, Boolean(answer.value), answer.problem, answer.state, Boolean(steady.value), steady.problem, steady.progress === undefined, agreements]);
    moveBar(this.checks, TESTS, answer.progress);
    moveBar(this.checks, STEADINESS, steady.progress);
    if (this.judged === key) return;
    this.judged = key;
    const limit = desk.modelOf(this.state.model).threshold_pm;
    const about = { ...header, threshold_pm: limit };
    const known = answer.value || null;
    this.passes(known && verdictOf(about, known, checksOf(about, known, null, [])).state === "good");
    const listed = checksOf(about, known, steady.value || null, agreements);
    this.verdict.replaceChildren(banner(answer.problem && !answer.value ? { state: "none", words: `The tests could not be made: ${answer.problem}` } : verdictOf(about, known, listed)));
    this.checks.replaceChildren(checkList(listed), this.actions(address, answer, steady, index));

  }

  // The other panels say whether the map that they differ from passed.
  passes(passed) {
    if (this.passed !== passed) this.desk.redraw();
    this.passed = passed;
  }

  actions(address, answer, steady, index) {
    const { store } = this.desk;
    const row = make("div", { class: "row" });
    const button = (text, title, onclick) => row.append(make("button", { type: "button", class: "small", textContent: text, title, onclick }));
    if (answer.progress !== undefined) {
      row.append(make("progress", { value: answer.progress, max: 1, "aria-label": TESTS }), answer.state === "queued" ? "waiting for other work" : "testing");
      button("Cancel", "Stop these tests", () => store.cancel(address));
    } else if (answer.problem) button("Test again", answer.problem, () => store.retry(address));
    const where = this.desk.addressOf("stability", this.state, index);
    if (steady.progress !== undefined) {
      row.append(make("progress", { value: steady.progress, max: 1, "aria-label": STEADINESS }));
      button("Cancel", "Stop this test", () => store.cancel(where));
    } else if (!steady.value)
      button(steady.problem ? `${STEADINESS} again` : STEADINESS, `${steady.problem ? `${steady.problem} ` : ""}Takes some seconds: does the map predict small changes, and does it stay the same for them?`, () => (steady.problem ? store.retry(where) : store.get(where)));
    return row;
  }

  details(header, bandSet) {
    this.detailed = header;
    this.bandSet = bandSet;
    const words = make("ul", { class: "digest" }, ...(header.digest || []).map((sentence) => make("li", { textContent: sentence })));
    const table = make("div", { class: "scroll" }, massTable(header.masses[bandSet]));
    const about = this.desk.methodOf(this.state.method);
    const provenance = make("details", {}, make("summary", { textContent: "Provenance" }), make("pre", { textContent: JSON.stringify(header.provenance, null, 1) }));
    this.more.replaceChildren(words, table, make("p", { class: "note", textContent: about.sentence }), header.baseline ? make("p", { class: "note", textContent: `Baseline: ${header.baseline.title}. ${header.baseline.note.replace(/\.$/, "")}; its probability is ${share(header.baseline.probability)}.` }) : "", provenance);
  }

  // ---- choices -----------------------------------------------------------------------------

  options() {
    const { desk, state, selects } = this;
    fill(selects.method, desk.data.methods.map(({ name, title, sentence }) => [name, title, sentence]), state.method);
    fill(selects.window, desk.windowOptions(state.window), String(state.window));
    fill(selects.model, desk.data.models.map(({ sha256, title }) => [sha256, title]), state.model);
    const model = desk.modelOf(state.model);
    const fitting = desk.data.baselines.filter(({ features }) => features.includes(model.features));
    fill(selects.baseline, fitting.map(({ name, title, sentence }) => [name, `vs. ${title.toLowerCase()}`, sentence]), state.baseline || model.baseline);
    const compares = desk.methodOf(state.method).needs_baseline;
    selects.baseline.disabled = !compares;
    selects.baseline.title = compares ? "What the window is compared with" : "This method compares with nothing; only its tests fill parts from a baseline.";
    selects.model.hidden = desk.data.models.length < 2;
    this.close.hidden = desk.state.panels.length < 2;
    selects.method.title = desk.methodOf(state.method).sentence;
  }
}

// Options of a select, made again only where they differ.
function fill(select, options, value) {
  const key = JSON.stringify(options.map(([v, text]) => [v, text]));
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...options.map(([v, text, title]) => make("option", { value: v, textContent: text, title: title || "" })));
  }
  if (select.value !== value) select.value = value;
}

export { figure };
