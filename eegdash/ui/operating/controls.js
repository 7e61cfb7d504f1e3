// The controls of the operating point: which of the two, threshold, criterion, event rules, lock.

import { button, make } from "../viewer/dom.js";
import { RULES } from "../viewer/settings.js";
import { CRITERIA, TARGETS, criterion, rules, shapeOf, threshold } from "./words.js";

export const KEYS = [
  ["← →", "threshold down and up by 0.01 (with shift by 0.1)"],
  ["t", "toggle between the points A and B; the first time B starts as a copy of A"],
  ["f", "presentation: large type, controls folded away; again or Esc to leave"],
  ["?", "this list"],
];

export class Controls {
  constructor(desk) {
    this.desk = desk;
    this.slots = {
      A: button("A", "The first operating point (key t toggles)", () => desk.activate("A"), "slot"),
      B: button("B", "The second operating point (key t toggles)", () => desk.activate("B"), "slot"),
    };
    this.slider = make("input", {
      type: "range", min: 0, step: 1, class: "threshold", "aria-label": "Threshold",
      oninput: (e) => desk.moveTo(Number(e.target.value), false),
      onchange: (e) => desk.moveTo(Number(e.target.value), true),
    });
    this.value = make("output", { class: "value", "data-value": "threshold" });
    this.criterion = make("select", { "aria-label": "Choose the threshold by", onchange: (e) => desk.chooseBy(e.target.value) }, ...CRITERIA.map(([value, text]) => make("option", { value, textContent: text })));
    this.target = make("input", { type: "number", class: "target", "aria-label": "Target", onchange: (e) => desk.chooseBy(this.criterion.value, Number(e.target.value)) });
    this.targetField = make("label", { class: "field fold" }, make("span", { textContent: "Target" }), this.target);
    this.present = button("Present", "Large type, controls folded away (key f)", () => desk.present(!desk.presenting));
    this.help = button("?", "Keyboard (?)", () => this.toggleHelp());
    this.sheet = make("div", { class: "sheet", hidden: true, role: "dialog", "aria-label": "Keyboard" }, make("dl", {}, ...KEYS.flatMap(([key, text]) => [make("dt", { textContent: key }), make("dd", { textContent: text })])));
    this.buildRules();
    this.buildLock();
    this.node = make(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "Operating point" },
      make("div", { class: "group slots", role: "group", "aria-label": "Operating point A or B" }, this.slots.A, this.slots.B),
      make("label", { class: "field wide" }, make("span", { textContent: "Threshold" }), make("span", { class: "slide" }, this.slider, this.value)),
      make("label", { class: "field fold" }, make("span", { textContent: "Chosen by" }), this.criterion),
      this.targetField,
      this.rulesBox,
      this.lockBox,
      this.present,
      this.help,
      this.sheet,
    );
  }

  buildRules() {
    this.inputs = RULES.map(([name, words, lowest, highest, step]) => [
      name,
      make("input", { type: "number", min: lowest, max: highest, step, "aria-label": words, onchange: (e) => this.desk.setRule(name, e.target.value) }),
      words,
    ]);
    this.rulesText = make("summary", {});
    this.toLocked = button("To the locked point", "Threshold and rules that hold for this detector now", () => this.desk.backTo(this.desk.data.own, "the locked one"));
    this.toShipped = button("To the detector's own", "Threshold and rules that came with the detector", () => this.desk.backTo(this.desk.data.shipped, "the one that came with the detector"));
    this.rulesBox = make(
      "details",
      { class: "popover fold" },
      this.rulesText,
      make(
        "div",
        {},
        make("div", { class: "row" }, ...this.inputs.map(([, input, words]) => make("label", { class: "field" }, make("span", { textContent: words }), input))),
        make("p", { class: "note", textContent: "Applied in this order to the probability, and saved with the point. A change computes the tables again. SzCORE then merges gaps under 90 s once more. Windows are counted without these rules." }),
        make("div", { class: "group" }, this.toLocked, this.toShipped),
      ),
    );
  }

  buildLock() {
    this.comment = make("textarea", { rows: 2, maxLength: 500, "aria-label": "Why this point (kept with it)", placeholder: "Why this point (kept with it)" });
    this.lockButton = button("Lock this operating point", "The review page and the command line use it from then on", () => this.desk.lock(this.comment.value), "primary");
    this.lockWords = make("p", { class: "note" });
    this.lockedWords = make("p", { class: "note" });
    this.lockBox = make("details", { class: "popover fold" }, make("summary", { textContent: "Lock …" }), make("div", {}, this.lockWords, this.comment, this.lockButton, this.lockedWords));
  }

  toggleHelp() {
    this.sheet.hidden = !this.sheet.hidden;
  }

  close() {
    this.sheet.hidden = true;
    this.rulesBox.open = false;
    this.lockBox.open = false;
  }

  refresh() {
    const { points, active, grid, data } = this.desk;
    const point = points[active];
    for (const [name, node] of Object.entries(this.slots)) {
      node.setAttribute("aria-pressed", String(name === active));
      node.textContent = `${shapeOf(name)} ${name} ${points[name] ? threshold(points[name].threshold_pm) : "–"}`;
    }
    this.slider.disabled = !grid;
    if (grid) {
      this.slider.max = String(grid.thresholds.length - 1);
      this.slider.value = String(grid.column);
    }
    this.slider.setAttribute("aria-valuetext", threshold(point.threshold_pm));
    this.value.textContent = threshold(point.threshold_pm);
    const name = point.criterion || "by hand";
    if (this.criterion.value !== name) this.criterion.value = name;
    const target = TARGETS[name];
    this.targetField.style.visibility = target ? "visible" : "hidden"; // its room stays: nothing moves
    if (target && this.shownTarget !== `${name}${point.target}`) {
      this.shownTarget = `${name}${point.target}`;
      [this.target.min, this.target.max, this.target.step] = target.map(String);
      this.target.value = String(point.target ?? target[3]);
    }
    this.rulesText.textContent = "Event rules";
    this.toLocked.hidden = !data.locked;
    this.rulesText.title = rules(point.post);
    const shown = this.desk.root.activeElement;
    this.inputs.forEach(([rule, input]) => {
      if (input !== shown) input.value = String(point.post[rule]);
    });
    this.refreshLock(point, data);
  }

  refreshLock(point, { locked, model, reviewer, unreadable_locks }) {
    const chosen = criterion(point.criterion, point.target);
    this.lockWords.textContent = `Threshold ${threshold(point.threshold_pm)} (${chosen}); ${rules(point.post)}; ${model.title}, ${model.sha256.slice(0, 8)}.` + (reviewer ? ` Locked by ${reviewer}.` : " Enter your name at the top of the page first.");
    this.lockButton.disabled = this.desk.locking || !this.desk.grid;
    this.lockedWords.textContent =
      (locked ? `Locked now: ${threshold(locked.threshold_pm)} by ${locked.reviewer}, ${locked.time_utc.slice(0, 16).replace("T", " ")} UTC (${criterion(locked.criterion, locked.target)}; figures of ${locked.n_recordings} recordings)${locked.comment ? `: ${locked.comment}` : "."}` : "Nothing is locked yet: the detector's own threshold holds.") +
      (unreadable_locks ? ` ${unreadable_locks} lines of the file of locked points cannot be read.` : "");
  }
}
