// Small makers of HTML elements. Text is always set as text, never parsed as HTML.

export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") node.className = value;
    else if (key.startsWith("aria-") || key === "role" || key.startsWith("data-")) node.setAttribute(key, value);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node[key] = value;
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

// Move a bar that is there. What stands around it is not made anew with each step: a button that is
// exchanged between press and release never hears of the click.
export function moveBar(box, label, share) {
  const bar = [...box.querySelectorAll("progress")].find((node) => node.getAttribute("aria-label") === label);
  if (bar && share !== undefined) bar.value = share;
}

// A labelled <select>; options are [value, text] pairs.
export function choice(label, options, value, onchange, title = "") {
  // After a choice by pointer the keys belong to the EEG again; who came by Tab stays.
  let byPointer = false;
  const select = make("select", {
    "aria-label": label,
    title,
    onpointerdown: () => (byPointer = true),
    onblur: () => (byPointer = false),
    onkeydown: (event) => event.key === "Escape" && select.blur(),
    onchange: (event) => {
      onchange(event.target.value);
      if (byPointer) select.blur();
    },
  });
  options.forEach(([v, text]) => select.append(make("option", { value: String(v), textContent: text })));
  select.value = String(value);
  return make("label", { class: "field" }, make("span", { textContent: label }), select);
}

// After a click by pointer the keys belong to the EEG again; who came by Tab stays.
export function button(text, title, onclick, className = "") {
  const clicked = (event) => {
    onclick(event);
    if (event.detail > 0) event.currentTarget.blur();
  };
  return make("button", { type: "button", textContent: text, title, class: className, onclick: clicked });
}
