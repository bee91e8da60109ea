// What was: events, alarms, clips, the report; and the settings.

import { ask } from "./api.js";
import { chip, title } from "./counts.js";

const get = (id) => document.getElementById(id);
const time = (utc) => {
  const moment = new Date(utc * 1000);
  const isToday = moment.toDateString() === new Date().toDateString();
  return moment.toLocaleString([], isToday ? { timeStyle: "medium" } : { dateStyle: "short", timeStyle: "short" });
};
const KINDS = {
  appeared: () => "appeared", gone: (e) => `${e.reason === "unseen" ? "last seen" : "gone"} after ${e.seconds} s`,
  state: (e) => `${title(e.previous)} → ${title(e.state)}`,
  entered: (e) => `entered ${e.place}`, left: (e) => `left ${e.place}`,
  crossed: (e) => `crossed ${e.place} ${e.direction}`,
  still: () => "does not move: a poster", moved: () => "moves after all",
};

function made(tag, text = "", name = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (name) element.className = name;
  return element;
}

function button(text, label, press) {
  const element = made("button", text, "small");
  element.type = "button";
  element.setAttribute("aria-label", label);
  element.onclick = press;
  return element;
}

/** Changes when times have to be written again: those of yesterday get their date. */
export const today = () => new Date().toDateString();

let shown = "";

export async function showEvents() {
  const events = await ask("api/events?limit=50");
  const newest = `${today()} ${events[0]?.number} ${events[0]?.utc}`;
  if (shown === newest) return;
  shown = newest;
  // Numbered as they were noticed: that somebody is gone shows seconds after it was so.
  events.sort((one, other) => other.utc - one.utc);
  const rows = events.map((event) => {
    const row = document.createElement("tr");
    const state = document.createElement("td");
    state.append(chip(title(event.state), event.state));
    const kind = (KINDS[event.kind] ?? (() => event.kind))(event);
    row.append(...[time(event.utc), event.camera, event.person, kind].map((text) => made("td", text)), state);
    return row;
  });
  get("event-list").replaceChildren(...rows);
  get("no-events").hidden = rows.length > 0;
}

/** Acknowledges an alarm; its card shows that at once, also while a clip plays in it. */
async function acknowledge(alarm, card, press) {
  await ask(`api/alarms/${encodeURIComponent(alarm.id)}/acknowledge`, "POST");
  const hadFocus = document.activeElement === press;
  const note = acknowledged(alarm.id, "");
  press.replaceWith(note);
  card.classList.remove("open");
  if (hadFocus) note.focus();
  await showAlarms();
}

/** The note in the place of a button, which keeps the keyboard's place. */
function acknowledged(id, user) {
  const note = made("span", `acknowledged${user ? ` by ${user}` : ""}`, "quiet");
  note.tabIndex = -1;
  note.dataset.place = `acknowledge ${id}`;
  return note;
}

function alarmCard(alarm) {
  const card = made("li", "", alarm.acknowledged ? "card" : "card open");
  const address = `api/alarms/${encodeURIComponent(alarm.id)}`;
  if (alarm.has_image) {
    const image = document.createElement("img");
    image.loading = "lazy";
    image.alt = `${alarm.rule}, ${alarm.camera}`;
    image.src = `${address}/image`;
    const link = document.createElement("a");
    Object.assign(link, { href: `${address}/image?width=4096`, target: "_blank", rel: "noopener" });
    link.append(image);
    card.append(link);
  }
  card.append(made("strong", alarm.title));
  const until = alarm.cleared ? ` to ${time(alarm.cleared)}` : ", going on";
  card.append(made("span", `${alarm.camera ? `${alarm.camera}, ` : ""}${time(alarm.began)}${until}`, "quiet"));
  const notes = [alarm.rule, alarm.repeats && `came back ${alarm.repeats} times`,
    alarm.muted && `not sent: ${alarm.muted}`];
  card.append(made("span", notes.filter(Boolean).join(", "), "quiet"));
  const row = made("div", "", "row");
  if (alarm.has_clip) {
    const play = button("Play clip", `Play the clip of ${alarm.title}`, () => {
      playClip(`${address}/clip`, alarm.title, card);
    });
    play.dataset.place = `play ${alarm.id}`;
    row.append(play);
  }
  if (alarm.acknowledged) {
    row.append(acknowledged(alarm.id, alarm.acknowledged_by));
  } else {
    const press = button("Acknowledge", `Acknowledge: ${alarm.title}`, () => {
      acknowledge(alarm, card, press).catch(complain);
    });
    press.dataset.place = `acknowledge ${alarm.id}`;
    press.classList.add("operator");
    row.append(press);
  }
  card.append(row);
  return card;
}

/** Shows the alarms; false while one of their clips plays, which would be ended. */
export async function showAlarms() {
  const said = await ask("api/alarms");
  showSnoozes(said);
  const playing = get("alarm-list").querySelector("video");
  if (playing && !playing.paused && !playing.ended) return false;
  const focused = document.activeElement?.dataset.place;
  const cards = said.alarms.map(alarmCard);
  get("alarm-list").replaceChildren(...(cards.length ? cards : [made("li", "No alarm so far.", "quiet")]));
  [...get("alarm-list").querySelectorAll("[data-place]")]
    .find((one) => one.dataset.place === focused)?.focus();
  return true;
}

function showSnoozes(said) {
  const rules = ["", ...said.rules];
  if (String(rules) !== String([...get("rule").options].map((one) => one.value))) {
    const chosen = get("rule").value;
    get("rule").replaceChildren(...rules.map((rule) => new Option(rule || "all alarms", rule)));
    get("rule").value = chosen;
  }
  get("snoozed").textContent = said.snoozed
    .map((one) => `${one.rule || "All alarms"}${one.camera ? ` of ${one.camera}` : ""}: snoozed until ${time(one.until)}.`)
    .join(" ");
}

export function offerSnooze(complainAbout) {
  complain = complainAbout;
  get("snooze").onsubmit = (event) => {
    event.preventDefault();
    const wanted = { rule: get("rule").value, minutes: Number(get("minutes").value) };
    ask("api/snooze", "POST", wanted).then(showAlarms).catch(complain);
  };
}

let complain = () => {};

/** Plays a video in place: below the button that was pressed. */
function playClip(address, name, place) {
  document.querySelector(".played")?.remove();
  const video = made("video", "", "played");
  Object.assign(video, { controls: true, playsInline: true, src: address });
  video.setAttribute("aria-label", name);
  video.onerror = () => {
    if (video.isConnected) video.replaceWith(made("p", `This browser cannot play ${name}.`, "trouble played"));
  };
  place.append(video);
  video.play().catch(() => {});
  video.focus();
}

let clipsSaid = "";

export async function showClips() {
  const clips = await ask("api/clips");
  const said = `${today()} ${JSON.stringify(clips)}`;
  if (said === clipsSaid || get("clip-list").querySelector("video")) return;
  clipsSaid = said;
  const rows = clips.map((clip) => {
    const row = document.createElement("li");
    const play = button(`▶ ${clip.name}`, `Play ${clip.name}`, () => {
      playClip(`api/clips/${encodeURIComponent(clip.name)}`, clip.name, row);
    });
    play.classList.add("grow");
    const remove = button("Delete", `Delete ${clip.name}`, async () => {
      if (!confirm(`Delete ${clip.name}?`)) return;
      await ask(`api/clips/${encodeURIComponent(clip.name)}/delete`, "POST").catch(complain);
      showClips().catch(complain);
    });
    remove.classList.add("operator");
    row.append(play, made("span", `${time(clip.utc)}, ${(clip.bytes / 1e6).toFixed(1)} MB`, "quiet"), remove);
    return row;
  });
  get("clip-list").replaceChildren(...(rows.length ? rows : [made("li", "No clip so far.", "quiet")]));
}

export function offerReport() {
  const address = (path) => {
    const days = new URLSearchParams();
    for (const id of ["from", "to"]) if (get(id).value) days.set(id, get(id).value);
    return days.size ? `${path}?${days}` : path;
  };
  get("days").onsubmit = (event) => {
    event.preventDefault();
    get("report-page").hidden = false;
    get("report-page").src = address("api/report");
  };
  get("days").onchange = () => {
    get("report-alone").href = address("api/report");
    get("export").href = address("api/export");
  };
}

export function offerSettings() {
  get("settings").ontoggle = async () => {
    if (!get("settings").open) return;
    const said = await ask("api/settings").catch((error) => ({ detail: error.message }));
    get("settings-text").textContent = JSON.stringify(said, null, 2);
  };
}
