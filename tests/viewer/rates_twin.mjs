// Reads tables and wishes from standard input, prints what the browser's code makes of them.
import { readFileSync } from "node:fs";

import { choose, countsAt, curveOf, eventRates, personsOf, spread, windowRates } from "../../eegdash/ui/operating/rates.js";

const found = JSON.parse(readFileSync(0, "utf8")).map(({ table, wishes }) => {
  const curve = curveOf(table);
  const persons = personsOf(table);
  return {
    choices: wishes.map(([criterion, target]) => choose(curve, criterion, target)),
    curve,
    samples: table.threshold_pm.map((_, column) => eventRates(countsAt(table, column).samples)),
    windows: table.threshold_pm.map((_, column) => windowRates(countsAt(table, column).windows)),
    persons: table.threshold_pm.map((_, column) =>
      ["sensitivity", "precision", "f1", "fpPerDay"].map((name) => spread(persons.map(({ rows }) => eventRates(countsAt(table, column, rows).events)[name]))),
    ),
  };
});
process.stdout.write(JSON.stringify(found));
