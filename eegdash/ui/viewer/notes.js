// What is noted in the file itself: fetched once, shown as flags on the traces and as ticks.

import { SpanIndex } from "./axis.js";
import { decodeJson } from "./tiles.js";

export class Notes {
  constructor(desk) {
    this.desk = desk;
    this.opened();
  }

  opened() {
    this.address = null;
    this.index = null;
  }

  // How many the file holds; 0 where it has none or they are withheld.
  get count() {
    const { notes, blinded } = this.desk.data;
    return notes && !blinded ? notes.n : 0;
  }

  get shown() {
    return this.count > 0 && this.desk.display.settings.notes;
  }

  read() {
    if (!this.shown) return;
    const { address } = this.desk.data.notes;
    if (this.index && this.address === address) return;
    const notes = this.desk.tiles.get(address, decodeJson);
    if (!notes) return;
    this.address = address;
    this.index = new SpanIndex(notes, ([onset, duration]) => [onset, onset + duration]);
  }

  within(from, to) {
    return this.shown && this.index ? this.index.within(from, to) : [];
  }
}

const SHORTEST = 24; // px of text; less would be a letter or two
const NAMED = 8; // of many notes behind one flag the first few; there is no room for more
const POLE = 9; // px from a flag's pole to the end of its text, without the text

// Flags [{x, poles, text}] of notes in order of onset. Notes too close together for words share a
// flag, each with a pole of its own where pixels allow; the text is cut to the room before the next
// flag and the right edge. `xOfTime` gives px, `widthOf` the px of a text.
export function flags(notes, xOfTime, widthOf, right) {
  const found = [];
  for (const [onset, , text] of notes) {
    const x = Math.round(xOfTime(onset));
    const last = found[found.length - 1];
    if (!last || x - last.x >= SHORTEST + POLE) found.push({ x, poles: [x], texts: [text] });
    else {
      last.texts.push(text);
      if (x !== last.poles[last.poles.length - 1]) last.poles.push(x);
    }
  }
  return found.map(({ x, poles, texts }, i) => {
    const room = (i + 1 < found.length ? found[i + 1].x : right) - x - POLE;
    const whole = texts.length > 1 ? `${texts.length} notes: ${texts.slice(0, NAMED).join("; ")}` : texts[0];
    return { x, poles, text: fitted(whole, room, widthOf) };
  });
}

function fitted(text, room, widthOf) {
  if (room < SHORTEST) return "";
  const width = widthOf(text);
  if (width <= room) return text;
  let cut = Math.floor((text.length * room) / width);
  while (cut > 1 && widthOf(`${text.slice(0, cut)}…`) > room) cut--;
  return cut > 1 ? `${text.slice(0, cut)}…` : "";
}
