// Words and numbers as the reader sees them.

export function elapsed(seconds, decimals = 0) {
  const sign = seconds < 0 ? "-" : "";
  const unit = 10 ** decimals;
  let rest = Math.round(Math.abs(seconds) * unit);
  const s = rest % (60 * unit);
  rest = (rest - s) / (60 * unit);
  const text = (s / unit).toFixed(decimals).padStart(decimals ? 3 + decimals : 2, "0");
  return `${sign}${Math.floor(rest / 60)}:${String(rest % 60).padStart(2, "0")}:${text}`;
}

// Clock time of a moment, from the start's seconds after midnight.
export function clock(startOfDayS, seconds) {
  const total = Math.floor(startOfDayS + seconds + 1e-6);
  const s = ((total % 86400) + 86400) % 86400;
  const two = (v) => String(v).padStart(2, "0");
  return `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

// "1:02:03", "2:03", "75" or "75.5": seconds from the start; null where it is none of them.
export function parseTime(text) {
  const parts = text.trim().split(":");
  if (parts.length > 3 || parts.some((p) => !/^\d+(\.\d+)?$/.test(p))) return null;
  return parts.reduce((total, part) => 60 * total + Number(part), 0);
}

// A clock time "14:05" or "14:05:12.5" as seconds from the start: its next occurrence from a
// moment on, else its first. "none" where the recording does not reach it, null for another text.
export function parseClock(text, startOfDayS, from, duration) {
  const match = /^(\d{1,2}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?$/.exec(text.trim());
  if (!match || Number(match[1]) > 23) return null;
  const wanted = 3600 * Number(match[1]) + 60 * Number(match[2]) + Number(match[3] || 0);
  const first = (((wanted - startOfDayS) % 86400) + 86400) % 86400;
  if (first > duration) return "none";
  const days = Math.max(Math.ceil((from - first) / 86400 - 1e-9), 0);
  return first + 86400 * days <= duration ? first + 86400 * days : first;
}

// Day of the recording on which a moment lies, 1 being that of its start.
export const dayOf = (startOfDayS, seconds) => Math.floor((startOfDayS + seconds + 1e-6) / 86400) + 1;

// A share in per cent, rounded down: "100 %" means all, and a little is not nothing.
export const percent = (share) => (share > 0 && share < 0.01 ? "< 1 %" : `${Math.floor(100 * share + 1e-6)} %`);

// What a label says, in a word or two.
export const verdict = (label) => (label.verdict === "missed" ? (label.blinded ? "marked by hand" : "missed seizure") : label.verdict);

export const probability = (pm) => (pm / 1000).toFixed(2);

export const orNA = (value, digits = 2) =>
  value === null || value === undefined || Number.isNaN(value) ? "n/a" : value.toFixed(digits);

export const span = (seconds) => (seconds < 90 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`);
