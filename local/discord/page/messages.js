// What is to be read in a place. A message is drawn anew only if it has changed, so that nobody loses the focus.

import { distance, element, rendered } from "./text.js";

const [BUTTON, MENU, LINK] = [2, 3, 5];

export class Messages {
  // `does` presses, and dismisses.
  constructor(log, world, does) {
    this.log = log;
    this.world = world;
    this.does = does;
    this.shown = new Map();
  }

  clear() {
    this.shown.clear();
    this.log.replaceChildren();
  }

  show(messages) {
    const down = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
    const there = new Set(messages.map((each) => each.id));
    let changed = false;
    for (const [id, { node }] of this.shown) {
      if (!there.has(id)) {
        node.remove();
        this.shown.delete(id);
      }
    }
    this.log.querySelector(".empty")?.remove();
    for (const each of messages) {
      const json = JSON.stringify(each);
      const before = this.shown.get(each.id);
      if (before?.json === json) continue;
      changed = true;
      const node = this.drawn(each);
      if (before) this.replace(before.node, node);
      else this.log.append(node);
      this.shown.set(each.id, { json, node });
    }
    if (!messages.length) this.log.append(element("p", { class: "empty" }, "Nothing was said here yet."));
    if (changed && down) this.log.scrollTop = this.log.scrollHeight;
    for (const each of this.log.querySelectorAll("time[data-seconds]")) {
      const now = distance(Number(each.dataset.seconds));
      if (each.textContent !== now) each.textContent = now;
    }
  }

  replace(before, after) {
    const focused = before.contains(document.activeElement) ? document.activeElement : null;
    before.replaceWith(after);
    if (focused) {
      const same = [...after.querySelectorAll("button, select")].find((each) => each.name === focused.name);
      (same ?? this.log).focus({ preventScroll: true });
    }
  }

  drawn(message) {
    const at = new Date(message.at);
    const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(at);
    const text = message.thinking
      ? element("div", { class: "text thinking" }, `${message.author} is thinking`)
      : element("div", { class: "text" }, ...rendered(message.text, this.world));
    if (message.edited && !message.only) text.append(element("span", { class: "when" }, " (edited)"));
    const made = element("article", { class: message.only ? "only" : null, "data-id": message.id });
    if (message.by) {
      const did = message.command ? [" used ", element("code", {}, `/${message.command}`)] : [" pressed a button"];
      made.append(element("p", { class: "asked" }, element("b", {}, this.world.name(message.by)), ...did));
    }
    made.append(
      element("span", { class: "face", "aria-hidden": "true" }, message.author.slice(0, 1).toUpperCase()),
      element("p", { class: "head" }, element("b", {}, message.author), element("span", { class: "tag" }, "APP"),
        element("time", { class: "when", datetime: message.at }, clock)),
      text,
      ...message.rows.map((row) => element("div", { class: "row" }, ...row.map((each) => this.component(message, each)))),
    );
    if (message.only) made.append(this.only(message));
    return made;
  }

  only(message) {
    const dismiss = element("button", { type: "button", name: "dismiss" }, "Dismiss message");
    dismiss.addEventListener("click", () => this.does.dismiss(message.id));
    return element("p", { class: "small" }, "Only you can see this · ", dismiss);
  }

  component(message, each) {
    if (each.type === BUTTON && each.style === LINK) {
      const where = { class: "button", href: this.world.found(each.url), target: "_blank", rel: "noreferrer" };
      return each.url.startsWith("https://") ? element("a", where, each.label ?? "") : element("span", {}, each.url);
    }
    if (each.type === BUTTON) return this.button(message, each);
    if (each.type === MENU) return this.menu(message, each);
    return element("span", {}, "This page does not show such a menu.");
  }

  button(message, each) {
    const words = [each.emoji?.name, each.label].filter(Boolean).join(" ");
    const more = { type: "button", name: each.custom_id, class: `button s${each.style}`, disabled: each.disabled };
    const made = element("button", more, words);
    made.addEventListener("click", async () => {
      made.disabled = true;
      await this.does.press(message.id, each.custom_id, []);
      made.disabled = Boolean(each.disabled);
    });
    return made;
  }

  menu(message, each) {
    const label = each.placeholder ?? "Choose";
    const more = { name: each.custom_id, "aria-label": label, disabled: each.disabled };
    const options = each.options.map((one) => element("option", { value: one.value }, one.label));
    const made = element("select", more, element("option", { value: "" }, label), ...options);
    made.addEventListener("change", () => made.value && this.does.press(message.id, each.custom_id, [made.value]));
    return made;
  }
}
