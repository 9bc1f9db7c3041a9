// Documents: waits for the task that the page was left with, and checks and saves a document without leaving the page.
import { fill, toast, until, upload } from "./api.js";
import { documentId } from "./document-id.js";

const page = document.getElementById("documents");

// What was asked for on the page before is done in a moment: then the page shows it.
if (page.dataset.task) {
  const here = new URL(location.href);
  here.searchParams.delete("task");
  here.searchParams.delete("notice");
  history.replaceState(null, "", here);
  until({ taskUid: page.dataset.task }).then(
    () => location.replace(here),
    (error) => toast(fill(page.dataset.failed, error.message), "bad"),
  );
}

const form = document.getElementById("edit");
if (form) {
  const texts = form.dataset;
  const json = document.getElementById("json");
  const wrong = document.getElementById("json-wrong");
  let before = json.value;

  /** What is wrong with the text, or nothing. */
  function complaint(text) {
    let value;
    try {
      value = JSON.parse(text);
    } catch (error) {
      return fill(texts.jsonWrong, place(text, error.message));
    }
    if (value === null || typeof value !== "object" || Array.isArray(value)) return texts.notObject;
    return written(text, value) === texts.id ? "" : texts.idWrong;
  }

  // A number that is too large for a script is compared as it is written.
  function written(text, value) {
    const id = documentId(value, texts.primary);
    if (typeof id === "number" && !Number.isSafeInteger(id)) {
      const same = (text.match(/:\s*-?\d+/g) ?? []).map((found) => found.slice(1).trim()).filter((found) => Number(found) === id);
      return same.includes(texts.id) ? texts.id : same[0];
    }
    return id === undefined ? undefined : String(id);
  }

  // Browsers tell a position, a line or neither: a person wants the line.
  function place(text, message) {
    const position = message.match(/at position (\d+)/)?.[1];
    if (!position || /line \d+/.test(message)) return message;
    const lines = text.slice(0, Number(position)).split("\n");
    return `${message} (${lines.length}:${lines.at(-1).length + 1})`;
  }

  function check() {
    const why = complaint(json.value);
    wrong.textContent = why;
    json.setAttribute("aria-invalid", String(Boolean(why)));
    return !why;
  }

  json.addEventListener("input", () => wrong.textContent && check());
  json.addEventListener("change", check);
  // Tab is for moving on; Ctrl+S or ⌘S saves.
  json.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  addEventListener("beforeunload", (event) => json.value !== before && event.preventDefault());

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!check()) return json.focus();
    const [button, status, sent] = [document.getElementById("save"), document.getElementById("saving"), json.value];
    const began = performance.now();
    button.disabled = true;
    status.textContent = texts.saving;
    try {
      // As it is written: numbers would lose digits on the way through a script.
      await until(await upload("POST", `/indexes/${texts.index}/documents`, sent, "application/json"));
      before = sent;
      status.textContent = "";
      toast(fill(texts.saved, ((performance.now() - began) / 1000).toFixed(1)), "good");
    } catch (error) {
      status.textContent = "";
      wrong.textContent = error.message;
    } finally {
      button.disabled = false;
    }
  });
  // Heard last: by then it was asked whether the document is to go.
  addEventListener("submit", (event) => event.target.matches('form[action$="/delete"]') && !event.defaultPrevented && (before = json.value));
}
