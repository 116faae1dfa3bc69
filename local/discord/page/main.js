// The page as a whole: who somebody is, where they are, and a look at it once a second.

import { Composer } from "./composer.js";
import { opens } from "./dialog.js";
import { Messages } from "./messages.js";
import { element } from "./text.js";

const EVERY = 1000;
const DIRECT = "direct";
const who = document.getElementById("who");
const places = document.getElementById("places");
const notice = document.getElementById("notice");

// Two windows are two people: whom one plays stands in its address.
const chosen = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const read = {};
let commands = "";
let looks = 0;

const world = {
  people: [], roles: [], channels: [], elsewhere: {},
  name: (id) => world.people.find((each) => each.id === id)?.name ?? "somebody who has left",
  named(sign, id) {
    if (sign === "@&") return `@${world.roles.find((each) => each.id === id)?.name ?? "deleted-role"}`;
    if (sign === "#") return `#${world.channels.find((each) => each.id === id)?.name ?? "deleted-channel"}`;
    return `@${world.people.find((each) => each.id === id)?.name ?? "unknown-user"}`;
  },
  // The address at which this machine has a table that is called so on AWS.
  found(link) {
    const url = new URL(link);
    for (const [domain, here] of Object.entries(world.elsewhere)) {
      if (url.hostname.endsWith(`.${domain}`)) {
        const label = url.hostname.slice(0, -domain.length - 1);
        return `http://${label}.${here}${url.pathname}${url.search}${url.hash}`;
      }
    }
    return link;
  },
};

const page = {
  says(words) {
    notice.textContent = words;
  },
  // What the server answers; nothing if it refuses, which is said.
  async asks(path, more, quietly = false) {
    if (!quietly) page.says("");
    try {
      const body = JSON.stringify({ who: chosen.who, place: chosen.place, ...more });
      const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body });
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.error);
      if (!quietly) shows(said);
      return said;
    } catch (error) {
      if (!quietly) page.says(error.message);
      return null;
    }
  },
};

function shows(said) {
  if (said.failed) page.says(`${said.failed}. (${said.why})`);
  if (said.form) {
    const before = document.activeElement;
    const send = async (values) => {
      const answer = await page.asks("/page/submit", { interaction: said.interaction, values });
      return answer && !answer.failed ? null : notice.textContent;
    };
    opens(said.form, send, () => (before?.isConnected && before !== document.body ? before : composer.line).focus());
  }
  look();
}

const messages = new Messages(document.getElementById("log"), world, {
  press: (message, component, values) => page.asks("/page/press", { message, component, values }),
  dismiss: (message) => page.asks("/page/dismiss", { message }),
});
const composer = new Composer(page, world);

function keep() {
  history.replaceState(null, "", `#${new URLSearchParams(chosen)}`);
}

function goes(place) {
  chosen.place = place;
  keep();
  messages.clear();
  page.says("");
  composer.allow(place !== DIRECT);
  look();
}

function people(found) {
  if (!found.some((each) => each.id === chosen.who)) chosen.who = found[0]?.id ?? "";
  const json = JSON.stringify(found);
  if (who.dataset.json !== json) {
    who.dataset.json = json;
    who.replaceChildren(...found.map((each) => element("option", { value: each.id }, `${each.name} (@${each.username})`)));
    who.value = chosen.who;
  }
  const roles = found.find((each) => each.id === chosen.who)?.roles ?? [];
  document.getElementById("roles").textContent = roles.join(", ");
}

function channels(state) {
  const all = [...state.channels, { id: DIRECT, name: "Messages to you", last: state.direct ?? "" }];
  if (!all.some((each) => each.id === chosen.place)) chosen.place = all[0].id;
  for (const each of all) {
    const seen = `${chosen.who} ${each.id}`;
    if (each.id === chosen.place || read[seen] === undefined) read[seen] = each.last;
    each.fresh = BigInt(each.last || 0) > BigInt(read[seen] || 0);
  }
  const title = (each) => (each.id === DIRECT ? each.name : `# ${each.name}`);
  document.getElementById("place").textContent = title(all.find((each) => each.id === chosen.place));
  const json = JSON.stringify([all.map((each) => [each.id, each.name, each.fresh]), chosen.place]);
  if (places.dataset.json === json) return;
  places.dataset.json = json;
  const focused = places.contains(document.activeElement) ? document.activeElement.name : "";
  places.replaceChildren(...all.map((each) => {
    const current = each.id === chosen.place ? "true" : null;
    const more = { type: "button", name: each.id, "aria-current": current, class: each.fresh ? "fresh" : null };
    const button = element("button", more, title(each));
    if (each.fresh) button.append(element("span", { class: "new" }, "new"));
    button.addEventListener("click", () => goes(each.id));
    return element("li", {}, button);
  }));
  if (focused) [...places.querySelectorAll("button")].find((each) => each.name === focused)?.focus();
}

async function look() {
  const mine = (looks += 1);
  const asked = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value));
  try {
    let state = await (await fetch(`/page/state?${asked}`)).json();
    if (mine !== looks) return; // somebody has gone on meanwhile
    if (state.error) {
      delete chosen.place; // nobody, or nowhere, any more
      delete chosen.who;
      state = await (await fetch("/page/state")).json();
    }
    Object.assign(world, { people: state.people, roles: state.roles, channels: state.channels });
    world.elsewhere = state.elsewhere;
    people(state.people);
    channels(state);
    keep();
    if (state.messages) messages.show(state.messages);
    else if (chosen.who) return look();
    await learn(state.commands);
    if (notice.dataset.lost) {
      delete notice.dataset.lost;
      page.says("");
    }
  } catch {
    notice.dataset.lost = "yes";
    page.says("The played Discord does not answer; is `make run` still there?");
  }
}

async function learn(version) {
  const wanted = `${chosen.who} ${version}`;
  if (commands === wanted) return;
  const said = await (await fetch(`/page/commands?${new URLSearchParams({ who: chosen.who })}`)).json();
  commands = wanted;
  composer.offers(said.commands ?? []);
}

who.addEventListener("change", () => {
  chosen.who = who.value;
  keep();
  composer.reset();
  messages.clear();
  page.says("");
  look();
});

async function watch() {
  if (!document.hidden && chosen.who) await look();
  setTimeout(watch, EVERY);
}

composer.allow(chosen.place !== DIRECT);
look().then(() => setTimeout(watch, EVERY));
