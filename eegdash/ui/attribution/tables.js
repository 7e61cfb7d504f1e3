// Evidence by band and region as a table, for and against apart; and the list of masks.

import { make } from "../viewer/dom.js";
import { figure } from "./scale.js";
import { share } from "./words.js";

const NAMES = { LL: "left lateral", LP: "left parasagittal", ML: "midline", RP: "right parasagittal", RL: "right lateral", all: "all places" };

// Cells say for / against in per cent of the map's whole evidence; the bars under them say it again.
export function massTable({ bands, regions, positive, negative }) {
  const whole = [...positive, ...negative].flat().reduce((sum, v) => sum + v, 0) || 1;
  const most = Math.max(...positive.flat(), ...negative.flat()) / whole || 1;
  const cell = (p, n) =>
    make(
      "td",
      { title: `for ${figure((100 * p) / whole)} %, against ${figure((100 * n) / whole)} %` },
      make("span", { textContent: `${Math.round((100 * p) / whole)} / ${Math.round((100 * n) / whole)}` }),
      make("i", { class: "for", style: `width:${(50 * p) / whole / most}%` }),
      make("i", { class: "against", style: `width:${(50 * n) / whole / most}%` }),
    );
  const rows = bands.map(([name, low, high], i) => [name, low, high, i]).reverse();
  return make(
    "table",
    { class: "masses" },
    make("caption", { textContent: "Evidence for / against, % of the map's whole evidence" }),
    make("thead", {}, make("tr", {}, make("th", { textContent: "Hz", scope: "col" }), ...regions.map((name) => make("th", { scope: "col", textContent: name, title: NAMES[name] || name })))),
    make(
      "tbody",
      {},
      ...rows.map(([name, low, high, i]) =>
        make("tr", {}, make("th", { scope: "row", textContent: high === null ? name : `${name} ${figure(low)}–${figure(high)}` }), ...regions.map((_, r) => cell(positive[i][r], negative[i][r]))),
      ),
    ),
  );
}

// What happens to the probability with one thing masked: rows to tick, strongest change first.
export function changeRows(changes, chosen, onchange) {
  const groups = [["band", "Bands"], ["region", "Regions"], ["channel", "Channels"]];
  return groups.map(([kind, title]) => {
    const rows = changes.filter(({ mask }) => mask.kind === kind);
    if (kind === "channel") rows.sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
    return make(
      "div",
      { class: `changes ${kind}` },
      make("h4", { textContent: title }),
      make("div", { class: "rows" }, ...rows.map(({ mask, title: name, before, after }) => {
        const key = `${mask.kind}:${mask.name}`;
        const box = make("input", { type: "checkbox", checked: chosen.has(key), onchange: (e) => onchange(key, e.target.checked) });
        return make(
          "label",
          { class: "change" },
          box,
          make("span", { class: "what", textContent: name }),
          make("span", { class: "track", role: "img", "aria-label": `${share(before)} becomes ${share(after)}` }, make("i", { class: "after", style: `width:${100 * after}%` }), make("i", { class: "before", style: `left:${100 * before}%` })),
          make("span", { class: "numbers", textContent: `${share(before)} → ${share(after)}` }),
        );
      })),
    );
  });
}
