// The forms of settings: what is changed is a draft until it is saved, with a look at what will change and what that costs.
import { api, ApiError, fill, get, headers, toast, until } from "./api.js";
import { h, quiet } from "./dom.js";
import { analyzer } from "./settings-analyze.js";
import { changed, lines, same } from "./settings-diff.js";
import * as fields from "./settings-fields.js";
import { attributes, rankingRules, tokens } from "./settings-lists.js";
import { dictionary, localized, synonyms } from "./settings-words.js";

const root = document.getElementById("settings");
const { uid } = root.dataset;
const editable = root.dataset.editable === "true";
const texts = JSON.parse(root.dataset.texts);
const defaults = JSON.parse(root.dataset.defaults);
const element = (id) => document.getElementById(id);

/** As they are, and as they are to be. */
let base = JSON.parse(root.dataset.settings);
let draft = structuredClone(base);

const known = (fields) => element("known-fields").replaceChildren(...fields.map((name) => h("option", { value: name })));
known(JSON.parse(root.dataset.fields));
root.append(h("p", { id: "announcements", class: "hidden", "aria-live": "polite" }));

const CONTROLS = {
  searchableAttributes: (value, change) => attributes(value, change, texts, { order: true }),
  displayedAttributes: (value, change) => attributes(value, change, texts, { order: false }),
  rankingRules: (value, change) => rankingRules(value, change, texts),
  typoTolerance: (value, change) => fields.typoTolerance(value, change, texts),
  prefixSearch: (value, change) => fields.prefix(value, change, texts),
  proximityPrecision: (value, change) => fields.proximity(value, change, texts),
  searchCutoffMs: (value, change) => fields.cutoff(value, change, texts),
  synonyms: (value, change) => synonyms(value, change, texts),
  stopWords: (value, change) => tokens(value, change, texts),
  dictionary: (value, change) => dictionary(value, change, texts),
  separatorTokens: (value, change) => tokens(value, change, texts, { label: texts.string }),
  nonSeparatorTokens: (value, change) => tokens(value, change, texts, { label: texts.string }),
  localizedAttributes: (value, change) => localized(value, change, texts),
  filterableAttributes: (value, change) => fields.filterable(value, change, texts),
  sortableAttributes: (value, change) => tokens(value, change, texts, { label: texts.attribute, suggestions: "known-fields" }),
  faceting: (value, change) => fields.faceting(value, change, texts),
  facetSearch: (value, change) => fields.flag(value, change, texts.facet_search),
  distinctAttribute: (value, change) => fields.distinct(value, change, texts),
  pagination: (value, change) => fields.pagination(value, change, texts),
};

const card = (name) => element(`setting-${name}`);
const title = (name) => element(`title-${name}`).textContent;
const analyze = analyzer(uid, texts, () => ({ before: base, after: draft }));

if (editable) edit();

function edit() {
  const json = element("json");
  let effect = null;

  function draw(name) {
    const control = CONTROLS[name](structuredClone(draft[name]), (value) => {
      draft[name] = value;
      differ();
    });
    card(name).querySelector(".control").replaceChildren(control);
  }

  /** Everything that depends on what has changed. */
  function differ({ keepJson = false } = {}) {
    const names = changed(base, draft);
    for (const name of Object.keys(CONTROLS)) {
      card(name).querySelector("[data-changed]").hidden = !names.includes(name);
      card(name).querySelector("[data-reset]").hidden = same(draft[name], defaults[name], name);
    }
    if (!keepJson) {
      json.value = JSON.stringify(draft, null, 2);
      wrongJson(null);
    }
    element("save-bar").hidden = !names.length;
    document.body.classList.toggle("unsaved", names.length > 0);
    effect = null;
    // Nothing is saved of which it is not known what it would do.
    element("review").disabled = true;
    summary(names.length);
    weigh();
    analyze();
  }

  /** What is sent: `null` where the default is wanted. */
  const patch = () => Object.fromEntries(changed(base, draft).map((name) => [name, same(draft[name], defaults[name], name) ? null : draft[name]]));

  function duration(seconds) {
    if (seconds < 90) return fill(texts.seconds, Math.ceil(seconds));
    return seconds < 5400 ? fill(texts.minutes, Math.ceil(seconds / 60)) : fill(texts.hours, Math.ceil(seconds / 3600));
  }

  function costs() {
    if (!effect) return "";
    return effect.rebuilding.length ? fill(texts.effect_rebuilds, duration(effect.seconds)) : texts.effect_at_once;
  }

  function summary(count) {
    const many = fill(count === 1 ? texts.one_change : texts.changes, count);
    element("save-summary").textContent = effect ? `${many} · ${costs()}` : many;
  }

  /** Asks what the change would do; what is wrong with it is told at its setting. */
  const weigh = quiet(async () => {
    const wanted = patch();
    for (const name of Object.keys(CONTROLS)) wrongAt(name, null);
    if (!Object.keys(wanted).length) return;
    const sent = JSON.stringify(wanted);
    try {
      const path = `/portal/api/tenants/${document.body.dataset.tenant}/indexes/${uid}/settings/effect`;
      const response = await fetch(path, { method: "POST", body: sent, headers: { ...headers(), "content-type": "application/json" } });
      const body = await response.json().catch(() => null);
      // Meanwhile it may have become another change.
      if (JSON.stringify(patch()) !== sent) return;
      if (!response.ok) throw new ApiError(response.status, body);
      effect = body;
      summary(changed(base, draft).length);
      element("review").disabled = false;
    } catch (error) {
      refused(error);
    }
  }, 350);

  /** `invalid_settings_stop_words` is about `stopWords`. */
  function settingOf(code) {
    const name = (code ?? "").replace(/^invalid_settings_/, "").replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
    return CONTROLS[name] ? name : null;
  }

  function wrongAt(name, message) {
    const shown = card(name).querySelector(":scope > .wrong");
    shown.hidden = !message;
    shown.textContent = message ?? "";
  }

  function wrongJson(message) {
    element("json-wrong").hidden = !message;
    element("json-wrong").textContent = message ?? "";
  }

  function refused(error) {
    const name = settingOf(error.code);
    if (name) wrongAt(name, error.message);
    else toast(error.message, "bad");
    element("review").disabled = name !== null;
  }

  function drawAll() {
    for (const name of Object.keys(CONTROLS)) draw(name);
    differ();
  }

  // Back to the defaults, and back to what is saved.
  for (const name of Object.keys(CONTROLS)) {
    card(name).querySelector("[data-reset]").addEventListener("click", () => {
      draft[name] = structuredClone(defaults[name]);
      draw(name);
      differ();
      (card(name).querySelector(".control input, .control button") ?? element("review")).focus({ preventScroll: true });
    });
  }
  element("reset-all").addEventListener("click", () => {
    draft = structuredClone(defaults);
    drawAll();
    toast(texts.all_reset);
  });
  element("discard").addEventListener("click", () => {
    draft = structuredClone(base);
    drawAll();
  });

  json.addEventListener("input", () => {
    try {
      const read = JSON.parse(json.value);
      if (!read || typeof read !== "object" || Array.isArray(read)) throw new SyntaxError(texts.json_object);
      const unknown = Object.keys(read).filter((name) => !CONTROLS[name] && name !== "embedders");
      if (unknown.length) throw new SyntaxError(fill(texts.json_unknown, unknown.join(", ")));
      const next = Object.fromEntries(Object.keys(CONTROLS).map((name) => [name, read[name] ?? structuredClone(defaults[name])]));
      const touched = changed(draft, next);
      const before = draft;
      draft = next;
      try {
        touched.forEach(draw);
      } catch {
        // Of another shape than the form can show: the API will say what is wrong.
        draft = before;
        throw new SyntaxError(fill(texts.json_shape, touched.join(", ")));
      }
      wrongJson(null);
      differ({ keepJson: true });
    } catch (error) {
      wrongJson(error.message);
    }
  });

  // A look at what will change, and saving it.
  element("review").addEventListener("click", () => {
    const names = changed(base, draft);
    element("diff-effect").textContent = costs();
    element("diff-wrong").hidden = true;
    element("diff-list").replaceChildren(
      ...names.map((name) => {
        const rebuilds = effect?.rebuilding.includes(name);
        const badge = effect && h("span", { class: `badge ${rebuilds ? "warn" : "good"}` }, rebuilds ? texts.rebuilds : texts.effect_at_once);
        return h("section", {}, h("h3", {}, title(name), " ", badge), h("ul", { class: "diff" }, lines(name, base[name], draft[name], texts)));
      }),
    );
    element("diff").showModal();
  });

  element("save").addEventListener("click", async () => {
    const button = element("save");
    const sent = patch();
    const saved = structuredClone(draft);
    const cost = costs();
    button.disabled = true;
    try {
      const accepted = await api("PATCH", `/indexes/${uid}/settings`, sent);
      element("diff").close();
      base = saved;
      differ();
      follow(accepted, cost);
    } catch (error) {
      element("diff-wrong").textContent = error.message;
      element("diff-wrong").hidden = false;
      refused(error);
    } finally {
      button.disabled = false;
    }
  });

  /** Tells how far a change is. The page can be left meanwhile. */
  async function follow(accepted, cost) {
    const line = h("p", {}, h("span", { class: "badge info" }, h("i", { class: "dot", "aria-hidden": "true" }), texts.underway), ` ${fill(texts.underway_text, cost)} `, h("a", { href: `${root.dataset.tasks}/${accepted.taskUid}` }, fill(texts.task, accepted.taskUid)));
    element("underway").append(line);
    element("underway").hidden = false;
    try {
      await until(accepted);
      toast(texts.in_force, "good");
    } catch (error) {
      toast(fill(texts.failed, error.message), "bad");
    }
    line.remove();
    element("underway").hidden = !element("underway").children.length;
    // As the index has it now; what was changed meanwhile stays a draft.
    const now = await get(`/indexes/${uid}/settings`).catch(() => null);
    if (!now || element("underway").children.length) return;
    const edited = changed(base, draft);
    base = Object.fromEntries(Object.keys(CONTROLS).map((name) => [name, now[name]]));
    for (const name of Object.keys(CONTROLS)) {
      if (edited.includes(name) || same(draft[name], base[name], name)) continue;
      draft[name] = structuredClone(base[name]);
      draw(name);
    }
    differ();
  }

  addEventListener("beforeunload", (event) => {
    if (changed(base, draft).length) event.preventDefault();
  });

  drawAll();
}
