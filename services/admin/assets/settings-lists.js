// Lists: in an order that counts, or without one. A control is `control(value, change, texts)`: an element that calls `change` with what the value becomes.
import { fill } from "./api.js";
import { field, h, newId } from "./dom.js";

/** Chips that are shown at once; the rest is found by the filter, or edited as text. */
const SHOWN = 200;

/** What is told to somebody who does not see it move. */
function announce(text) {
  const region = document.getElementById("announcements");
  region.textContent = text;
}

/** A list in which the first comes first: moved by mouse, by its buttons, or by arrow keys on its handle. `label(entry)` is `[name, explanation]`. */
export function ordered(entries, change, texts, label = (entry) => [entry]) {
  let list = [...entries];
  let dragged = null;
  const host = h("ol", { class: "ordered" });

  function move(from, to) {
    if (to < 0 || to >= list.length || from === to) return false;
    const [entry] = list.splice(from, 1);
    list.splice(to, 0, entry);
    draw();
    announce(fill(texts.moved, label(entry)[0], to + 1, list.length));
    change([...list]);
    return true;
  }

  function row(entry, at) {
    const [name, explanation] = label(entry);
    const again = (selector, to) => host.children[to]?.querySelector(selector)?.focus();
    const step = (by, selector) => {
      if (!move(at, at + by)) return;
      const target = host.children[at + by].querySelector(selector);
      if (target.disabled) again(".handle", at + by);
      else target.focus();
    };
    const handle = h(
      "button",
      {
        type: "button", class: "handle quiet", "aria-label": fill(texts.handle, name, at + 1, list.length),
        onkeydown: (event) => {
          const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
          if (!by) return;
          event.preventDefault();
          step(by, ".handle");
        },
      },
      "⠿",
    );
    const button = (text, says, selector, disabled, onclick) => h("button", { type: "button", class: `small quiet ${selector}`, "aria-label": fill(says, name), title: fill(says, name), disabled, onclick }, text);
    const item = h(
      "li",
      {
        draggable: "true",
        ondragstart: (event) => {
          dragged = at;
          event.dataTransfer.effectAllowed = "move";
          event.dataTransfer.setData("text/plain", name);
          item.classList.add("dragged");
        },
        ondragend: () => {
          dragged = null;
          host.querySelectorAll("li").forEach((other) => other.classList.remove("dragged", "over"));
        },
        ondragover: (event) => {
          if (dragged === null) return;
          event.preventDefault();
          item.classList.toggle("over", dragged !== at);
        },
        ondragleave: () => item.classList.remove("over"),
        ondrop: (event) => {
          if (dragged === null) return;
          event.preventDefault();
          move(dragged, at);
        },
      },
      handle,
      h("span", { class: "grow" }, h("b", {}, name), explanation && h("small", { class: "faint" }, ` ${explanation}`)),
      button("↑", texts.up, "up", at === 0, () => step(-1, ".up")),
      button("↓", texts.down, "down", at === list.length - 1, () => step(1, ".down")),
      button("×", texts.remove, "remove", false, () => {
        list.splice(at, 1);
        draw();
        again(".remove", Math.min(at, list.length - 1));
        announce(fill(texts.removed, name));
        change([...list]);
      }),
    );
    return item;
  }

  function draw() {
    host.replaceChildren(...list.map(row));
  }
  draw();
  return {
    element: host,
    list: () => list,
    add(entry) {
      if (!entry || list.includes(entry)) return false;
      list.push(entry);
      draw();
      announce(fill(texts.added, label(entry)[0]));
      change([...list]);
      return true;
    },
  };
}

/** A line in which something is typed that is added. `add` says whether it was taken. */
export function adder(label, button, add, { suggestions, wrong } = {}) {
  const problem = h("small", { class: "wrong", role: "alert", hidden: true });
  const input = h("input", { list: suggestions, autocomplete: "off", spellcheck: "false", "aria-label": label, placeholder: label });
  const take = () => {
    const text = input.value.trim();
    if (!text) return;
    const taken = add(text);
    problem.hidden = taken !== false;
    problem.textContent = wrong ?? "";
    if (taken !== false) input.value = "";
    input.focus();
  };
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    take();
  });
  return h("div", {}, h("div", { class: "row wrap adder" }, input, h("button", { type: "button", class: "small", onclick: take }, button)), problem);
}

/** Attributes in an order, or `*`: all of them. */
export function attributes(value, change, texts, { order }) {
  const host = h("div", { class: "stack" });
  const name = newId("attributes");
  let all = value.includes("*");
  let named = value.filter((entry) => entry !== "*");

  function draw() {
    const choice = (text, checked, chosen) => h("label", { class: "check" }, h("input", { type: "radio", name, checked, onchange: chosen }), h("span", {}, text));
    const tell = () => change(all ? ["*"] : named);
    const choose = (wanted) => () => {
      all = wanted;
      tell();
      draw();
      host.querySelector("input:checked").focus();
    };
    const only = order ? texts.only_in_order : texts.only;
    const none = h("p", { class: "faint", hidden: named.length > 0 }, texts.none_named);
    const rows = ordered(named, (list) => { named = list; none.hidden = list.length > 0; tell(); }, texts);
    host.replaceChildren(
      h("div", { class: "row wrap", role: "radiogroup" }, choice(texts.all_attributes, all, choose(true)), choice(only, !all, choose(false))),
      ...(all ? [] : [none, rows.element, adder(texts.attribute, texts.add, (entry) => rows.add(entry), { suggestions: "known-fields", wrong: texts.there_already })]),
    );
  }
  draw();
  return host;
}

/** Ranking rules: the built-in ones, and attributes with a direction. */
export function rankingRules(value, change, texts) {
  const parts = ["attributeRank", "wordPosition"];
  const builtIn = ["words", "typo", "proximity", "attribute", ...parts, "sort", "exactness"];
  // `attribute` is the two parts in one: a list has the one or the others.
  const clashes = (rule, list) => (rule === "attribute" ? parts.some((part) => list.includes(part)) : parts.includes(rule) && list.includes("attribute"));
  const host = h("div", { class: "stack" });
  const label = (rule) => {
    if (builtIn.includes(rule)) return [rule, texts[`rule_${rule}`]];
    const [, attribute, direction] = rule.match(/^(.*):(asc|desc)$/s) ?? [null, rule, ""];
    return [rule, direction && fill(texts[`rule_${direction}`], attribute)];
  };
  const rows = ordered(value, (list) => { change(list); offer(); }, texts, label);
  const missing = h("div", { class: "row wrap" });
  const direction = h("select", { "aria-label": texts.direction }, h("option", { value: "desc" }, texts.descending), h("option", { value: "asc" }, texts.ascending));
  function offer() {
    const left = builtIn.filter((rule) => !rows.list().includes(rule) && !clashes(rule, rows.list()));
    missing.replaceChildren(...left.map((rule) => h("button", { type: "button", class: "small", onclick: () => { rows.add(rule); offer(); } }, `+ ${rule}`)));
  }
  offer();
  const own = adder(texts.attribute, texts.add, (attribute) => rows.add(`${attribute}:${direction.value}`), { suggestions: "known-fields", wrong: texts.there_already });
  host.append(rows.element, missing, field(texts.own_rule, h("div", { class: "row wrap" }, direction, h("div", { class: "grow" }, own))));
  return host;
}

/** Texts without an order, as chips or as lines. `problem(text)` says what is wrong with one. */
export function tokens(value, change, texts, { label = texts.word, suggestions, problem = () => null, show = (text) => text, input } = {}) {
  let list = [...value];
  let asText = false;
  let wanted = "";
  const host = h("div", { class: "stack" });
  const tell = () => change([...list]);

  const add = (text) => {
    const entries = text.split("\n").map((entry) => entry.trim()).filter((entry) => entry && !list.includes(entry));
    if (!entries.length || entries.some(problem)) return false;
    list.push(...entries);
    drawChips();
    tell();
    return true;
  };

  const chips = h("ul", { class: "chips" });
  const rest = h("p", { class: "faint" });
  function drawChips() {
    const found = list.filter((text) => text.includes(wanted));
    const chip = (text, at) =>
      h(
        "li", {}, h("span", {}, show(text)),
        h("button", {
          type: "button", class: "quiet", "aria-label": fill(texts.remove, text),
          onclick: () => {
            list = list.filter((other) => other !== text);
            drawChips();
            const buttons = chips.querySelectorAll("button");
            (buttons[Math.min(at, buttons.length - 1)] ?? host.querySelector("input"))?.focus();
            announce(fill(texts.removed, text));
            tell();
          },
        }, "×"),
      );
    chips.replaceChildren(...found.slice(0, SHOWN).map(chip));
    rest.textContent = found.length > SHOWN ? fill(texts.more, found.length - SHOWN) : "";
  }

  function draw() {
    const count = list.length;
    const toggle = h("button", { type: "button", class: "small quiet", "aria-pressed": String(asText), onclick: () => { asText = !asText; draw(); } }, asText ? texts.as_list : texts.as_text);
    if (asText) {
      const wrong = h("small", { class: "wrong", role: "alert", hidden: true });
      const lines = h("textarea", {
        rows: String(Math.min(Math.max(count + 1, 4), 16)), spellcheck: "false", "aria-label": label,
        oninput: (event) => {
          list = [...new Set(event.target.value.split("\n").map((entry) => entry.trim()).filter(Boolean))];
          const why = list.map(problem).find(Boolean);
          wrong.hidden = !why;
          wrong.textContent = why ?? "";
          tell();
        },
      });
      lines.value = list.join("\n");
      host.replaceChildren(field(texts.one_a_line, lines), wrong, h("div", { class: "row" }, toggle));
      return;
    }
    const filter = count > 20 && h("input", { type: "search", class: "filter", "aria-label": texts.filter, placeholder: texts.filter, value: wanted, oninput: (event) => { wanted = event.target.value; drawChips(); } });
    drawChips();
    const line = input ? input(add) : adder(label, texts.add, add, { suggestions, wrong: texts.there_already });
    host.replaceChildren(...[filter, chips, rest, line, h("div", { class: "row" }, toggle)].filter(Boolean));
  }
  draw();
  return host;
}
