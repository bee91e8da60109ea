// The live page: asks every second what is so, and shows it.

import { ask } from "./api.js";
import {
  offerReport, offerSettings, offerSnooze, showAlarms, showClips, showEvents, today,
} from "./archive.js";
import { coverCameras, leave, play, reportTo, showCameras } from "./cameras.js";
import { connect, say } from "./connection.js";
import { chips, total } from "./counts.js";

const get = (id) => document.getElementById(id);
const SILENCE = "The monitor does not answer.";
const CLIPS_EVERY = 10;  // turns
let turn = 0;
let alarmsVersion = "";

async function work() {
  const state = await ask("api/state");
  show(state);
  await showEvents();
  const version = `${today()} ${state.alarms_version}`;
  if (state.has_alarms && (turn === 0 || alarmsVersion !== version)) {
    if (await showAlarms()) alarmsVersion = version;
  }
  if (!get("clips").hidden && turn % CLIPS_EVERY === 0) await showClips();
  turn += 1;
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

offerReport();
offerSettings();
const complain = connect({
  silence: SILENCE,
  invitation: "Log in to see the cameras.",
  work,
  begin: () => {
    turn = 0;
    play(!document.hidden);
  },
  leave,
  lose: () => coverCameras(SILENCE),
  turn: () => play(!document.hidden && !get("page").hidden),
});
offerSnooze(complain);
reportTo(complain);
