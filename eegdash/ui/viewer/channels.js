// Which rows are drawn and which recorded channels are bad: the reader's choice, with a menu at
// every name and a list of all.

import { button, choice, make } from "./dom.js";
import { faultWords, pageFlags, rowStates, rowsNote } from "./rows.js";

const LEAST_GOOD = 2; // electrodes that an average needs

export class Channels {
  constructor(desk) {
    this.desk = desk;
    this.bad = new Set(); // recorded channels
    this.hidden = new Set(); // names of rows
    this.solo = null;
    this.flags = []; // of the page on screen, per row of the montage
    this.menu = make("div", { class: "menu", role: "group", "aria-label": "Row", hidden: true, onkeydown: (e) => this.keyIn(e, () => this.closeMenu()) });
    this.menu.addEventListener("focusout", (event) => this.menu.contains(event.relatedTarget) || this.closeMenu());
    this.list = make("div", { class: "sheet channels", role: "region", "aria-label": "Channels", hidden: true, onkeydown: (e) => this.keyIn(e, () => this.toggleList()) });
  }

  opened() {
    this.solo = null;
    this.flags = [];
    this.closeMenu();
    this.list.hidden = true;
  }

  // Python's view of this recording.
  receive({ bad, hidden }) {
    this.bad = new Set(bad);
    this.hidden = new Set(hidden);
    this.refresh();
  }

  // As Python keeps it.
  told() {
    return { bad: [...this.bad].sort((a, b) => a - b), hidden: [...this.hidden] };
  }

  // ---- rows --------------------------------------------------------------------------------

  states() {
    const faint = this.desk.display.settings.badRows === "faint";
    return rowStates(this.desk.display.montage(), { bad: this.bad, hidden: this.hidden, solo: this.solo, faint });
  }

  // The bad channels as a tile's address carries them: only an average depends on them.
  inAddress() {
    if (!this.bad.size || !this.desk.display.montage().averaged) return "none";
    return this.told().bad.join(".");
  }

  note() {
    return rowsNote(this.states(), this.bad, this.labels());
  }

  labels() {
    return this.desk.data.channels.labels;
  }

  // What the tiles of the page say is wrong with their rows.
  look(tiles) {
    const flags = pageFlags(tiles);
    if (flags.join() === this.flags.join()) return;
    this.flags = flags;
    if (!this.list.hidden) this.refresh();
  }

  words(state) {
    return [...(state.bad ? ["bad"] : []), ...faultWords(this.flags[state.row] || 0)];
  }

  // ---- decisions ---------------------------------------------------------------------------

  setBad(channel, isBad) {
    const { desk } = this;
    const average = desk.data.recording.montages.find((montage) => montage.averaged && montage.available);
    const electrodes = average ? average.inputs.flat() : [];
    const good = electrodes.filter((other) => other !== channel && !this.bad.has(other)).length;
    if (isBad && electrodes.includes(channel) && good < LEAST_GOOD)
      return desk.say(`An average needs at least ${LEAST_GOOD} good electrodes, so ${this.labels()[channel]} stays.`, true);
    if (isBad) this.bad.add(channel);
    else this.bad.delete(channel);
    desk.say(`${this.labels()[channel]} is marked ${isBad ? "bad" : "good again"}.`);
    this.changed();
  }

  setHidden(name, isHidden) {
    if (isHidden) this.hidden.add(name);
    else this.hidden.delete(name);
    this.solo = null;
    this.changed();
  }

  setSolo(name) {
    this.solo = name;
    this.changed();
  }

  showAll() {
    this.solo = null;
    this.hidden.clear();
    this.changed();
  }

  changed() {
    this.closeMenu();
    this.refresh();
    this.desk.navigation.tell();
    this.desk.redraw();
  }

  // ---- the menu at a name ------------------------------------------------------------------

  openMenu(state, top) {
    const { name } = state;
    const action = (text, act) => button(text, "", act);
    const items = [
      action(`Hide ${name}`, () => this.setHidden(name, true)),
      this.solo === name ? null : action(`Show ${name} only`, () => this.setSolo(name)),
      this.solo !== null || this.hidden.size ? action("Show all rows", () => this.showAll()) : null,
      ...state.inputs.map((channel) => {
        const isBad = this.bad.has(channel);
        return action(`Mark ${this.labels()[channel]} ${isBad ? "good again" : "bad"}`, () => this.setBad(channel, !isBad));
      }),
      action("All channels …", () => this.toggleList()),
    ];
    const about = [name, ...this.words(state)].join(", ") + (state.sum ? ` = ${state.sum}` : "");
    this.menu.replaceChildren(make("p", { class: "note", textContent: about }), ...items.filter(Boolean));
    this.menu.hidden = false;
    this.menu.style.top = `${top}px`;
    this.menu.querySelector("button").focus();
  }

  openMenuAt(event) {
    const { traces: ground } = this.desk;
    const place = ground ? Math.floor((event.offsetY - ground.top) / ground.rowHeight) : -1;
    const state = place >= 0 ? ground.rows[place] : null;
    if (!state) return;
    event.preventDefault(); // or the canvas takes the focus from the menu's first button
    this.openMenu(state, Math.min(event.offsetY, Math.max(ground.height - 40 * (5 + state.inputs.length), 0)));
  }

  closeMenu() {
    this.menu.hidden = true;
  }

  // Close what is open; false where nothing is.
  close() {
    if (!this.menu.hidden) this.closeMenu();
    else if (!this.list.hidden) this.toggleList();
    else return false;
    return true;
  }

  // ---- the list of all ---------------------------------------------------------------------

  toggleList() {
    this.closeMenu();
    this.list.hidden = !this.list.hidden;
    if (this.list.hidden) return this.desk.channelsButton.focus();
    this.refresh();
    this.list.querySelector("ul input").focus();
  }

  keyIn(event, close) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  }

  refresh() {
    if (this.list.hidden || !this.desk.data) return;
    const focused = this.desk.root.activeElement?.dataset?.key;
    const { scrollTop } = this.list;
    const montage = this.desk.display.montage();
    const states = this.states();
    const used = [...new Set(montage.inputs.flat())].sort((a, b) => a - b);
    const parts = [
      make("h3", { textContent: `Channels, ${montage.title.toLowerCase()}` }),
      montage.why ? make("p", { class: "note", textContent: `${montage.why}.` }) : null,
      montage.averaged ? make("p", { class: "note", textContent: "Bad channels are left out of the average." }) : null,
      make(
        "div",
        { class: "row" },
        choice("Bad rows", [["hide", "hidden"], ["faint", "drawn faint"]], this.desk.display.settings.badRows, (value) => {
          this.desk.display.set("badRows", value);
          this.refresh();
        }),
        this.keyed(button("Show all rows", "Nothing hidden by hand, no single row", () => this.showAll()), "all"),
        this.keyed(button("Close", "Esc", () => this.toggleList()), "close"),
      ),
      make("h4", { textContent: "Rows" }),
      make("ul", { class: "rows" }, ...states.map((state) => this.rowItem(state))),
      make("h4", { textContent: "Recorded channels: press those that are bad" }),
      make("div", { class: "recorded" }, ...used.map((channel) => this.channelItem(channel))),
    ];
    this.list.replaceChildren(...parts.filter(Boolean));
    this.list.scrollTop = scrollTop;
    if (focused) this.list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  keyed(node, key) {
    node.dataset.key = key;
    return node;
  }

  rowItem(state) {
    const { name } = state;
    const box = make("input", { type: "checkbox", checked: !this.hidden.has(name), onchange: (e) => this.setHidden(name, !e.target.checked) });
    const words = this.words(state);
    const alone = this.solo === name;
    const solo = button(alone ? "All" : "Only", alone ? "Show all rows again" : `Show ${name} only`, () => this.setSolo(alone ? null : name));
    return make(
      "li",
      {},
      make("label", {}, this.keyed(box, `row ${name}`), make("span", { class: state.bad ? "struck" : "", textContent: name }), words.length ? make("b", { textContent: words.join(", ") }) : null),
      this.keyed(solo, `only ${name}`),
      state.sum ? make("span", { class: "about", textContent: `= ${state.sum}` }) : null,
    );
  }

  channelItem(channel) {
    const isBad = this.bad.has(channel);
    const label = this.labels()[channel];
    const node = button(isBad ? `${label} bad` : label, isBad ? `Mark ${label} good again` : `Mark ${label} bad`, () => this.setBad(channel, !isBad), isBad ? "struck" : "");
    node.setAttribute("aria-pressed", String(isBad));
    return this.keyed(node, `channel ${channel}`);
  }
}
