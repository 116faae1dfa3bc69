// The line in which commands are typed: the list that / opens, then a field for each of a command's options.

import { picks } from "./picking.js";
import { element } from "./text.js";

const [STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER] = [3, 4, 5, 6, 7, 8, 9, 10];

export class Composer {
  // `page` asks the server, and says what goes wrong; `world` knows who and what there is.
  constructor(page, world) {
    this.page = page;
    this.world = world;
    this.commands = [];
    this.form = document.getElementById("composer");
    this.line = document.getElementById("line");
    this.row = document.getElementById("line-row");
    this.chosen = document.getElementById("chosen");
    this.command = null;
    picks(this.line, document.getElementById("found"), {
      first: true,
      find: (text) => this.fitting(text),
      pick: (item) => this.choose(item.command),
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.command) this.send();
      else if (this.line.value.trim()) this.page.says("There is no such command. Type / to see those that there are.");
    });
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.command) this.reset(true);
      if (event.key === "Enter" && event.target.tagName === "SELECT") { // as in every other field
        event.preventDefault();
        this.form.requestSubmit();
      }
    });
  }

  offers(commands) {
    this.commands = commands;
    const stays = this.command && commands.find((each) => each.name === this.command.name);
    if (this.command && !stays) this.reset();
    this.line.dispatchEvent(new Event("input")); // somebody may have begun to type
  }

  allow(yes) {
    this.line.disabled = !yes;
    this.line.placeholder = yes ? "Type / for the commands" : "Commands are typed in a channel";
    if (!yes) this.reset();
  }

  fitting(text) {
    if (!text.startsWith("/")) return [];
    const words = text.slice(1).toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (each) => words.every((word) => each.name.split(/[ -]/).some((part) => part.startsWith(word))
      || each.name.includes(word));
    const begins = (each) => (each.name.startsWith(words.join(" ")) ? 0 : 1);
    return this.commands.filter(fits).sort((a, b) => begins(a) - begins(b))
      .map((command) => ({ name: `/${command.name}`, says: command.says, command }));
  }

  choose(command) {
    this.command = command;
    this.page.says("");
    this.line.value = "";
    this.row.hidden = true;
    const cancel = element("button", { type: "button", class: "button" }, "Cancel");
    cancel.addEventListener("click", () => this.reset(true));
    this.button = element("button", { class: "button s1" }, "Send");
    const fields = element("div", { class: "fields" }, ...command.options.map((each) => this.field(each)));
    this.chosen.replaceChildren(
      element("p", { class: "head-line" }, element("code", {}, `/${command.name}`), element("span", {}, command.says)),
      fields,
      element("div", { class: "row" }, this.button, cancel),
    );
    this.chosen.hidden = false;
    (fields.querySelector("input, select") ?? this.button).focus();
  }

  field(option) {
    const id = `option-${option.name}`;
    const input = this.input(option, id);
    const label = element("label", { for: id }, option.name, option.required ? "" : element("i", {}, " (optional)"));
    const said = element("small", { id: `${id}-says` }, option.description);
    input.setAttribute("aria-describedby", `${id}-says`);
    const made = element("div", { class: "field" }, label, input, said);
    if (option.autocomplete) made.append(this.completed(option, input, id));
    return made;
  }

  input(option, id) {
    const more = { id, name: option.name, required: option.required };
    const choices = this.choices(option);
    if (choices) {
      const lines = choices.map(([value, name]) => element("option", { value }, name));
      return element("select", more, element("option", { value: "" }, "—"), ...lines);
    }
    if (option.type === INTEGER || option.type === NUMBER) {
      const step = option.type === NUMBER ? "any" : "1";
      return element("input", { ...more, type: "number", step, min: option.min_value, max: option.max_value });
    }
    return element("input", { ...more, minlength: option.min_length, maxlength: option.max_length });
  }

  choices(option) {
    const { people, roles, channels } = this.world;
    const named = (all, sign) => all.map((each) => [each.id, `${sign}${each.name}`]);
    if (option.choices) return option.choices.map((each) => [String(each.value), each.name]);
    if (option.type === BOOLEAN) return [["true", "Yes"], ["false", "No"]];
    if (option.type === USER) return named(people, "@");
    if (option.type === ROLE) return named(roles, "@");
    if (option.type === MENTIONABLE) return [...named(people, "@"), ...named(roles, "@")];
    return option.type === CHANNEL ? named(channels, "#") : null;
  }

  completed(option, input, id) {
    const list = element("ul", { role: "listbox", id: `${id}-found`, "aria-label": `Choices for ${option.name}`, hidden: true });
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
    })) input.setAttribute(name, value);
    input.addEventListener("input", () => delete input.dataset.value);
    picks(input, list, {
      after: 200,
      find: async (text) => {
        const asked = { name: this.command.name, option: option.name, text, options: this.given() };
        const answer = await this.page.asks("/page/types", asked, true);
        return (answer?.choices ?? []).map((each) => ({ name: each.name, value: String(each.value) }));
      },
      pick: (item) => {
        input.value = item.name;
        input.dataset.value = item.value;
      },
    });
    return list;
  }

  given() {
    const found = {};
    for (const each of this.chosen.querySelectorAll("input, select")) {
      if (each.value !== "") found[each.name] = each.dataset.value ?? each.value;
    }
    return found;
  }

  async send() {
    this.button.disabled = true;
    const answer = await this.page.asks("/page/command", { name: this.command.name, options: this.given() });
    this.button.disabled = false;
    if (answer) this.reset(!answer.form);
  }

  reset(focus = false) {
    this.command = null;
    this.chosen.hidden = true;
    this.chosen.replaceChildren();
    this.row.hidden = false;
    this.line.value = "";
    if (focus) this.line.focus();
  }
}
