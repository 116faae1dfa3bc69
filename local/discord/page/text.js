// Discord's marks in a message's text, as far as the platform uses them, as nodes. No text ever becomes HTML.

const DAY = 86400;
const STEPS = [["year", 365 * DAY], ["month", 30 * DAY], ["day", DAY], ["hour", 3600], ["minute", 60], ["second", 1]];
const FORMS = {
  t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" }, D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" },
};
const INLINE = new RegExp([
  String.raw`\\(?<escaped>[^\p{L}\p{N}\s])`,
  "(?<ticks>`+)(?<code>[^`]+)\\k<ticks>",
  String.raw`\*\*(?<bold>(?:\\.|[^\\])+?)\*\*`,
  String.raw`<t:(?<moment>-?\d{1,13})(?::(?<form>[tTdDfFR]))?>`,
  String.raw`<(?<sign>@!?|@&|#)(?<id>\d+)>`,
  String.raw`(?<link>https:\/\/[^\s<>]*[^\s<>.,:;!?'"\]\)])`,
].join("|"), "gsu");

export function element(name, more = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(more)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function distance(seconds) {
  const away = seconds - Date.now() / 1000;
  const [unit, length] = STEPS.find(([, each]) => Math.abs(away) >= each) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(away / length), unit);
}

function moment(seconds, form) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return document.createTextNode(`<t:${seconds}>`);
  const whole = new Intl.DateTimeFormat(undefined, FORMS.F).format(date);
  const shown = form === "R" ? distance(seconds) : new Intl.DateTimeFormat(undefined, FORMS[form]).format(date);
  const more = form === "R" ? { "data-seconds": seconds } : {};
  return element("time", { datetime: date.toISOString(), title: whole, ...more }, shown);
}

// `world` knows how people, roles and channels are called, and where links of tables are found on this machine.
function inline(text, world) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(text.slice(at, found.index));
    at = found.index + found[0].length;
    const { escaped, code, bold, moment: seconds, form, sign, id, link } = found.groups;
    if (escaped) nodes.push(escaped);
    else if (code) nodes.push(element("code", {}, code));
    else if (bold) nodes.push(element("strong", {}, ...inline(bold, world)));
    else if (seconds) nodes.push(moment(Number(seconds), form ?? "f"));
    else if (id) nodes.push(element("span", { class: "mention" }, world.named(sign, id)));
    else if (link) nodes.push(element("a", { href: world.found(link), target: "_blank", rel: "noreferrer" }, link));
  }
  nodes.push(text.slice(at));
  return nodes.filter((node) => node !== "");
}

function lines(text, world) {
  const nodes = [];
  for (const part of text.split(/^(##? .*)\n?/m)) {
    const heading = /^##? (.*)$/.exec(part);
    if (heading) nodes.push(element("h3", {}, ...inline(heading[1], world)));
    else nodes.push(...inline(part, world));
  }
  return nodes;
}

export function rendered(text, world) {
  const nodes = [];
  text.split(/```(?:[a-z]*\n)?([\s\S]*?)\n?```/).forEach((part, at) => {
    if (at % 2) nodes.push(element("pre", { tabindex: "0" }, part));
    else nodes.push(...lines(part, world));
  });
  return nodes;
}
