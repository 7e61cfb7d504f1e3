// What if a band, a region or a channel were as in the baseline? On the window, and along the trace.

import { make, moveBar } from "../viewer/dom.js";
import { UNSCORED } from "../viewer/events.js";
import { changeRows } from "./tables.js";

const WORK = "Probability along the trace"; // name of the bar

export class WhatIf {
  constructor(desk) {
    this.desk = desk;
    this.chosen = new Set();
    this.rows = make("div", { class: "change-groups" });
    this.status = make("p", { class: "note", role: "status" });
    this.go = make("button", { type: "button", textContent: "Along the trace", title: "The probability of the whole recording with what is ticked exchanged for the baseline", onclick: () => this.start() });
    this.clear = make("button", { type: "button", textContent: "Clear", onclick: () => this.forget() });
    this.node = make(
      "section",
      { class: "box", "aria-label": "What if" },
      make("h3", { textContent: "What if it were not there?" }),
      make("p", { class: "note", textContent: "Each row: the probability of panel A's window when that band, region or channel is exchanged for the baseline (thin line: now; bar: then). Tick some to see the probability along the trace without them. This is an altered input, not a detection." }),
      this.rows,
      make("div", { class: "row" }, this.go, this.clear, this.status),
    );
  }

  opened() {
    this.chosen.clear();
    this.asked = null;
    this.key = null;
  }

  get panel() {
    return this.desk.state.panels[0];
  }

  tick(key, on) {
    if (on) this.chosen.add(key);
    else this.chosen.delete(key);
    this.asked = null;
    this.desk.redraw();
  }

  forget() {
    this.chosen.clear();
    this.asked = null;
    this.key = null;
    this.desk.redraw();
  }

  start() {
    const masks = [...this.chosen].sort().join(",");
    // the whole recording: the window does not matter, so every window has the same address
    this.asked = this.desk.addressOf("trace", { ...this.panel, method: "" }, 0, { masks });
    this.desk.redraw();
  }

  // The altered probability for the strip, null where none was asked for.
  along() {
    const value = this.asked && this.desk.store.known(this.asked).value;
    return value ? { first: value.first, values: value.arrays.after_pm.values } : null;
  }

  refresh() {
    const { desk } = this;
    const { index } = desk.indexOf(this.panel);
    if (index === undefined) return;
    const address = desk.addressOf("masks", { ...this.panel, method: "" }, index);
    const { value, problem } = desk.store.get(address);
    const key = `${address}|${Boolean(value)}|${problem}|${this.chosen.size}|${desk.state.bandSet}`;
    if (this.key !== key) {
      // the last rows stay, faded, while the next are computed
      this.rows.classList.toggle("stale", !value && !problem);
      const { bandSet } = desk.state;
      const slice = /^B\d$/;
      const shown = ({ mask }) => mask.kind !== "band" || slice.test(mask.name) === (bandSet === "slices") || this.chosen.has(`band:${mask.name}`);
      if (value) this.rows.replaceChildren(...changeRows(value.changes.filter(shown), this.chosen, (name, on) => this.tick(name, on)));
      else if (problem) this.rows.replaceChildren(make("p", { class: "note", textContent: problem }));
      this.key = key;
    }
    this.go.disabled = this.chosen.size === 0;
    this.clear.disabled = this.chosen.size === 0;
    this.say();
  }

  say() {
    const { store } = this.desk;
    const { value, problem, progress, state } = this.asked ? store.get(this.asked) : {};
    const key = `${this.asked}|${Boolean(value)}|${problem}|${state}|${this.chosen.size}`;
    moveBar(this.status, WORK, progress);
    if (this.said === key) return;
    this.said = key;
    if (value) this.status.replaceChildren(this.words(value));
    else if (problem) this.status.replaceChildren(problem, " ", make("button", { type: "button", class: "small", textContent: "Try again", onclick: () => store.retry(this.asked) }));
    else if (this.asked) this.status.replaceChildren(make("progress", { value: progress || 0, max: 1, "aria-label": WORK }), state === "queued" ? " waiting for other work " : " ", make("button", { type: "button", class: "small", textContent: "Cancel", onclick: () => store.cancel(this.asked) }));
    else this.status.textContent = this.chosen.size ? `${this.chosen.size} ticked.` : "Nothing is ticked.";
  }

  words({ first, titles, arrays }) {
    const { values, data } = this.desk;
    const after = arrays.after_pm.values;
    const limit = data.trace.threshold_pm;
    let [before, kept, fresh] = [0, 0, 0];
    after.forEach((pm, k) => {
      const was = values[first + k];
      const high = was !== UNSCORED && was >= limit;
      if (high) before += 1;
      if (high && pm >= limit) kept += 1;
      if (!high && pm >= limit) fresh += 1;
    });
    return `Without ${titles.join(", ")} (dashed above): ${kept} of ${before} windows at or above the threshold stay there${fresh ? `, ${fresh} come to it` : ""}.`;
  }
}
