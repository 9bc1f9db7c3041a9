// Rows of rules, on the pages of tokens and of the identity provider: added and removed.

/** Lets rows be added and removed; `changed` is called after. Rows that are there for browsers without scripts go. */
export function rows(changed = () => {}) {
  const list = document.getElementById("rules");
  const add = document.getElementById("add-rule");
  const pattern = list.querySelector(".rule").cloneNode(true);
  list.querySelectorAll(".spare").forEach((row) => row.remove());
  if (!add) return;
  const removal = list.dataset.remove ?? list.closest("[data-remove]").dataset.remove;
  const removable = (row) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet small";
    button.textContent = "×";
    button.setAttribute("aria-label", removal);
    button.title = removal;
    button.addEventListener("click", () => {
      row.remove();
      list.querySelector("input").focus();
      changed();
    });
    row.append(button);
  };
  [...list.querySelectorAll(".rule")].slice(1).forEach(removable);
  add.addEventListener("click", () => {
    const row = pattern.cloneNode(true);
    row.classList.remove("spare");
    row.querySelectorAll("input").forEach((input) => {
      input.value = "";
      input.required = false;
    });
    removable(row);
    list.append(row);
    row.querySelector("input").focus();
    changed();
  });
}
