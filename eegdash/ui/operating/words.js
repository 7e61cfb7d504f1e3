// Numbers and sentences as the reader sees them. Pure.

export const NA = "n/a";

// The shapes that stand for the points in the plots.
export const shapeOf = (name) => ({ A: "●", B: "■" })[name] || "◇";

export const share = (value) => (value === null || value === undefined ? NA : value.toFixed(2));

export const perDay = (value) => {
  if (value === null || value === undefined) return NA;
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
};

export const threshold = (pm) => (pm % 10 ? (pm / 1000).toFixed(3) : (pm / 1000).toFixed(2));

export const meanSd = ({ mean, sd, n }, shown = share) =>
  mean === null ? NA : `${shown(mean)}${sd === null ? "" : ` ± ${shown(sd)}`} (n ${n})`;

export const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

export function length(seconds) {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

export const interval = ([value, low, high]) => (value === null ? NA : low === null ? share(value) : `${share(value)} (95 %: ${share(low)} to ${share(high)})`);

export const CRITERIA = [
  ["by hand", "by hand"],
  ["event-f1", "highest event F1"],
  ["window-f1", "highest window F1"],
  ["accuracy-sensitivity", "highest (accuracy + sensitivity) / 2, windows"],
  ["fp-per-24h", "false alarms per 24 h, at most …"],
  ["sensitivity", "event sensitivity, at least …"],
];

// What a target may be: [least, most, step, usual].
export const TARGETS = { "fp-per-24h": [0, 10000, 0.1, 1], sensitivity: [0, 1, 0.05, 0.8] };

export function criterion(name, target) {
  if (name === "fp-per-24h") return `false alarms per 24 h, at most ${target}`;
  if (name === "sensitivity") return `event sensitivity, at least ${target}`;
  return (CRITERIA.find(([value]) => value === name) || ["", "as it came with the detector"])[1];
}

export const rules = (post) =>
  `mean over ${post.smoothing_s} s, ${post.hysteresis < 1 ? `hysteresis ${post.hysteresis}` : "no hysteresis"}, gaps under ${post.merge_gap_s} s closed, at least ${post.min_duration_s} s`;

const FEW_PERSONS = 10;
const FEW_SEIZURES = 30;
const FEW_HOURS = 24;

// What has to be said beside the figures: [sentence, whether it is a warning]. The first one is
// always there, so that nothing moves under the hand when a threshold is. `tuned` recordings of
// `table` are those the threshold was chosen on, of `tunedPersons` others were, `trained` were
// trained on; `origin` says where the threshold comes from.
export function notes(table, { tuned, tunedPersons, trained, origin }) {
  const n = table.recordings.length;
  const found = [];
  const which = tuned < n ? `${tuned} of the ${n} recordings` : n === 1 ? "the recording" : `the ${n} recordings`;
  if (tuned) found.push([`This threshold was chosen on ${which} it is scored on, so the figures flatter the detector. Check it on recordings of other persons before you rely on it.`, true]);
  else if (tunedPersons) found.push([`This threshold was chosen on other recordings of ${count(tunedPersons, "person")} among these, so the figures may flatter the detector.`, true]);
  else found.push([`This threshold was not chosen on these recordings (${origin}).`, false]);
  if (trained) found.push([`The detector was trained on ${trained} of these ${n} recordings, or on their persons: the figures say nothing about new patients.`, true]);
  const few = scarce(table);
  if (few.length) found.push([`Only ${few.join(", ")}: this shows how the threshold works, and is no sensitivity or false-alarm rate of the detector.`, true]);
  const short = table.recordings.filter((recording) => !recording.events_possible).length;
  if (short) found.push([`${count(short, "recording")} too short for a detection under these rules: only the windows count there.`, true]);
  return found;
}

function scarce(table) {
  const persons = new Set(table.recordings.map((recording) => recording.person_key)).size;
  const seizures = table.counts.n_ref.reduce((sum, row) => sum + row[0], 0);
  const hours = table.recordings.reduce((sum, recording) => sum + recording.covered_s, 0) / 3600;
  const few = [];
  if (persons < FEW_PERSONS) few.push(count(persons, "person"));
  if (seizures < FEW_SEIZURES) few.push(count(seizures, "seizure"));
  if (hours < FEW_HOURS) few.push(`${length(3600 * hours)} of known truth`);
  return few;
}
