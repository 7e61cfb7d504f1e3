// Rates from the tables of counts: the browser's twin of eegdash/scoring. Undefined is null. Pure.

const DAY_S = 86400;

export const ratio = (numerator, denominator) => (denominator > 0 ? numerator / denominator : null);

const total = (values) => values.reduce((sum, value) => sum + value, 0);

// Column of a threshold: that one, or the next higher one in the table.
export function columnOf(thresholds, pm) {
  const found = thresholds.findIndex((threshold) => threshold >= pm);
  return found < 0 ? thresholds.length - 1 : found;
}

export const allRows = (table) => table.recordings.map((_, row) => row);

// Counts of one column, summed over rows of the table.
export function countsAt(table, column, rows = allRows(table)) {
  const { counts, recordings } = table;
  const sum = (name) => total(rows.map((row) => counts[name][row][column]));
  const of = (name) => total(rows.map((row) => recordings[row][name]));
  return {
    events: { tp: sum("tp"), fp: sum("fp"), n: sum("n_ref"), seconds: of("covered_s"), found: sum("n_events") },
    samples: { tp: sum("sample_tp"), fp: sum("sample_fp"), n: sum("sample_n_ref"), seconds: of("sampled_s") },
    windows: { tp: sum("window_tp"), fp: sum("window_fp"), n: of("n_seizure_windows"), free: of("n_free_windows") },
  };
}

// Rates of event or sample counts, as SzCORE has them.
export function eventRates({ tp, fp, n, seconds }) {
  return {
    sensitivity: ratio(tp, n),
    precision: ratio(tp, tp + fp),
    f1: ratio(2 * tp, tp + fp + n),
    fpPerDay: ratio(fp * DAY_S, seconds),
  };
}

// Rates of a confusion matrix over windows.
export function windowRates({ tp, fp, n, free }) {
  const tn = free - fp;
  const fn = n - tp;
  const f1 = (hits, support) => (support ? support * ratio(2 * hits, 2 * hits + fp + fn) : 0);
  return {
    tp, fp, fn, tn,
    accuracy: ratio(tp + tn, n + free),
    sensitivity: ratio(tp, n),
    specificity: ratio(tn, free),
    precision: ratio(tp, tp + fp),
    f1: ratio(2 * tp, 2 * tp + fp + fn),
    weightedF1: n + free ? ratio(f1(tp, n) + f1(tn, free), n + free) : null,
  };
}

// Everything by threshold, summed over rows: what is drawn, and what a threshold is chosen by.
export function curveOf(table, rows = allRows(table)) {
  return table.threshold_pm.map((threshold_pm, column) => {
    const counts = countsAt(table, column, rows);
    return { threshold_pm, events: eventRates(counts.events), windows: windowRates(counts.windows) };
  });
}

// Rows of each person, in the order in which persons first occur.
export function personsOf(table) {
  const persons = new Map();
  table.recordings.forEach((recording, row) => {
    const key = recording.person_key;
    if (!persons.has(key)) persons.set(key, { person: recording.person, rows: [] });
    persons.get(key).rows.push(row);
  });
  return [...persons.values()];
}

// Mean and standard deviation (n - 1) of the values that are defined.
export function spread(values) {
  const known = values.filter((value) => value !== null);
  const mean = ratio(total(known), known.length);
  const squares = total(known.map((value) => (value - mean) ** 2));
  return { mean, sd: known.length > 1 ? Math.sqrt(squares / (known.length - 1)) : null, n: known.length };
}

// ---- choosing ------------------------------------------------------------------------------

export const CRITERIA = {
  "event-f1": (point) => [point.events.f1, point.events.f1],
  "window-f1": (point) => [point.windows.f1, point.windows.f1],
  "accuracy-sensitivity": ({ windows }) => {
    const both = windows.accuracy === null || windows.sensitivity === null ? null : (windows.accuracy + windows.sensitivity) / 2;
    return [both, both];
  },
  "fp-per-24h": ({ events }, target) => [events.fpPerDay !== null && events.fpPerDay <= target ? events.sensitivity : null, events.fpPerDay],
  sensitivity: ({ events }, target) => [
    events.sensitivity !== null && events.sensitivity >= target && events.fpPerDay !== null ? -events.fpPerDay : null,
    events.sensitivity,
  ],
};

// Column with the best of a criterion, and the figure it is stated with; among equally good ones
// the middle of the longest run. Null if it is undefined everywhere or nothing reaches the target.
export function choose(curve, criterion, target) {
  const scored = curve.map((point) => CRITERIA[criterion](point, target));
  const known = scored.map(([goal]) => goal).filter((goal) => goal !== null);
  if (!known.length) return null;
  const best = Math.max(...known) - 1e-12;
  const column = middleOfLongestRun(scored.map(([goal]) => goal !== null && goal >= best));
  return { column, threshold_pm: curve[column].threshold_pm, value: scored[column][1] };
}

export function middleOfLongestRun(good) {
  let longest = [0, 0];
  for (let i = 0; i < good.length; i++) {
    const first = i;
    while (i < good.length && good[i]) i++;
    if (i - first > longest[1] - longest[0]) longest = [first, i];
  }
  return Math.floor((longest[0] + longest[1] - 1) / 2);
}
