// The browser's twin of eegdash/detection.py: the same integers, therefore the same events.
// Probability is per mille (Uint16Array); 65535 marks a window that could not be scored.

export const UNSCORED = 65535;

// Centred moving mean over scored neighbours, rounded half up; -1 where unscored.
export function smooth(probability, nWindows) {
  const n = probability.length;
  const half = Math.floor(Math.max(nWindows, 1) / 2);
  const total = new Float64Array(n + 1);
  const runStart = new Int32Array(n);
  const runStop = new Int32Array(n);
  let start = 0;
  for (let i = 0; i < n; i++) {
    const scored = probability[i] !== UNSCORED;
    total[i + 1] = total[i] + (scored ? probability[i] : 0);
    if (!scored) start = i + 1;
    runStart[i] = start;
  }
  let stop = n;
  for (let i = n - 1; i >= 0; i--) {
    if (probability[i] === UNSCORED) stop = i;
    runStop[i] = stop;
  }
  const level = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    if (probability[i] === UNSCORED) {
      level[i] = -1;
      continue;
    }
    const lo = Math.max(i - half, runStart[i]);
    const hi = Math.min(i + half + 1, runStop[i]);
    const count = Math.max(hi - lo, 1);
    level[i] = Math.floor((2 * (total[hi] - total[lo]) + count) / (2 * count));
  }
  return level;
}

// Python's round(): half to even, on values that are decimal numbers of at most three places.
function milli(value) {
  const scaled = value * 1000;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  if (rest !== 0.5) return Math.round(scaled);
  return floor % 2 === 0 ? floor : floor + 1;
}

export function smoothWindows(post, stepS) {
  return Math.floor(milli(post.smoothing_s) / milli(stepS));
}

// Events [{first, stop, peak_pm}] of a smoothed level at a threshold; see find_events.
export function findEvents(level, thresholdPm, post, stepS) {
  const stepMs = milli(stepS);
  const lower = Math.max(Math.floor((thresholdPm * milli(post.hysteresis) + 500) / 1000), 0);
  const mergeMs = milli(post.merge_gap_s);
  const minMs = milli(post.min_duration_s);
  const n = level.length;
  const merged = [];
  let i = 0;
  while (i < n) {
    if (level[i] < lower) {
      i++;
      continue;
    }
    const first = i;
    let peak = -1;
    while (i < n && level[i] >= lower) {
      if (level[i] > peak) peak = level[i];
      i++;
    }
    if (peak < thresholdPm) continue;
    const last = merged.length ? merged[merged.length - 1] : null;
    if (last && (first - last.stop) * stepMs < mergeMs && allScored(level, last.stop, first)) {
      last.stop = i;
      last.peak_pm = Math.max(last.peak_pm, peak);
    } else {
      merged.push({ first, stop: i, peak_pm: peak });
    }
  }
  return merged.filter((event) => (event.stop - event.first) * stepMs >= minMs);
}

function allScored(level, from, to) {
  for (let i = from; i < to; i++) if (level[i] < 0) return false;
  return true;
}
