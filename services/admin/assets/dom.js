// Making elements. What is put into them is text, never HTML.

/** `h("button", { type: "button", onclick: f }, "text", other)`; `null`, `undefined` and `false` are left out. */
export function h(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (["value", "checked", "textContent"].includes(name)) made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** A label around a control; `help` stands below. */
export function field(label, control, help) {
  return h("label", { class: "field" }, h("span", {}, label), control, help && h("small", {}, help));
}

/** A box to be ticked. */
export function check(label, checked, onchange, help) {
  const box = h("input", { type: "checkbox", checked, onchange: (event) => onchange(event.target.checked) });
  return h("label", { class: "check" }, box, h("span", {}, label, help && h("br"), help && h("small", { class: "faint" }, help)));
}

let numbers = 0;
/** An id that no other element has. */
export const newId = (name) => `${name}-${++numbers}`;

/** Calls once it was quiet for a while. */
export function quiet(call, milliseconds) {
  let waiting;
  return (...values) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => call(...values), milliseconds);
  };
}
