// The whole recording at a glance: regional spectrogram, probability, detections, labels, what was seen.

import { density, gaps, heading, pageMark, prepare, rowName, timeAxis } from "./canvas.js";
import { probabilityLine } from "./probability.js";
import { spectrogramStrip } from "./spectrogram.js";
import { seenBar, strips, stripsHeight } from "./strips.js";

const overviewSpectrogram = () => Math.round(28 + 24 * density());

const line = () => Math.round(16 + 8 * density());

const STRIP = 7; // px

function overviewHeight(desk) {
  return 20 + (desk.spectrogram ? overviewSpectrogram() + 2 : 0) + line() + 4 + stripsHeight(desk, STRIP) + 8 + 20;
}

export function overview(canvas, desk, theme) {
  const area = prepare(canvas, overviewHeight(desk));
  const { g } = area;
  const view = { start: 0, length: desk.duration };
  heading(area, "Whole recording", theme, "click or drag to go there");
  let y = 20;
  const top = y;
  if (desk.spectrogram) {
    const h = overviewSpectrogram() / desk.spectrogram.panels.length;
    desk.spectrogram.panels.forEach((panel, i) => {
      spectrogramStrip(area, view, desk, i, y + i * h, h - 1);
      if (h >= 12) rowName(area, panel.name, y + i * h + h / 2, theme);
    });
    if (overviewSpectrogram() / desk.spectrogram.panels.length < 12)
      rowName(area, desk.spectrogram.panels.map((panel) => panel.name).join(" "), y + overviewSpectrogram() / 2, theme);
    y += overviewSpectrogram() + 2;
  }
  probabilityLine(area, view, desk, y, line(), theme, true);
  rowName(area, desk.data.blinded ? "Hidden" : desk.operating.trace ? "Probability" : "Not scored", y + line() / 2, theme);
  y = strips(area, view, desk, y + line() + 4, STRIP, theme);
  seenBar(area, view, desk, y, theme);
  y += 8;
  gaps(area, view, desk, top, y - top, theme, false);
  pageMark(area, view, desk, top, y - top, theme);
  timeAxis(area, view, y + 1, theme, desk.startOfDay);
  g.textAlign = "left";
}
