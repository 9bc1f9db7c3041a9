// What has changed between two settings: for deciding what to send, and for people to read before they do.
import { h } from "./dom.js";

/** Lists in which the order says nothing. */
const SETS = new Set(["sortableAttributes", "stopWords", "separatorTokens", "nonSeparatorTokens", "dictionary", "disableOnWords", "disableOnAttributes"]);
/** Entries that are listed; more are counted. */
const LISTED = 100;

/** One text for all ways to write the same value. */
function canonical(value, name) {
  if (Array.isArray(value)) {
    const items = value.map((item) => canonical(item));
    return `[${(SETS.has(name) ? items.sort() : items).join()}]`;
  }
  if (value && typeof value === "object") return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key], key)}`).join()}}`;
  return JSON.stringify(value ?? null);
}

export const same = (a, b, name) => canonical(a, name) === canonical(b, name);

/** The names of the settings that differ. */
export const changed = (before, after) => Object.keys(before).filter((name) => !same(before[name], after[name], name));

const text = (value, texts) => {
  if (value === null || value === undefined) return texts.unset;
  if (typeof value === "boolean") return value ? texts.on : texts.off;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

function line(kind, sign, says, shown) {
  return h("li", { class: kind }, h("span", { "aria-hidden": "true" }, sign), h("span", { class: "hidden" }, says), h("span", {}, shown));
}

function bounded(lines, texts) {
  if (lines.length <= LISTED) return lines;
  return [...lines.slice(0, LISTED), h("li", {}, texts.more.replace("{0}", lines.length - LISTED))];
}

function lists(name, before, after, texts) {
  const key = (value) => canonical(value);
  const [was, is] = [new Set(before.map(key)), new Set(after.map(key))];
  const removed = before.filter((value) => !is.has(key(value))).map((value) => line("removed", "−", texts.diff_removed, text(value, texts)));
  const added = after.filter((value) => !was.has(key(value))).map((value) => line("added", "+", texts.diff_added, text(value, texts)));
  const kept = (list, others) => list.filter((value) => others.has(key(value))).map(key).join();
  const moved = !SETS.has(name) && kept(before, is) !== kept(after, was);
  const order = moved && h("li", {}, `${texts.diff_order}: ${after.map((value) => text(value, texts)).join(" → ")}`);
  return bounded([...removed, ...added, ...(order ? [order] : [])], texts);
}

function objects(before, after, texts) {
  const flat = (value, path = "") => {
    if (!value || typeof value !== "object" || Array.isArray(value)) return [[path, value]];
    return Object.entries(value).flatMap(([key, inner]) => flat(inner, path ? `${path}.${key}` : key));
  };
  const [was, is] = [new Map(flat(before)), new Map(flat(after))];
  const lines = [...new Set([...was.keys(), ...is.keys()])].filter((path) => !same(was.get(path), is.get(path), path.split(".").at(-1))).flatMap((path) => [
    was.has(path) && line("removed", "−", texts.diff_removed, `${path}: ${text(was.get(path), texts)}`),
    is.has(path) && line("added", "+", texts.diff_added, `${path}: ${text(is.get(path), texts)}`),
  ]);
  return bounded(lines.filter(Boolean), texts);
}

/** The changes of one setting as a list. */
export function lines(name, before, after, texts) {
  if (Array.isArray(before ?? []) && Array.isArray(after ?? []) && (before || after) && typeof (before ?? after) === "object") return lists(name, before ?? [], after ?? [], texts);
  if (before && after && typeof before === "object" && typeof after === "object") return objects(before, after, texts);
  return [line("removed", "−", texts.diff_removed, text(before, texts)), line("added", "+", texts.diff_added, text(after, texts))];
}
