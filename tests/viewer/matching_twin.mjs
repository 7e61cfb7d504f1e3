// Reads detections and labels from standard input, prints which detections the viewer calls reviewed.
import { readFileSync } from "node:fs";

import { SpanIndex } from "../../eegdash/ui/viewer/axis.js";
import { aboutOf, labelsByEvent } from "../../eegdash/ui/viewer/matching.js";

const found = JSON.parse(readFileSync(0, "utf8")).map(({ events, labels }) => {
  const matched = labelsByEvent(events, (event) => event, new SpanIndex(labels, aboutOf));
  return events.map((event) => matched.has(event));
});
process.stdout.write(JSON.stringify(found));
