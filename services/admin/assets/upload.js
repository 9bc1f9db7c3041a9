// Adding documents: files that are dropped, chosen or pasted are compressed here where that helps, sent with their progress told, and followed until
// they are searchable. What the API refuses is shown with the lines around it.
import { fill, until, upload } from "./api.js";

const root = document.getElementById("upload");
const texts = root.dataset;
const element = (id) => document.getElementById(id);

const TYPES = { json: "application/json", ndjson: "application/x-ndjson", jsonl: "application/x-ndjson", csv: "text/csv" };
const ENCODINGS = { gz: "gzip", zst: "zstd" };
/** Smaller files are sent faster than they are compressed. */
const COMPRESSED = 256 << 10;
/** What becomes smaller than this part of itself would be taken for a bomb (`decompression_ratio`). */
const RATIO = 100;
/** Lines of JSON are sent in parts of so many bytes: each one is searchable as soon as it is there. */
const PART = 48 << 20;
/** How far from the end of a part the end of a line is looked for: documents are smaller. */
const LINE = 12 << 20;
/** Bytes of a line that are shown on either side of what is wrong. */
const AROUND = 70;

function make(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** What a file is, by its name: `products.csv.gz` is compressed CSV. */
function kind(name) {
  const ends = name.toLowerCase().split(".");
  const encoding = ENCODINGS[ends.at(-1)];
  const type = TYPES[ends.at(encoding ? -2 : -1)];
  return type ? { type, encoding } : null;
}

const path = () => {
  const query = new URLSearchParams();
  const primaryKey = element("primary-key")?.value.trim();
  if (primaryKey) query.set("primaryKey", primaryKey);
  return query;
};

/** The same in gzip, if that is smaller, and not too much so. */
async function compressed(blob, progress, signal) {
  let read = 0;
  const counted = new TransformStream({
    transform(piece, out) {
      read += piece.byteLength;
      progress(read / blob.size);
      out.enqueue(piece);
    },
  });
  const small = await new Response(blob.stream().pipeThrough(counted, { signal }).pipeThrough(new CompressionStream("gzip"))).blob();
  return small.size < blob.size * 0.9 && small.size > blob.size / RATIO ? small : null;
}

/** Where each part of a file ends: after a line. */
async function parts(file, type, encoding) {
  if (type !== TYPES.ndjson || encoding || file.size <= PART) return [[0, file.size]];
  const found = [];
  for (let start = 0; start < file.size; ) {
    let end = Math.min(start + PART, file.size);
    if (end < file.size) {
      const from = Math.max(start, end - LINE);
      const tail = new Uint8Array(await file.slice(from, end).arrayBuffer());
      const line = tail.lastIndexOf(10);
      end = line < 0 ? file.size : from + line + 1;
    }
    found.push([start, end]);
    start = end;
  }
  return found;
}

/** A file on its way, as a line of the list. */
class Upload {
  constructor(file, type, encoding) {
    Object.assign(this, { file, type, encoding, stopping: new AbortController(), parts: 1, done: 0 });
    this.bar = make("progress");
    Object.assign(this.bar, { max: 1 });
    this.bar.setAttribute("aria-label", `${texts.progress}: ${file.name}`);
    this.stage = make("p", "faint");
    this.button = make("button", "small quiet", texts.stop);
    Object.assign(this.button, { type: "button" });
    this.button.setAttribute("aria-label", `${texts.stop}: ${file.name}`);
    this.button.addEventListener("click", () => this.stopping.abort());
    this.item = make("li", "upload", make("div", "row", make("b", "grow", file.name), this.button), this.bar, this.stage);
    element("uploads").prepend(this.item);
  }

  tell(text, share) {
    this.stage.textContent = this.parts > 1 ? `${text} ${fill(texts.part, this.done + 1, this.parts)}` : text;
    if (share === undefined) this.bar.removeAttribute("value");
    else this.bar.value = (this.done + share) / this.parts;
  }

  async run() {
    const began = performance.now();
    let begins = 0;
    try {
      this.tell(texts.reading);
      const pieces = await parts(this.file, this.type, this.encoding);
      this.parts = pieces.length;
      const accepted = [];
      for (const [start, end] of pieces) {
        begins = start;
        accepted.push(await this.send(pieces.length > 1 ? this.file.slice(start, end) : this.file));
        this.done += 1;
      }
      this.button.remove();
      this.parts = 1;
      this.tell(texts.indexing);
      let documents = 0;
      for (const task of accepted) documents += (await until(task)).details?.indexedDocuments ?? 0;
      this.finish(fill(texts.searchable, documents.toLocaleString(), ((performance.now() - began) / 1000).toFixed(1)));
    } catch (error) {
      await this.fail(error, begins);
    }
  }

  async send(blob) {
    const { signal } = this.stopping;
    let [body, encoding] = [blob, this.encoding];
    if (!encoding && blob.size >= COMPRESSED && "CompressionStream" in window) {
      const small = await compressed(blob, (share) => this.tell(fill(texts.compressing, percent(share)), share / 2), signal);
      if (small) [body, encoding] = [small, "gzip"];
    }
    const [from, rest] = encoding && !this.encoding ? [0.5, 0.5] : [0, 1];
    const query = path();
    if (this.type === TYPES.csv && element("delimiter").value) query.set("csvDelimiter", element("delimiter").value);
    const method = root.querySelector('input[name="method"]:checked').value;
    const progress = (share) => this.tell(fill(texts.sending, percent(share)), from + share * rest);
    return upload(method, `/indexes/${texts.index}/documents${query.size ? `?${query}` : ""}`, body, this.type, progress, { encoding, signal });
  }

  finish(text) {
    this.bar.value = 1;
    this.item.classList.add("good");
    document.querySelector(".documents > .empty")?.remove();
    this.stage.textContent = text;
    const show = make("a", "button small", texts.show);
    show.href = `${location.pathname}?wake=1`;
    this.item.append(make("p", "", show));
  }

  async fail(error, begins) {
    this.button.remove();
    this.bar.remove();
    this.item.classList.add("bad");
    const stopped = error.name === "AbortError";
    this.stage.textContent = stopped ? texts.stopped : fill(texts.failed, error.message);
    if (this.done > 0 && this.parts > 1) this.item.append(make("p", "faint", fill(texts.partsBefore, this.done, this.parts)));
    if (stopped) return;
    const [, line, column] = error.message.match(/line (\d+)(?: column (\d+))?/) ?? [];
    const lines = line && (await excerpt(this.file, this.encoding, begins, Number(line), Number(column ?? 0)).catch(() => null));
    if (lines) this.item.append(make("p", "faint", fill(texts.atLine, lines[0].number.toLocaleString())), listing(lines));
    this.stage.setAttribute("role", "alert");
  }
}

const percent = (share) => `${Math.round(share * 100)} %`;

/** The line that is wrong, and the one after it: `{number, before, at}` of the part that begins at a byte of the file. */
async function excerpt(file, encoding, begins, line, column) {
  if (encoding && encoding !== "gzip") return null;
  const blob = file.slice(begins);
  const stream = encoding ? blob.stream().pipeThrough(new DecompressionStream("gzip")) : blob.stream();
  const earlier = begins ? await lineCount(file.slice(0, begins)) : 0;
  const found = [];
  let [number, rest] = [1, new Uint8Array()];
  const take = (bytes) => {
    if (number >= line && number <= line + 1) found.push(shown(bytes, earlier + number, number === line ? column : 0));
    number += 1;
    return number > line + 1;
  };
  const reader = stream.getReader();
  for (let done = false; !done; ) {
    const { value, done: end } = await reader.read();
    if (end) {
      take(rest);
      break;
    }
    let start = 0;
    for (let at = value.indexOf(10); at >= 0 && !done; at = value.indexOf(10, start)) {
      done = take(joined(rest, value.subarray(start, at)));
      [rest, start] = [new Uint8Array(), at + 1];
    }
    // Of a line before the one that is wrong nothing is needed.
    if (!done && number >= line) rest = joined(rest, value.subarray(start));
  }
  reader.cancel().catch(() => {});
  // A file that ends with a line end has no line after it.
  return found.length ? found.filter(({ number, before, at }) => before || at || number === earlier + line) : null;
}

function joined(first, second) {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

async function lineCount(blob) {
  let count = 0;
  const reader = blob.stream().getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return count;
    for (let at = value.indexOf(10); at >= 0; at = value.indexOf(10, at + 1)) count += 1;
  }
}

// Columns are counted in bytes.
function shown(bytes, number, column) {
  const text = (from, to) => new TextDecoder().decode(bytes.subarray(Math.max(0, from), Math.min(bytes.length, to)));
  if (!column) return { number, before: text(0, AROUND * 2), at: "", cut: bytes.length > AROUND * 2 };
  const here = Math.min(column - 1, bytes.length);
  return { number, before: `${here > AROUND ? "…" : ""}${text(here - AROUND, here)}`, at: text(here, here + AROUND), cut: bytes.length > here + AROUND };
}

function listing(lines) {
  const box = make("pre", "excerpt");
  box.tabIndex = 0;
  for (const { number, before, at, cut } of lines) {
    const row = make("span", "line", make("span", "line-number", `${number} `), before);
    if (at) row.append(make("mark", "", [...at][0]), at.slice([...at][0].length));
    if (cut) row.append("…");
    box.append(row, "\n");
  }
  return box;
}

// What is dropped, chosen, pasted.

let queue = Promise.resolve();
function add(file) {
  const known = kind(file.name);
  const sent = new Upload(file, known?.type, known?.encoding);
  if (!known) return sent.fail(Object.assign(new Error(texts.unreadable)), 0);
  // One after the other: documents that replace each other come in the order in which they were added.
  queue = queue.then(() => sent.run());
  return queue;
}

element("file").addEventListener("change", (event) => {
  [...event.target.files].forEach(add);
  event.target.value = "";
});
const drop = element("drop");
for (const name of ["dragover", "dragenter"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  [...event.dataTransfer.files].forEach(add);
});

element("send").addEventListener("click", () => {
  const text = element("pasted").value;
  if (!text.trim()) return element("pasted").focus();
  // Lines of objects are NDJSON; one value over many lines is JSON.
  const lines = text.trim().split("\n");
  const isLines = lines.length > 1 && lines.every((line) => !line.trim() || (line.trim().startsWith("{") && line.trim().endsWith("}")));
  return add(new File([text], `${texts.pasted}.${isLines ? "ndjson" : text.trim().match(/^[[{]/) ? "json" : "csv"}`));
});
addEventListener("beforeunload", (event) => document.querySelector(".upload:not(.good, .bad)") && event.preventDefault());
