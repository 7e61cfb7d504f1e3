// The tests of a map in plain words, with marks that need no colour.

import { make } from "../viewer/dom.js";

export const MARKS = {
  good: ["✔", "passed"],
  doubtful: ["?", "doubtful"],
  bad: ["✖", "failed"],
  open: ["…", "not known yet"],
  none: ["–", "does not apply"],
};

const VERDICTS = { good: "Can be believed", doubtful: "Doubtful", bad: "Do not believe", open: "Being checked", none: "Not checked" };

// `verdict` {state, words}; a banner over the checks.
export function banner({ state, words }) {
  const [mark, said] = MARKS[state];
  return make(
    "p",
    { class: `verdict ${state}` },
    make("b", { class: "mark", textContent: mark, "aria-label": said, role: "img" }),
    make("strong", { textContent: VERDICTS[state] }),
    make("span", { textContent: words }),
  );
}

// One line for each check: {state, title, words, help}.
export function checkList(checks, label = "Tests of this map") {
  return make(
    "ul",
    { class: "checks", "aria-label": label },
    ...checks.map(({ state, title, words, help }) => {
      const [mark, said] = MARKS[state];
      return make(
        "li",
        { class: state, title: help || "" },
        make("b", { class: "mark", textContent: mark, "aria-label": said, role: "img" }),
        make("span", { class: "what", textContent: title }),
        make("span", { class: "words", textContent: words }),
      );
    }),
  );
}
