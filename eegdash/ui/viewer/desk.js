// The desk joins its parts: it takes facts from Python, and draws once per frame what changed.
//
// display     montage, filters, sensitivity, addresses of tiles
// navigation  where the reader is, what was seen
// operating   threshold, event rules, detections
// decisions   labels and marked spans; statements: first read and sign-off of the whole recording
// channels    rows hidden, channels bad; notes: what the file itself notes; cursor: readings off the traces

import { SpanIndex } from "./axis.js";
import { themeOf } from "./canvas.js";
import { Channels } from "./channels.js";
import { Cursor } from "./cursor.js";
import { Decisions } from "./decisions.js";
import { Display } from "./display.js";
import { comeBack } from "./explain.js";
import { listen } from "./input.js";
import { build, montageChoices, timeChoice } from "./layout.js";
import { Metrics } from "./metrics.js";
import { Navigation } from "./navigation.js";
import { Notes } from "./notes.js";
import { Operating } from "./operating.js";
import { overview } from "./overview.js";
import { Panel } from "./panel.js";
import { probabilityPanel } from "./probability.js";
import { Queue } from "./queue.js";
import { spectrogramPanel } from "./spectrogram.js";
import { Statements } from "./statements.js";
import { TileStore } from "./tiles.js";
import { rawPanel } from "./traces.js";
import { anyTrend, trendsPanel } from "./trends.js";

const READER = "eeg-review-reader";
const BELOW = 16; // px kept free under the traces

export class Desk {
  constructor(component) {
    this.root = component.parentElement;
    this.host = this.root.host || this.root;
    this.tiles = new TileStore(() => this.redraw(), (status) => this.tileProblem(status));
    this.display = new Display(this);
    this.navigation = new Navigation(this);
    this.operating = new Operating(this);
    this.decisions = new Decisions(this);
    this.metrics = new Metrics(this);
    this.statements = new Statements(this);
    this.queue = new Queue(this);
    this.panel = new Panel(this);
    this.channels = new Channels(this);
    this.notes = new Notes(this);
    this.cursor = new Cursor(this);
    build(this);
    listen(this);
  }

  receive(component) {
    this.send = component.setStateValue;
    this.trigger = component.setTriggerValue;
    const { data } = component;
    const changed = !this.data || this.data.recording.sha256 !== data.recording.sha256;
    const traceChanged = changed || (this.data.trace || {}).address !== (data.trace || {}).address;
    this.data = data;
    this.duration = data.recording.duration_s;
    this.gaps = data.recording.gaps;
    this.startOfDay = data.recording.start_of_day_s;
    this.reference = data.reference;
    this.references = new SpanIndex(data.reference ? data.reference.seizures : [], (span) => span);
    this.spectrogram = data.spectrogram;
    if (changed) this.openRecording();
    // another view than before, as after a reload: its threshold comes with it
    const moved = this.navigation.receive(data.seek, data.viewed);
    if (traceChanged || moved) this.operating.open();
    if (moved) this.channels.receive(data.channels);
    this.notesField.hidden = this.notes.count === 0;
    this.decisions.receive(data.labels, data.acked, data.rejected);
    this.queue.receive(data.queue);
    this.rememberReader(data.reviewer);
    this.display.applyMontage();
    // counts the page on screen as seen, too, in a view that did not know of it
    if (changed || moved) this.navigation.goTo(this.navigation.start);
    if (changed) comeBack(this);
    this.redraw();
  }

  openRecording() {
    this.operating.clear();
    this.decisions.clearSpan();
    this.decisions.forgetChosen();
    this.statements.close();
    this.navigation.contested = null;
    this.display.opened();
    this.channels.opened();
    this.notes.opened();
    this.cursor.opened();
    this.navigation.start = 0;
    montageChoices(this);
    timeChoice(this);
    if (!this.panel.fields) this.panel.buildForm(this.data.vocabulary);
  }

  // A reload starts a new session: this tab still knows who reads. Another tab does not.
  rememberReader(name) {
    if (name) sessionStorage.setItem(READER, name);
    else if (sessionStorage.getItem(READER)) this.send("reader", sessionStorage.getItem(READER));
  }

  tileProblem(status) {
    if (status === 403) this.say("This page has been open too long. Reload it to go on; your labels are saved.", true);
    else if (status === 0) this.say("The server does not answer. Check that it is running; nothing is lost.", true);
    else this.say("A part of the recording could not be read. Was the file moved or replaced?", true);
  }

  say(text, bad = false) {
    this.panel.status.textContent = text;
    this.panel.status.classList.toggle("bad", bad);
  }

  // ---- drawing -----------------------------------------------------------------------------

  // A threshold that moves changes the events only; the spectrogram stays as it is.
  redraw({ eventsOnly = false } = {}) {
    this.stale = this.stale || !eventsOnly;
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = null;
      if (this.host.isConnected) this.paint();
    });
  }

  paint() {
    if (!this.data) return;
    const { stale } = this;
    this.stale = false;
    this.operating.read();
    this.notes.read();
    const theme = themeOf(this.host);
    this.paintTrends(theme, stale);
    const complete = rawPanel(this.canvas.raw, this, theme, this.rawHeight());
    this.cursor.paint();
    this.notePage(complete);
    this.metrics.refresh();
    this.navigation.showPosition();
    this.panel.refresh();
  }

  paintTrends(theme, stale) {
    const { show } = this.display.settings;
    // where the trend holds the whole recording, an overview would only repeat it
    this.canvas.overview.hidden = show !== "all" || this.navigation.trend().length >= this.duration;
    if (!this.canvas.overview.hidden) overview(this.canvas.overview, this, theme);
    probabilityPanel(this.canvas.probability, this, theme);
    const { spectrogram } = this.display.settings;
    this.canvas.spectrogram.hidden = show === "eeg" || !this.spectrogram || !spectrogram;
    if (stale && !this.canvas.spectrogram.hidden) spectrogramPanel(this.canvas.spectrogram, this, theme);
    this.canvas.trends.hidden = show === "eeg" || !anyTrend(this);
    if (stale && !this.canvas.trends.hidden) trendsPanel(this.canvas.trends, this, theme);
  }

  // What tests and benchmarks wait for: the page asked for, and the page that is wholly drawn.
  notePage(complete) {
    const { start } = this.navigation;
    this.host.dataset.page = String(start);
    if (!complete) return;
    this.host.dataset.painted = String(start);
    this.paintedPages = (this.paintedPages || 0) + (this.lastPainted !== start ? 1 : 0);
    this.host.dataset.pages = String(this.paintedPages);
    this.lastPainted = start;
    this.display.prefetch();
  }

  rawHeight() {
    const rows = Math.max(this.display.channels.length, 4);
    const above = this.canvas.raw.getBoundingClientRect().top + window.scrollY;
    const wanted = window.innerHeight - Math.min(above, 0.6 * window.innerHeight) - BELOW;
    return Math.min(Math.max(wanted, 15 * rows + 44), 1000);
  }
}
