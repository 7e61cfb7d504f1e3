// What the tests of a map say, in sentences, and what follows for the reader. Pure.

import { figure, signed } from "./scale.js";

// A correlation; a little below zero is no minus.
const rank = (rho) => (Math.round(100 * rho) / 100 || 0).toFixed(2);

const AGREES = 0.5;
const HARDLY = 0.2;

// All tests of one map: {state, title, words, help}. `checks` and `stability` are null while they
// are not known; `agreements` are [{name, rho, passed}] with the other maps of the same window and
// detector, `passed` telling whether that map passed its own tests (null: not known yet).
export function checksOf(header, checks, stability, agreements) {
  return [completeness(header), ...curves(checks), randomisation(checks), ...quietness(header), ...agreement(agreements), ...steadiness(stability)];
}

function completeness({ completeness_error: error, complete, logit, baseline_logit: from }) {
  const title = "Adds up";
  const help = "Completeness: the values of the map should sum to the difference between the logit of the window and that of the baseline.";
  if (error === null) return { state: "none", title, words: "this method promises no sum", help };
  const wanted = logit - (from || 0);
  return { state: complete ? "good" : "bad", title, words: `values sum to ${signed(wanted + error)} of ${signed(wanted)} logit, error ${signed(error)}`, help };
}

function curves(checks) {
  const about = {
    insertion: ["Insertion", "Area under the logit, 0 being the baseline and 1 the window. Parts of the window are put into the baseline, those that the map marks first. A faithful map brings the logit up sooner than random orders do."],
    deletion: ["Deletion", "Area under the logit, 0 being the baseline and 1 the window. Parts of the window are replaced by the baseline, those that the map marks first. A faithful map brings the logit down sooner than random orders do."],
  };
  return Object.entries(about).map(([name, [title, help]]) => {
    if (!checks) return { state: "open", title, words: "being computed", help };
    const curve = checks[name];
    if (!curve) return { state: "none", title, words: checks.note || "window and baseline have the same logit", help };
    const gain = name === "insertion" ? curve.auc - curve.random_auc_mean : curve.random_auc_mean - curve.auc;
    const state = curve.beats_random ? "good" : gain > 0 ? "doubtful" : "bad";
    const than = { good: "better than random orders", doubtful: "no better than some random orders", bad: "worse than random orders" }[state];
    const of = `area ${curve.auc.toFixed(2)}; ${curve.n_random} random: ${curve.random_auc_mean.toFixed(2)} (95 %: ${curve.random_auc_low.toFixed(2)} to ${curve.random_auc_high.toFixed(2)})`;
    return { state, title, words: `${than}: ${of}`, help };
  });
}

function randomisation(checks) {
  const title = "Needs the training";
  const help = "Randomised weights (Adebayo 2018): a map that stays much the same for a network that learned nothing shows the input, not the reason.";
  if (!checks) return { state: "open", title, words: "being computed", help };
  const { signed: rho, survives, n_networks: n, limit } = checks.randomisation;
  if (rho === null) return { state: "none", title, words: "the map is the same everywhere, so there is nothing to correlate", help };
  const words = survives ? `hardly changes for ${n} networks with random weights` : `changes for ${n} networks with random weights`;
  return { state: survives ? "bad" : "good", title, words: `${words}: correlation ${rank(rho)} (flagged from ${limit})`, help };
}

// What the map is measured from should be what it is called.
function quietness({ baseline, baseline_logit: from, threshold_pm: limit }) {
  if (!baseline) return [];
  const { probability, title } = baseline;
  const help = `${title}: what the window is compared with should be no seizure to this detector.`;
  // a method that averages over several quiet windows is compared with those, not with their median
  if (from !== null && Math.abs(from - baseline.logit) > 0.01) return [{ state: "none", title: "Baseline is quiet", words: `compared with several quiet windows, mean logit ${signed(from)}`, help }];
  const quiet = 1000 * probability < limit;
  const words = quiet ? `probability ${share(probability)}, below the threshold` : `probability ${share(probability)}: the detector calls it a seizure, too, so the map shows only what comes on top`;
  return [{ state: quiet ? "good" : "doubtful", title: "Baseline is quiet", short: "a quiet baseline", words, help }];
}

function agreement(agreements) {
  const help = "Rank correlation (Spearman) of the values of two maps. Two maps that pass their tests and disagree cannot both be right.";
  return agreements.map(({ name, rho, passed }) => {
    const about = { title: `Agrees with ${name}`, short: `agreement with ${name}`, help };
    if (rho === null) return { ...about, state: "none", words: "the maps have no common grid" };
    const how = rho >= AGREES ? "much the same places" : rho >= HARDLY ? "partly the same places" : "other places";
    const said = `${how}: rank correlation ${rank(rho)}`;
    if (rho >= AGREES) return { ...about, state: "good", words: said };
    // that a map differs from one that fails says nothing against it
    if (passed) return { ...about, state: "doubtful", words: said };
    return { ...about, state: "none", words: passed === false ? `${said}; ${name} did not pass its own tests` : said };
  });
}

function steadiness(stability) {
  if (!stability) return [];
  const { infidelity, infidelity_nothing: nothing, sensitivity_max: moved, n_samples: n } = stability;
  const found = [];
  if (infidelity !== null) {
    const better = infidelity < nothing;
    found.push({
      state: better ? "good" : "bad", title: "Infidelity",
      words: `${figure(infidelity)} logit²; an empty map: ${figure(nothing)}${better ? "" : ", so the map predicts small changes no better than no map"}`,
      help: `Mean squared error of what the map predicts for ${n} small changes of the window (Yeh 2019); lower is better.`,
    });
  } else found.push({ state: "none", title: "Infidelity", words: "only for maps in logits", help: "" });
  found.push({
    state: moved < 0.5 ? "good" : moved < 1 ? "doubtful" : "bad", title: "Sensitivity-max",
    words: `tiny changes of the window change the map by ${Math.round(100 * moved)} % at most`,
    help: "Largest relative change of the map under changes of 2 % of a standard deviation (Yeh 2019).",
  });
  return found;
}

// What follows from the tests: {state, words}.
export function verdictOf(header, checks, listed) {
  if (header.no_positive_evidence) return { state: "bad", words: "No positive evidence: nothing in this map speaks for a seizure. Do not read its strongest spots as reasons for one." };
  const named = (state) => listed.filter((check) => check.state === state).map(({ title, short }) => short || title.toLowerCase());
  const core = listed.slice(0, 4);
  const [sum, insertion, deletion, training] = core;
  if (core.some(({ state }) => state === "open")) return { state: "open", words: `Testing it against random maps and random weights …` };
  const reasons = [];
  if (training.state === "bad") reasons.push("it looks much the same for a network that learned nothing");
  if (insertion.state === "bad" && deletion.state === "bad") reasons.push("random maps do better in both directions");
  if (sum.state === "bad") reasons.push("its values do not add up to the logit");
  if (reasons.length) return { state: "bad", words: `${reasons.join("; ")}.` };
  if (insertion.state === "none" && deletion.state === "none") return { state: "doubtful", words: `Only partly testable: ${checks.note || "window and baseline have nearly the same logit"}.` };
  const weak = [...named("bad"), ...named("doubtful")];
  if (weak.length) return { state: "doubtful", words: `Not all tests were passed: ${weak.join(", ")}.` };
  return { state: "good", words: "It passed its tests: it shows what this detector used. Whether the detector is right is another question." };
}

// A span of a recording as it is named in lists.
export const share = (value) => (value === null || value === undefined ? "n/a" : value.toFixed(2));

export function strength(header) {
  const unit = header.unit === "logit" ? " logit" : "";
  return `for ${figure(header.positive_mass)}${unit}, against ${figure(header.negative_mass)}${unit}`;
}

// What stands above the colours: [limit in words, unit].
export function limitWords(limit, mode) {
  if (mode === "share") return `±${figure(limit)} % of a map's evidence`;
  return `±${figure(limit)} ${{ logit: "logit", arbitrary: "(no unit)" }[mode] || mode}`;
}
