// Reads cases from standard input, prints what the browser's code finds in each.
import { readFileSync } from "node:fs";

import { findEvents, smooth, smoothWindows } from "../../eegdash/ui/viewer/events.js";

const found = JSON.parse(readFileSync(0, "utf8")).map((c) => {
  const level = smooth(Uint16Array.from(c.probability_pm), smoothWindows(c.post, c.step_s));
  return findEvents(level, c.threshold_pm, c.post, c.step_s).map((e) => [e.first, e.stop, e.peak_pm]);
});
process.stdout.write(JSON.stringify(found));
