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

// A labelled <select>; options are [value, text] pairs.
export function choice(label, options, value, onchange, title = "") {
  const select = make("select", {
    "aria-label": label,
    title,
    onchange: (event) => onchange(event.target.value),
  });
  options.forEach(([v, text]) => select.append(make("option", { value: String(v), textContent: text })));
  select.value = String(value);
  return make("label", { class: "field" }, make("span", { textContent: label }), select);
}

export function button(text, title, onclick, className = "") {
  return make("button", { type: "button", textContent: text, title, class: className, onclick });
}
