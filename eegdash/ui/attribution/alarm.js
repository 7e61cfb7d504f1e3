// Does the detector look at the wrong thing? Asked over a set of windows of the recording.

import { make, moveBar } from "../viewer/dom.js";
import { checkList } from "./checks.js";

const WORK = "Looking for shortcuts"; // name of the bar
const TITLES = { "same profile": "Same reasons for both", "window edges": "Window edges", "line frequency": "Line frequency", "muscle range": "Muscle range" };

export class Alarm {
  constructor(desk) {
    this.desk = desk;
    this.body = make("div", {});
    this.node = make(
      "section",
      { class: "box", "aria-label": "Shortcut alarm" },
      make("h3", { textContent: "Does it take a shortcut?" }),
      make("p", { class: "note", textContent: "Looks at the most confident windows of both kinds in this recording: the same evidence whether seizure or not, evidence at the edges of windows, at the line frequency, or where muscle is." }),
      this.body,
    );
  }

  opened() {
    this.asked = null;
    this.key = null;
  }

  start() {
    const panel = this.desk.state.panels[0];
    this.asked = `${this.desk.data.base}/alarm/${panel.model}/0`;
    this.desk.redraw();
  }

  refresh() {
    const { store } = this.desk;
    const panel = this.desk.state.panels[0];
    const wanted = `${this.desk.data.base}/alarm/${panel.model}/0`;
    if (this.asked && this.asked !== wanted) this.asked = null; // panel A has another detector now
    const answer = this.asked ? store.get(this.asked) : {};
    const key = `${this.asked}|${Boolean(answer.value)}|${answer.problem}|${answer.state}`;
    moveBar(this.body, WORK, answer.progress);
    if (this.key === key) return;
    this.key = key;
    const button = (textContent, onclick) => make("button", { type: "button", textContent, onclick });
    if (!this.asked) this.body.replaceChildren(button("Look for shortcuts", () => this.start()));
    else if (answer.problem) this.body.replaceChildren(make("p", { class: "note", textContent: answer.problem }), button("Try again", () => store.retry(this.asked)));
    else if (!answer.value) this.body.replaceChildren(make("progress", { value: answer.progress || 0, max: 1, "aria-label": WORK }), answer.state === "queued" ? " waiting for other work " : " ", button("Cancel", () => store.cancel(this.asked)));
    else this.body.replaceChildren(...this.found(answer.value));
  }

  found({ raised, signs, n_seizure: n, n_other: m }) {
    const state = (sign) => (sign.raised === null ? "none" : sign.raised ? "bad" : "good");
    const words = raised ? "Yes, there are signs of a shortcut" : "No sign of the shortcuts that were looked for";
    return [
      make("p", { class: `verdict ${raised ? "bad" : "good"}` }, make("b", { class: "mark", textContent: raised ? "✖" : "✔" }), make("strong", { textContent: words }), make("span", { textContent: `${n} windows that it calls seizure, ${m} that it does not.` })),
      checkList(signs.map((sign) => ({ state: state(sign), title: TITLES[sign.name] || sign.name, words: sign.evidence, help: "" })), "Signs of a shortcut"),
    ];
  }
}
