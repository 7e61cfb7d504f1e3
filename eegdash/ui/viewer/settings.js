// Display settings, kept in this browser, and the parameters of events.

export const DEFAULTS = {
  pageS: 10, trendS: 600, montage: "longitudinal-bipolar", sensitivity: 0, low: 1, high: 70, notch: 0,
  fmax: 20, colours: "viridis", show: "all", dbLow: -10, dbHigh: 25,
  spectrogram: true, aeeg: false, asymmetry: false, rhythmicity: false, // what is drawn under the probability
  spectrogramOf: "regions", chosen: {}, // names of rows by montage
  timeAs: "elapsed", // or "clock": what the time field takes
  notes: true, badRows: "hide",
};
const STORAGE = "eeg-review-display";
export const SENSITIVITIES = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100];
// of the colours of a spectrogram, dB re 1 µV²/Hz
export const LIMITS = [[-10, 25], [-20, 15], [0, 35], [-20, 40], [10, 50]];
export const TRENDS = [[120, "trend 2 min"], [600, "trend 10 min"], [1800, "trend 30 min"], [3600, "trend 1 h"], [7200, "trend 2 h"], [14400, "trend 4 h"], [0, "trend all"]];
export const SHOWN = [["all", "show all"], ["spectrogram", "no overview"], ["eeg", "EEG mostly"]];
export const PAGES = [5, 10, 15, 20, 30, 60];

// name, words, lowest, highest, step
export const RULES = [
  ["smoothing_s", "Moving mean, s", 0, 60, 1.5],
  ["hysteresis", "Hysteresis, lower/upper", 0.1, 1, 0.05],
  ["merge_gap_s", "Merge gaps under, s", 0, 120, 1.5],
  ["min_duration_s", "Drop events under, s", 0, 120, 1.5],
];

export function stored() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(STORAGE)) };
  } catch {
    return { ...DEFAULTS };
  }
}

export function store(settings) {
  try {
    localStorage.setItem(STORAGE, JSON.stringify(settings));
  } catch {
    // private browsing: the settings last as long as the page
  }
}
