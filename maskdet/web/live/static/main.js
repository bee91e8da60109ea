// The live page: logs in, asks every second what is so, and shows it.

import { Refused, ask, isAway } from "./api.js";
import {
  offerReport, offerSettings, offerSnooze, showAlarms, showClips, showEvents,
} from "./archive.js";
import { coverCameras, play, reportTo, showCameras } from "./cameras.js";
import { chips, total } from "./counts.js";
import { offerLogin, showForm, showPage } from "./login.js";

const get = (id) => document.getElementById(id);
const EVERY_MS = 1000;
const CLIPS_EVERY = 10;  // turns
let timer = 0;
let turn = 0;
let pause = EVERY_MS;
let alarmsVersion = -1;

function say(text, lost = false) {
  if (get("connection").textContent !== text) get("connection").textContent = text;
  get("connection").classList.toggle("lost", lost);
}

function complain(error) {
  if (error instanceof Refused && error.status === 401) showLogin();
  else say(isAway(error) ? "The monitor does not answer." : `${error.message}.`, true);
}

function showLogin() {
  clearTimeout(timer);
  play(false);
  say("Log in to see the cameras.");
  showForm();
}

async function enter() {
  try {
    showPage(await ask("api/session"));
    turn = 0;
    play(!document.hidden);
    work();
  } catch (error) {
    if (isAway(error)) again(error);
    else complain(error);
  }
}

/** Tries again, later and later, until the monitor is back. */
function again(error) {
  say(`The monitor does not answer. Trying again …`, true);
  coverCameras("The monitor does not answer.");
  console.info(error.message);
  pause = Math.min(10_000, pause * 1.5);
  clearTimeout(timer);
  timer = setTimeout(enter, pause);
}

async function work() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const state = await ask("api/state");
    show(state);
    await showEvents();
    if (state.has_alarms && (turn === 0 || alarmsVersion !== state.alarms_version)) {
      if (await showAlarms()) alarmsVersion = state.alarms_version;
    }
    if (!get("clips").hidden && turn % CLIPS_EVERY === 0) await showClips();
  } catch (error) {
    if (isAway(error)) again(error);
    else complain(error);
    return;
  }
  turn += 1;
  pause = EVERY_MS;
  timer = setTimeout(work, EVERY_MS);
}

function show(state) {
  const lost = state.cameras.filter((camera) => camera.signal === "no signal").length;
  const clock = new Date(state.utc * 1000).toLocaleTimeString();
  const paused = state.cameras.filter((camera) => camera.signal === "paused").length;
  const all = `${state.cameras.length} ${state.cameras.length === 1 ? "camera" : "cameras"}`;
  const news = lost ? `${lost} of ${state.cameras.length} cameras without signal` : `Live, ${all}`;
  say(paused ? `${news}, ${paused} paused` : news, lost > 0);
  get("connection").title = `The monitor's clock: ${clock}`;
  const notices = state.notices.join("; ");
  get("notices").hidden = !notices;
  if (get("notices").textContent !== notices) get("notices").textContent = notices;
  get("now").textContent = total(state.people);
  get("now-states").replaceChildren(...chips(state.people));
  get("today").textContent = total(state.people_today);
  get("today-states").replaceChildren(...chips(state.people_today));
  get("new").textContent = state.alarms_new;
  get("open").textContent = `${state.alarms_open} going on`;
  get("alarm-tile").hidden = get("alarms").hidden = !state.has_alarms;
  get("alarm-tile").classList.toggle("raised", state.alarms_new > 0);
  get("clips").hidden = !state.has_clips;
  get("report").hidden = !state.can_report;
  document.title = state.alarms_new ? `(${state.alarms_new}) maskdet live` : "maskdet live";
  showCameras(state.cameras);
}

offerLogin(enter, showLogin, complain, "The monitor does not answer.");
document.onvisibilitychange = () => {
  play(!document.hidden && !get("page").hidden);
  if (!document.hidden && !get("page").hidden) enter();
};
offerReport();
offerSettings();
offerSnooze(complain);
reportTo(complain);
enter();
