// Where the reader is: pages, jumps from detection to detection, what has been seen.

import * as fmt from "./format.js";
import { clampStart, shareOf, trendView, withSpan } from "./axis.js";
import { disagreements } from "./disagreement.js";
import { keepPlace } from "./links.js";
import { PAGES } from "./settings.js";
import { stepAmong } from "./stepping.js";

const SETTLED_MS = 250; // after this long on a page it counts as seen, and Python is told
const AUTOPLAY_MS = 1200;

export class Navigation {
  constructor(desk) {
    this.desk = desk;
    this.start = 0;
    this.viewed = [];
    this.seek = null;
  }

  get pageS() {
    return this.desk.display.settings.pageS;
  }

  get end() {
    return Math.min(this.start + this.pageS, this.desk.duration);
  }

  trend() {
    return trendView(this.start, this.pageS, this.desk.duration, this.desk.display.settings.trendS);
  }

  // Python's view of this recording, when it is another one than is known here.
  receive(seek, viewed) {
    if (!seek || seek.n === this.seek) return false;
    this.seek = seek.n;
    if (PAGES.includes(seek.page_s)) this.desk.display.showPage(seek.page_s); // an address asked for it
    this.start = this.clamp(seek.start_s);
    this.viewed = viewed || [];
    return true;
  }

  clamp(t) {
    return clampStart(t, this.desk.duration, this.pageS);
  }

  pageChanged() {
    this.start = this.clamp(this.start);
  }

  goTo(t) {
    this.start = this.clamp(Math.round(t * 10) / 10);
    this.desk.redraw();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settled(), SETTLED_MS);
  }

  settled() {
    this.seen();
    this.tell();
  }

  seen() {
    clearTimeout(this.settling);
    this.viewed = withSpan(this.viewed, [this.start, this.end]);
    this.desk.redraw();
    keepPlace(this.desk);
  }

  facts() {
    return { seek: this.seek, start_s: this.start, page_s: this.pageS, viewed: this.viewed, ...this.desk.channels.told() };
  }

  tell() {
    this.desk.send("view", this.facts());
  }

  viewedShare() {
    return shareOf(this.viewed, this.desk.duration);
  }

  page(pages) {
    this.goTo(this.start + pages * this.pageS);
  }

  onPage([onset, end]) {
    return onset < this.start + this.pageS && end > this.start;
  }

  // Go so that a moment stands a little right of the page's left edge.
  goBefore(onset) {
    this.goTo(Math.max(onset - Math.min(3, this.pageS / 4), 0));
  }

  select(event, go) {
    const { operating, decisions } = this.desk;
    if (decisions.held(event)) return;
    if (!event || !operating.isSelected(event)) this.desk.say("");
    operating.selected = event;
    decisions.forgetChosen();
    if (event && go) this.goBefore(operating.spanOf(event)[0]);
    this.desk.redraw();
  }

  step(direction) {
    this.stepTo(this.desk.operating.events, direction, "detection");
  }

  stepUnreviewed(direction) {
    const { operating, decisions } = this.desk;
    // a reviewed one counts only as the place to go on from
    const here = (event) => event === operating.selected && this.onPage(operating.spanOf(event));
    const open = operating.events.filter((event) => here(event) || !decisions.labelOf(event));
    if (operating.events.length && !open.some((event) => !decisions.labelOf(event))) return this.desk.say("Every detection at this threshold is reviewed.");
    this.stepTo(open, direction, "unreviewed detection");
  }

  stepTo(events, direction, what) {
    const { operating, data } = this.desk;
    if (data.blinded) return this.desk.say("Detections are hidden until you commit your first read.");
    if (!operating.events.length) return this.desk.say("There is no detection at this threshold.");
    const current = events.findIndex((event) => operating.isSelected(event));
    const next = stepAmong(events, (event) => operating.spanOf(event), current, direction, { start: this.start, end: this.start + this.pageS });
    if (next < 0 || next >= events.length) return this.desk.say(`There is no ${direction > 0 ? "later" : "earlier"} ${what}.`);
    this.select(events[next], true);
  }

  // Detector, reference and readers compared; again only when one of them changed.
  disagreements() {
    const { operating, decisions, data } = this.desk;
    const of = [operating.events, operating.trace, decisions.labels, data.reference];
    if (!this.compared || of.some((part, i) => part !== this.compared.of[i])) {
      const detections = operating.trace ? operating.events.map((event) => operating.spanOf(event)) : null;
      this.compared = { of, found: disagreements({ detections, reference: data.reference, labels: decisions.labels }) };
    }
    return this.compared.found;
  }

  stepDisagreement(direction) {
    const { desk } = this;
    if (desk.data.blinded) return desk.say("What others say is hidden until you commit your first read.");
    if (desk.decisions.held(null)) return;
    const found = this.disagreements();
    if (!found.length) return desk.say("Nothing here contradicts another: no disagreement.");
    const spanOf = (item) => [item.onset, item.end];
    const current = this.contested ? found.findIndex((item) => item.onset === this.contested.onset && item.end === this.contested.end) : -1;
    const next = stepAmong(found, spanOf, current, direction, { start: this.start, end: this.start + this.pageS });
    if (next < 0 || next >= found.length) return desk.say(`There is no ${direction > 0 ? "later" : "earlier"} disagreement.`);
    this.contested = found[next];
    const { onset, end, words } = this.contested;
    const event = desk.operating.index.within(onset, end).find((e) => desk.operating.spanOf(e)[0] < end && desk.operating.spanOf(e)[1] > onset);
    this.select(event || null, false);
    this.goBefore(onset);
    desk.say(`Disagreement ${next + 1} of ${found.length}, ${fmt.elapsed(onset)}: ${words.join("; ")}.`);
  }

  toggleAutoplay() {
    if (this.playing) {
      clearInterval(this.playing);
      this.playing = null;
    } else {
      this.playing = setInterval(() => {
        const before = this.start;
        this.page(1);
        if (this.start === before || !this.desk.host.isConnected) this.toggleAutoplay();
      }, AUTOPLAY_MS);
    }
    this.desk.play.textContent = this.playing ? "Pause" : "Play";
  }

  get byClock() {
    return this.desk.display.settings.timeAs === "clock" && this.desk.startOfDay !== null;
  }

  // The time field, and what a screen reader hears of the page.
  showPosition() {
    const { desk } = this;
    if (desk.root.activeElement !== desk.goto) desk.goto.value = this.byClock ? fmt.clock(desk.startOfDay, this.start) : fmt.elapsed(this.start, this.start % 1 ? 1 : 0);
    const last = this.byClock ? fmt.clock(desk.startOfDay, desk.duration) : fmt.elapsed(desk.duration);
    desk.position.textContent = this.byClock ? `to ${last}` : `of ${last}`;
    desk.canvas.raw.setAttribute("aria-label", `EEG traces from ${fmt.elapsed(this.start)} to ${fmt.elapsed(this.end)}, ${desk.display.note()}`);
  }

  typed(text) {
    const { desk } = this;
    const t = this.byClock ? fmt.parseClock(text, desk.startOfDay, Math.max(this.start - 1, 0), desk.duration) : fmt.parseTime(text);
    if (t === null) return desk.say(this.byClock ? "Type a clock time as hh:mm or hh:mm:ss." : "Type a time as h:mm:ss or as seconds.", true);
    if (t === "none") return desk.say(`The recording runs from ${fmt.clock(desk.startOfDay, 0)} to ${fmt.clock(desk.startOfDay, desk.duration)}; it does not reach ${text.trim()}.`, true);
    if (t > desk.duration) return desk.say(`The recording ends at ${fmt.elapsed(desk.duration)}.`, true);
    desk.goto.blur();
    const day = this.byClock ? fmt.dayOf(desk.startOfDay, t) : 1;
    desk.say(day > 1 ? `${text.trim()} on day ${day} of the recording.` : "");
    this.goTo(t);
  }
}
