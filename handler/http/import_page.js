"use strict";
// An archive goes in parts to the addresses that the platform gives, is looked into, and is taken in when its
// member has seen what is in it. All that an archive says of itself is put on the page as text.
(() => {
  const LOOK_EVERY = 5000, TRIES = 5, MB = 1e6;
  const words = JSON.parse(document.querySelector("main").dataset.words);
  const ticket = location.hash.slice(1);
  const places = ["trouble", "choose", "sending", "looking", "found", "done"];
  let file = null, startOver = false, found = null, next = go;

  const place = (id) => document.getElementById(id);
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const filled = (text, ...values) => text.replace(/\{(\d)\}/g, (_, at) => values[at]);
  const number = (value) => value.toLocaleString(document.documentElement.lang);
  const megabytes = (bytes) => number(Math.ceil(bytes / MB));

  // What was begun with one file goes on with that file only: another one of its size would become half of each.
  const identity = () => JSON.stringify([file.name, file.size, file.lastModified]);
  const begun = {
    is: () => { try { return localStorage.getItem("import") === identity(); } catch { return false; } },
    note: () => { try { localStorage.setItem("import", identity()); } catch { /* it begins anew, then */ } },
  };

  function show(name, said = "") {
    places.forEach((one) => { place(one).hidden = one !== name; });
    place("now").textContent = said;
    if (name && place(name).hasAttribute("tabindex")) { place(name).focus(); }
  }

  // What is in the way, in words, and unless nothing helps here the ways on: what was begun goes on from there.
  function refuse(why, isHopeless) {
    place("why").textContent = why;
    place("ways").hidden = isHopeless;
    show("trouble");
  }

  async function once(fields) {
    const asked = {
      method: "POST", cache: "no-store", headers: {"content-type": "application/json"},
      body: JSON.stringify({ticket, ...fields}),
    };
    const answer = await fetch("/_import", asked);
    const id = answer.headers.get("x-request-id") || "";
    const said = await answer.json().catch(() => ({error: filled(words.trouble, id)}));
    return answer.ok ? said : {...said, status: answer.status};
  }

  // An answer that got lost, or that AWS had no time for, is asked for again: nothing is done twice.
  async function ask(fields) {
    for (let tried = 1; ; tried++) {
      const said = await once(fields).catch(() => ({status: 503, error: words.no_answer}));
      if (!said.error) { return said; }
      if (said.status < 500 || tried === TRIES) {
        throw Object.assign(new Error(said.error), {isHopeless: said.status === 403});
      }
      place("now").textContent = words.goes_on;
      await pause(1000 * 2 ** tried);
    }
  }

  // The status with which a part was taken; 0 if there was no answer.
  function put(part, size, before) {
    return new Promise((done) => {
      const begins = (part.number - 1) * size, request = new XMLHttpRequest();
      request.open("PUT", part.url);
      request.upload.onprogress = (event) => progress(before + event.loaded);
      request.onloadend = () => done(request.status);
      request.send(file.slice(begins, begins + part.bytes, ""));
    });
  }

  function progress(bytes) {
    place("sent").value = bytes / file.size;
    place("figures").textContent = filled(words.figures, megabytes(bytes), megabytes(file.size));
  }

  // Send what is missing. After a part that did not get through, which are is asked again: their addresses are new.
  async function send(answer) {
    for (let failed = 0; answer.parts; answer = await ask({bytes: file.size})) {
      let before = file.size - answer.parts.reduce((sum, part) => sum + part.bytes, 0);
      show("sending", words.sending);
      progress(before);
      for (const part of answer.parts) {
        if (await put(part, answer.partBytes, before) !== 200) {
          if (++failed === TRIES) { throw new Error(words.stuck); }
          place("now").textContent = words.goes_on;
          await pause(1000 * 2 ** failed);
          break;
        }
        failed = 0;
        before += part.bytes;
        progress(before);
      }
    }
    return answer;
  }

  // Parts are asked for again once what was sent is not waiting any more.
  async function look(answer) {
    while (!answer.packages && !answer.parts) {
      show("looking", words.looking);
      do { await pause(LOOK_EVERY); } while (document.hidden);
      answer = await ask({bytes: file.size});
    }
    return answer;
  }

  async function go() {
    next = go;
    show("", words.asking);
    try {
      let answer = await ask({bytes: file.size, startOver: startOver || !begun.is()});
      startOver = false;
      begun.note();
      if (!answer.refused) { answer = await look(await send(answer)); }
      if (answer.packages) { tell(answer); return; }
      begin(answer.refused ? filled(words.refused, answer.refused) : words.gone);
    } catch (error) { refuse(error.message, error.isHopeless); }
  }

  function begin(said = "") {
    show("choose", said);
    place("file").value = "";
  }

  // --- what was found

  function list(heading, lines) {
    if (!lines.length) { return; }
    const title = document.createElement("h3"), all = document.createElement("ul");
    title.textContent = heading;
    lines.forEach((line) => {
      const item = document.createElement("li"), name = document.createElement("bdi");
      name.textContent = line[0];
      item.append(name, line.slice(1).filter(Boolean).map((more) => `, ${more}`).join(""));
      all.append(item);
    });
    place("packages").append(title, all);
  }

  function tell(answer) {
    found = answer;
    place("packages").textContent = "";
    Object.entries(words.types).forEach(([type, heading]) => {
      list(heading, answer.packages.filter((one) => one.type === type).map((one) => [
        one.title || one.id, one.version,
        one.renamed && filled(words.renamed, one.renamed), one.kept && filled(words.kept, one.kept),
      ]));
    });
    list(words.missing, answer.missing.map((one) => [one.id, filled(words.needed_by, one.neededBy)]));
    list(words.unfit, answer.unfit.map((one) => [one.title, one.version, words.why[one.why]]));
    const counts = [filled(words.files, number(answer.files), megabytes(answer.bytes))];
    if (answer.looseFiles) { counts.push(filled(words.loose, number(answer.looseFiles))); }
    if (answer.renamedFiles) { counts.push(filled(words.renamed_files, number(answer.renamedFiles))); }
    if (answer.assets) { counts.push(filled(words.assets, number(answer.assets))); }
    counts.forEach((said) => {
      const line = document.createElement("p");
      line.textContent = `${said}.`;
      place("packages").append(line);
    });
    show("found");
  }

  async function take() {
    next = take;
    show("", words.taking);
    try {
      await ask({importId: found.importId});
      show("done");
    } catch (error) { refuse(error.message, error.isHopeless); }
  }

  // --- what the visitor does

  place("choose").addEventListener("submit", (event) => {
    event.preventDefault();
    file = place("file").files[0];
    if (!file) { return; }
    if (file.size) { go(); } else { place("now").textContent = words.empty; }
  });
  place("again").addEventListener("click", () => next());
  place("take").addEventListener("click", take);
  place("choose-other").addEventListener("click", () => begin());
  place("other").addEventListener("click", () => { startOver = true; begin(); });
  addEventListener("beforeunload", (event) => {
    if (!place("sending").hidden) { event.preventDefault(); }
  });
  if (ticket) { begin(); } else { refuse(words.no_ticket, true); }
})();
