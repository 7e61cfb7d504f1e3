// Where the reader is: pages, jumps from detection to detection, what has been seen.

import * as fmt from "./format.js";
import { clampStart, shareOf, trendView, withSpan } from "./axis.js";

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
    this.viewed = withSpan(this.viewed, [this.start, this.end]);
    this.desk.redraw();
    this.tell();
  }

  tell() {
    this.desk.send("view", { seek: this.seek, start_s: this.start, page_s: this.pageS, viewed: this.viewed });
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
    const { operating } = this.desk;
    if (!event || !operating.isSelected(event)) this.desk.say("");
    operating.selected = event;
    if (event && go) this.goBefore(operating.spanOf(event)[0]);
    this.desk.redraw();
  }

  step(direction) {
    const { events, selected } = this.desk.operating;
    const spanOf = (event) => this.desk.operating.spanOf(event);
    if (!events.length) return this.desk.say("There is no detection at this threshold.");
    // from the chosen detection while it is on the page, else from the page
    let next;
    if (selected && this.onPage(spanOf(selected))) {
      next = events.findIndex((e) => this.desk.operating.isSelected(e)) + direction;
    } else if (direction > 0) {
      next = events.findIndex((e) => spanOf(e)[1] > this.start);
      if (next < 0) next = events.length;
    } else {
      next = events.findLastIndex((e) => spanOf(e)[0] < this.start + this.pageS);
    }
    if (next < 0 || next >= events.length)
      return this.desk.say(direction > 0 ? "There is no later detection." : "There is no earlier detection.");
    this.select(events[next], true);
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

  // The time field, and what a screen reader hears of the page.
  showPosition() {
    const { desk } = this;
    if (desk.root.activeElement !== desk.goto) desk.goto.value = fmt.elapsed(this.start, this.start % 1 ? 1 : 0);
    desk.position.textContent = `of ${fmt.elapsed(desk.duration)}`;
    desk.canvas.raw.setAttribute("aria-label", `EEG traces from ${fmt.elapsed(this.start)} to ${fmt.elapsed(this.end)}, ${desk.display.note()}`);
  }

  typed(text) {
    const { desk } = this;
    const t = fmt.parseTime(text);
    if (t === null) return desk.say("Type a time as h:mm:ss or as seconds.", true);
    if (t > desk.duration) return desk.say(`The recording ends at ${fmt.elapsed(desk.duration)}.`, true);
    desk.goto.blur();
    desk.say("");
    this.goTo(t);
  }
}
