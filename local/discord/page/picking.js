// A field with a list from which something is picked, by keyboard or pointer (ARIA, combobox).

import { element } from "./text.js";

export function picks(input, list, { find, pick, first = false, after = 0 }) {
  let items = [];
  let at = -1;
  let asked = 0;
  let waits = 0;

  function mark(to) {
    at = to;
    [...list.children].forEach((each, n) => each.setAttribute("aria-selected", String(n === at)));
    const marked = list.children[at];
    if (marked) {
      input.setAttribute("aria-activedescendant", marked.id);
      marked.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function close() {
    asked += 1;
    clearTimeout(waits);
    items = [];
    list.hidden = true;
    list.replaceChildren();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    at = -1;
  }

  function show(found) {
    if (!found.length) return close();
    items = found;
    list.replaceChildren(...found.map((each, n) => {
      const line = element("li", { role: "option", id: `${list.id}-${n}` }, element("b", {}, each.name));
      if (each.says) line.append(element("span", {}, each.says));
      line.addEventListener("pointerdown", (event) => event.preventDefault());
      line.addEventListener("click", () => take(n));
      return line;
    }));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(first ? 0 : -1);
  }

  function take(n) {
    const item = items[n];
    close();
    pick(item);
  }

  function look() {
    clearTimeout(waits);
    const mine = (asked += 1);
    waits = setTimeout(async () => {
      const found = await find(input.value);
      if (mine === asked && document.activeElement === input) show(found);
    }, after);
  }

  input.addEventListener("input", look);
  input.addEventListener("focus", look);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden || !items.length) return;
    if (event.key === "ArrowDown") mark((at + 1) % items.length);
    else if (event.key === "ArrowUp") mark((at <= 0 ? items.length : at) - 1);
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) take(at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
