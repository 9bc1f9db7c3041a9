// The tenant API as the visitor of the page, for every script of the portal.
const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";
const tenant = document.body.dataset.tenant;

/** An answer that refuses: `code` and `message` as the API tells them. */
export class ApiError extends Error {
  constructor(status, body) {
    super(body?.message || document.body.dataset.failed);
    this.status = status;
    this.code = body?.code;
  }
}

/** Where the tenant API is for this page. */
export const at = (path) => `/portal/api/${tenant}${path}`;

/** What every call that changes something must show. */
export const headers = () => ({ "x-onggi-csrf": csrf });

/** Calls the tenant API, such as `api("PATCH", "/indexes/movies/settings", {...})`; returns what it answers. */
export async function api(method, path, body, { signal } = {}) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { ...headers(), "content-type": "application/json" } };
  const response = await fetch(at(path), { method, headers: headers(), signal, ...sent });
  return answer(response.status, await response.text());
}

export const get = (path) => api("GET", path);

function answer(status, text) {
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    // Not the API's own words: a proxy's, perhaps.
  }
  if (status === 401) location.assign(`/portal/sign-in?next=${encodeURIComponent(location.pathname)}`);
  if (status < 200 || status > 299) throw new ApiError(status, body);
  return body;
}

/** Sends a file; `progress` is told how much of it is sent, from 0 to 1; `encoding` says how it is compressed. */
export function upload(method, path, body, type, progress = () => {}, { encoding, signal } = {}) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open(method, at(path));
    request.setRequestHeader("x-onggi-csrf", csrf);
    request.setRequestHeader("content-type", type);
    if (encoding) request.setRequestHeader("content-encoding", encoding);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onerror = () => failed(new ApiError(0, null));
    request.onabort = () => failed(new DOMException("", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.onload = () => {
      try {
        done(answer(request.status, request.responseText));
      } catch (error) {
        failed(error);
      }
    };
    request.send(body);
  });
}

/** Waits until a task is at its end; throws what it failed with. */
export async function until(accepted) {
  for (let pause = 50; ; pause = Math.min(pause * 1.4, 1000)) {
    const task = await get(`/tasks/${accepted.taskUid}`);
    if (task.status === "succeeded") return task;
    if (["failed", "canceled"].includes(task.status)) throw new ApiError(200, task.error);
    await new Promise((rested) => setTimeout(rested, pause));
  }
}

/** Shows a notice for a while; `tone` is `good`, `bad` or nothing. */
export function toast(text, tone = "") {
  const shown = document.createElement("p");
  shown.className = `toast ${tone}`;
  shown.textContent = text;
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), 6000);
}

/** Fills `{0}`, `{1}` of a text. */
export const fill = (text, ...values) => values.reduce((filled, value, index) => filled.replaceAll(`{${index}}`, () => String(value)), text);
