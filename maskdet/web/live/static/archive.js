// What was: events, alarms, clips, the report; and the settings.

import { ask } from "./api.js";
import { chip, title } from "./counts.js";

const get = (id) => document.getElementById(id);
const time = (utc) => new Date(utc * 1000).toLocaleString([], { dateStyle: "short", timeStyle: "medium" });
const KINDS = {
  appeared: () => "appeared", gone: (e) => `gone after ${e.seconds} s`,
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

let shown = "";

export async function showEvents() {
  const events = await ask("api/events?limit=50");
  if (shown === String(events[0]?.number)) return;
  shown = String(events[0]?.number);
  const rows = events.map((event) => {
    const row = document.createElement("tr");
    const state = document.createElement("td");
    state.append(chip(title(event.state), event.state));
    const kind = (KINDS[event.kind] ?? (() => event.kind))(event);
    row.append(...[time(event.utc), event.camera, event.person, kind].map((text) => made("td", text)), state);
    return row;
  });
  get("event-list").replaceChildren(...rows);
}

function alarmCard(alarm, after) {
  const card = made("li", "", alarm.acknowledged ? "card" : "card open");
  if (alarm.has_image) {
    const image = document.createElement("img");
    image.loading = "lazy";
    image.alt = `${alarm.rule}, ${alarm.camera}`;
    image.src = `api/alarms/${encodeURIComponent(alarm.id)}/image`;
    card.append(image);
  }
  card.append(made("strong", alarm.text || alarm.rule));
  const until = alarm.ended ? ` to ${time(alarm.ended)}` : ", going on";
  card.append(made("span", `${alarm.camera ? `${alarm.camera}, ` : ""}${time(alarm.began)}${until}`, "quiet"));
  if (alarm.clip) card.append(button("Play clip", `Play the clip of ${alarm.text}`, () => playClip(alarm.clip)));
  if (alarm.acknowledged) {
    card.append(made("span", `acknowledged${alarm.acknowledged_by ? ` by ${alarm.acknowledged_by}` : ""}`, "quiet"));
  } else {
    const press = button("Acknowledge", `Acknowledge: ${alarm.text || alarm.rule}`, async () => {
      await ask(`api/alarms/${encodeURIComponent(alarm.id)}/acknowledge`, "POST");
      after();
    });
    press.classList.add("operator");
    card.append(press);
  }
  return card;
}

let alarmsSaid = "";

export async function showAlarms() {
  const said = await ask("api/alarms");
  const text = JSON.stringify(said);
  if (text === alarmsSaid) return;
  alarmsSaid = text;
  const again = () => showAlarms().catch(complain);
  const cards = said.alarms.slice(0, 60).map((alarm) => alarmCard(alarm, again));
  get("alarm-list").replaceChildren(...(cards.length ? cards : [made("li", "No alarm so far.", "quiet")]));
  const chosen = get("rule").value;
  const rules = [["", "all alarms"], ...said.rules.map((rule) => [rule, rule])];
  get("rule").replaceChildren(...rules.map(([value, label]) => new Option(label, value)));
  get("rule").value = chosen;
  get("snoozed").textContent = said.snoozed
    .map((one) => `${one.rule || "All alarms"}: snoozed until ${time(one.until)}.`).join(" ");
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

function playClip(name) {
  const video = get("clip");
  video.hidden = false;
  get("clip-trouble").hidden = true;
  video.onerror = () => {
    get("clip-trouble").textContent = `This browser cannot play ${name}.`;
    get("clip-trouble").hidden = false;
  };
  video.src = `api/clips/${encodeURIComponent(name)}`;
  video.setAttribute("aria-label", name);
  video.play().catch(() => {});
  get("clips").scrollIntoView({ block: "start" });
  video.focus();
}

export async function showClips() {
  const clips = await ask("api/clips");
  const rows = clips.map((clip) => {
    const row = document.createElement("li");
    const play = button(`▶ ${clip.name}`, `Play ${clip.name}`, () => playClip(clip.name));
    play.classList.add("grow");
    const remove = button("Delete", `Delete ${clip.name}`, async () => {
      if (!confirm(`Delete ${clip.name}?`)) return;
      await ask(`api/clips/${encodeURIComponent(clip.name)}`, "DELETE").catch(complain);
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
