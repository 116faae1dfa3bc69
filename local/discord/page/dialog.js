// A form that the application asks somebody to fill in.

import { element } from "./text.js";

const LABEL = 18;
const TEXT = 4;

export function opens(form, send, after) {
  const dialog = document.getElementById("dialog");
  const error = element("p", { class: "error", role: "alert" });
  const cancel = element("button", { type: "button", class: "button" }, "Cancel");
  const submit = element("button", { class: "button s1" }, "Submit");
  const made = element("form", { autocomplete: "off" },
    element("h2", { id: "dialog-title" }, form.title),
    ...form.components.map(line),
    error,
    element("div", { class: "row" }, cancel, submit));
  cancel.addEventListener("click", () => dialog.close());
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = {};
    for (const each of made.querySelectorAll("input, textarea")) values[each.name] = each.value;
    submit.disabled = true;
    const wrong = await send(values);
    submit.disabled = false;
    error.textContent = wrong ?? "";
    if (!wrong) dialog.close();
  });
  dialog.onclose = () => {
    dialog.replaceChildren(); // what was typed may be secret
    after();
  };
  dialog.replaceChildren(made);
  dialog.showModal();
}

function line(each) {
  const field = each.type === LABEL ? each.component : each.components[0];
  const words = each.type === LABEL ? each.label : field.label;
  const id = `form-${field.id}`;
  if (field.type !== TEXT) return element("p", {}, `${words}: this page does not show such a field.`);
  const more = {
    id, name: field.custom_id, required: field.required, placeholder: field.placeholder,
    minlength: field.min_length || null, maxlength: field.max_length,
  };
  const input = element(field.style === 2 ? "textarea" : "input", more);
  input.value = field.value ?? "";
  const label = element("label", { for: id }, words, field.required ? "" : element("i", {}, " (optional)"));
  const made = element("div", { class: "field" }, label, input);
  if (each.description) made.append(element("small", {}, each.description));
  return made;
}
