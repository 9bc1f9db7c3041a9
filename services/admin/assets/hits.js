// Hits as a site would show them, and why each one is where it is. Documents are text here, whatever they hold: nothing is read as HTML.
import { fill } from "./api.js";
import { documentId } from "./document-id.js";

// Around what matched: nothing that a document could hold by chance or by plan.
const token = crypto.getRandomValues(new Uint32Array(2)).join("");
export const [PRE, POST] = [`\u0002${token}\u0002`, `\u0003${token}\u0003`];

// The server has the same list (`indexes/title.rs`).
const TITLES = ["title", "name", "label", "subject", "headline", "제목", "이름", "상품명"];
const IMAGES = /image|img|photo|thumb|poster|cover|picture|avatar|logo|이미지|사진/i;
const IMAGE_PATH = /\.(avif|gif|jpe?g|png|svg|webp)$/i;
const SHOWN = 6;
const LONG = 60;

const element = (name, className, ...children) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
};

/** A text with <mark> where it matched. */
export function marked(text) {
  return text.split(PRE).flatMap((part, at) => {
    if (at === 0) return [part];
    const end = part.indexOf(POST);
    if (end < 0) return [part];
    return [element("mark", "", part.slice(0, end)), part.slice(end + POST.length)];
  });
}

/** Any value as one line of text. */
function flat(value, depth = 0) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "object") return String(value);
  if (depth > 3) return "…";
  if (Array.isArray(value)) return value.slice(0, 20).map((part) => flat(part, depth + 1)).join(", ");
  return Object.entries(value).slice(0, 20).map(([name, part]) => `${name}: ${flat(part, depth + 1)}`).join(" · ");
}

/** The address of a picture, if an attribute holds one: only such that the page's policy lets through. */
function picture(hit) {
  for (const [name, value] of Object.entries(hit)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (typeof first !== "string") continue;
    if (first.startsWith("data:image/")) return [name, first];
    if (!first.startsWith("https://") || !URL.canParse(first)) continue;
    if (IMAGES.test(name) || IMAGE_PATH.test(new URL(first).pathname)) return [name, first];
  }
  return [null, null];
}

/** Which attribute is the title, and which the text below it. */
function parts(shown, primary) {
  const texts = Object.entries(shown).filter(([name, value]) => typeof value === "string" && value.trim() && !name.startsWith("_"));
  const rank = ([name]) => { const at = TITLES.indexOf(name.toLowerCase()); return at < 0 ? TITLES.length : at; };
  const title = texts.filter(([name]) => name !== primary || texts.length === 1).sort((a, b) => rank(a) - rank(b))[0];
  const length = (text) => text.replaceAll(PRE, "").replaceAll(POST, "").length;
  const text = texts.filter(([name, value]) => name !== title?.[0] && name !== primary && length(value) >= LONG).sort((a, b) => length(b[1]) - length(a[1]))[0];
  return [title, text];
}

/** A hit of a list. `place` is its number, from 1; `next` the hit after it; `asked` what was searched for. */
export function hitItem(hit, { place, next, asked, texts }) {
  const shown = hit._formatted ?? hit;
  const [title, text] = parts(shown, texts.primary);
  const [imageName, address] = picture(hit);
  const item = element("li", "hit");
  if (address) {
    const image = element("img", "hit-image");
    Object.assign(image, { alt: "", loading: "lazy", decoding: "async", referrerPolicy: "no-referrer", src: address });
    image.addEventListener("error", () => image.remove());
    item.append(image);
  }
  const body = element("div", "hit-text");
  const head = element("b", "", ...(title ? marked(title[1]) : [flat(hit).slice(0, 160)]));
  body.append(head);
  if (text) body.append(element("p", "", ...marked(text[1])));
  const used = [title?.[0], text?.[0], imageName];
  const rest = Object.entries(shown).filter(([name]) => !used.includes(name) && !name.startsWith("_"));
  if (rest.length) body.append(attributes(rest, texts));
  const foot = element("div", "hit-foot");
  foot.append(why(hit, { place, next, asked, texts }));
  const id = documentId(hit, texts.primary);
  if (texts.primary && (typeof id === "string" || typeof id === "number")) {
    const link = element("a", "", texts.open);
    link.href = `${texts.document}?id=${encodeURIComponent(id)}`;
    foot.append(link);
  }
  body.append(foot);
  item.append(body);
  return item;
}

function attributes(entries, texts) {
  const rows = entries.map(([name, value]) => {
    const row = element("div", "", element("dt", "", name), element("dd", "", ...marked(flat(value))));
    return row;
  });
  const all = element("dl", "hit-attributes", ...rows);
  if (rows.length <= SHOWN) return all;
  rows.slice(SHOWN).forEach((row) => (row.hidden = true));
  const more = element("button", "quiet small", fill(texts.all, rows.length - SHOWN));
  more.type = "button";
  more.setAttribute("aria-expanded", "false");
  more.addEventListener("click", () => {
    const open = more.getAttribute("aria-expanded") === "true";
    rows.slice(SHOWN).forEach((row) => (row.hidden = open));
    more.setAttribute("aria-expanded", String(!open));
    more.textContent = open ? fill(texts.all, rows.length - SHOWN) : texts.less;
  });
  return element("div", "", all, more);
}

// Why it is there.

function why(hit, { place, next, asked, texts }) {
  const panel = element("details", "why");
  panel.append(element("summary", "", place === 1 ? texts.whyFirst : texts.why));
  panel.addEventListener("toggle", () => panel.open && panel.children.length === 1 && panel.append(reasons(hit, next, asked, texts)), { once: true });
  return panel;
}

function reasons(hit, next, asked, texts) {
  const box = element("div", "reasons");
  const details = Object.entries(hit._rankingScoreDetails ?? {}).sort((a, b) => a[1].order - b[1].order);
  const score = hit._rankingScore;
  if (typeof score === "number" && asked.trim()) box.append(row(texts.score, score.toFixed(3), score, ""));
  const matched = Object.keys(hit._matchesPosition ?? {});
  if (matched.length) box.append(element("p", "", fill(texts.foundIn, matched.join(", "))));
  for (const [rule, detail] of details) box.append(ruleRow(rule, detail, next?._rankingScoreDetails?.[rule], texts));
  box.append(element("p", "faint", asked.trim() ? texts.scoreHelp : texts.noQuery));
  return box;
}

/** A rule: what it is called, what it says of the hit, how well that is, and whether the next hit does worse. */
function ruleRow(rule, detail, other, texts) {
  const said = { words, typo, proximity, attribute, attributeRank, wordPosition, exactness }[rule];
  if (!said) return row(...sorted(rule, detail, texts));
  const name = texts[`rule${rule[0].toUpperCase()}${rule.slice(1)}`];
  let against = "";
  if (typeof other?.score === "number" && Math.abs(detail.score - other.score) > 0.0005) against = detail.score > other.score ? texts.better : texts.worse;
  return row(name, said(detail, texts), detail.score, against);
}

function row(name, says, score, against) {
  const line = element("div", "reason");
  line.append(element("span", "reason-name", name), element("span", "", says, ...(against ? [element("small", "faint", ` ${against}`)] : [])));
  if (typeof score === "number") {
    const meter = element("meter");
    Object.assign(meter, { min: 0, max: 1, value: score });
    meter.setAttribute("aria-label", `${name}: ${Math.round(score * 100)} %`);
    line.append(meter);
  }
  return line;
}

const words = (detail, texts) => (detail.matchingWords >= detail.maxMatchingWords ? fill(texts.wordsAll, detail.maxMatchingWords) : fill(texts.wordsSome, detail.matchingWords, detail.maxMatchingWords));
const typo = (detail, texts) => (detail.typoCount === 0 ? texts.typoNone : fill(texts.typoSome, detail.typoCount));
const proximity = (detail, texts) => (detail.score >= 0.9 ? texts.near : detail.score >= 0.5 ? texts.nearish : texts.far);
const attribute = (detail, texts) => {
  const rank = detail.attributeRankingOrderScore >= 0.999 ? texts.attributeFirst : texts.attributeLater;
  const where = detail.queryWordDistanceScore >= 0.8 ? texts.placeEarly : texts.placeLate;
  return `${rank} ${where}`;
};
const attributeRank = (detail, texts) => (detail.score >= 0.999 ? texts.attributeRankFirst : texts.attributeRankLater);
const wordPosition = (detail, texts) => (detail.score >= 0.8 ? texts.wordPositionEarly : texts.wordPositionLate);
const exactness = (detail, texts) => {
  if (detail.matchType === "exactMatch") return texts.exactMatch;
  if (detail.matchType === "matchesStart") return texts.exactStart;
  return fill(texts.exactSome, detail.matchingWords, detail.maxMatchingWords);
};

/** A rule that sorts by a value of the document. */
function sorted(rule, detail, texts) {
  const [name, direction] = [rule.slice(0, rule.lastIndexOf(":")), rule.slice(rule.lastIndexOf(":") + 1)];
  const value = detail.distance === undefined || detail.distance === null ? flat(detail.value ?? texts.noValue) : `${Math.round(detail.distance)} m`;
  return [name, fill(direction === "desc" ? texts.sortedDesc : texts.sortedAsc, value), undefined, ""];
}
