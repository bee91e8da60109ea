// A cluster's page: asks every second what the placement knows, and shows it.

import { ask } from "../live/api.js";
import { connect, say } from "../live/connection.js";
import { chips, total } from "../live/counts.js";

const get = (id) => document.getElementById(id);
const OLD_S = 5;  // from that age on, values are reported as old
const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])$/;
let newest = null;
const machines = new Map();
const rows = new Map();

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show(state) {
  const age = state.as_of === null ? null : Math.max(0, state.utc - state.as_of);
  const isOld = age !== null && age > OLD_S;
  newest = state.as_of === null ? null : state;
  if (age === null) say("Waiting for the first report of the cluster …");
  else if (isOld) say(`Values are from ${clock(state.as_of)}, ${duration(age)} ago.`, true);
  else say(`Live, as of ${clock(state.as_of)}`);
  get("page").classList.toggle("old", isOld);
  get("problem").hidden = !state.problem;
  write(get("problem"), state.problem);
  const up = state.nodes.filter((one) => one.state === "up" || one.state === "drained").length;
  const running = state.cameras.filter((one) => one.state === "running").length;
  tell("machines", "machines-up", up, state.nodes.length);
  tell("cameras", "cameras-running", running, state.cameras.length);
  const people = {};
  for (const camera of state.cameras) {
    for (const [name, count] of Object.entries(camera.people ?? {})) {
      people[name] = (people[name] ?? 0) + count;
    }
  }
  write(get("now"), age === null ? "–" : String(total(people)));
  get("now-states").replaceChildren(...(age === null ? [] : chips(people)));
  const pages = new Map(state.nodes.map((one, at) => [one.name, reachable(one.page, at === 0)]));
  showAll(state.nodes, machines, get("machines"), "machine", (root, one) => {
    showMachine(root, one, pages.get(one.name));
  });
  showAll(state.cameras, rows, get("camera-list"), "row", (root, one) => {
    showCamera(root, one, pages.get(one.node), age ?? 0);
  });
  get("cameras").classList.toggle("without", state.cameras.length === 0);
  get("no-cameras").hidden = state.cameras.length > 0;
  for (const one of ["machines-panel", "cameras"]) get(one).hidden = age === null;
  filter();
}

function tell(tile, place, good, all) {
  write(get(place), all ? `${good} of ${all}` : "–");
  get(`${tile}-tile`).classList.toggle("raised", good < all);
}

/** One element for each, in their order; those that stay keep focus and place. */
function showAll(items, known, place, template, showOne) {
  const names = new Set(items.map((one) => one.name));
  for (const [name, root] of known) {
    if (names.has(name)) continue;
    root.remove();
    known.delete(name);
  }
  items.forEach((one, at) => {
    let root = known.get(one.name);
    if (!root) {
      root = get(template).content.firstElementChild.cloneNode(true);
      known.set(one.name, root);
    }
    if (place.children[at] !== root) place.insertBefore(root, place.children[at] ?? null);
    showOne(root, one);
  });
}

/** The page's address where this browser reaches it; loopback is the first machine's alone. */
function reachable(page, isFirst) {
  if (!page) return null;
  const isLocal = LOOPBACK.test(new URL(page).hostname);
  return isLocal && !(isFirst && LOOPBACK.test(location.hostname)) ? null : page;
}

function showMachine(root, one, page) {
  const isLost = one.state === "down" || Boolean(one.problem);
  root.classList.toggle("lost", isLost);
  write(root.querySelector("h3"), one.name);
  write(root.querySelector(".state"), one.state);
  const parts = [`${one.cameras} ${one.cameras === 1 ? "camera" : "cameras"}`];
  if (one.load_cores !== null && one.cores) {
    parts.push(`monitor ${one.load_cores.toFixed(2)} of ${one.cores} cores`);
  }
  if (one.machine_share !== null) parts.push(`machine ${Math.round(100 * one.machine_share)} %`);
  write(root.querySelector(".load"), parts.join(", "));
  const more = [];
  if (one.report_age_s === null && !one.problem) more.push("has not reported");
  else if (one.report_age_s > OLD_S) more.push(`last report ${duration(one.report_age_s)} ago`);
  if (one.monitor_starts > 1) more.push(`monitor started ${one.monitor_starts} times`);
  if (one.version) more.push(`maskdet ${one.version}`);
  write(root.querySelector(".more"), more.join(", "));
  root.querySelector(".trouble").hidden = !one.problem;
  write(root.querySelector(".trouble"), one.problem ?? "");
  const link = root.querySelector("a");
  link.hidden = !page;
  if (page) link.href = page;
  link.setAttribute("aria-label", `Live page of ${one.name}`);
  const without = one.page ? "Its live page is open on that machine alone." : "No live page.";
  write(root.querySelector(".live .quiet"), page ? "" : without);
}

function showCamera(root, one, page, age) {
  root.classList.toggle("lost", !["running", "paused", "moving"].includes(one.state));
  root.dataset.state = one.state;
  root.dataset.text = `${one.name} ${one.node ?? ""} ${one.state}`.toLowerCase();
  const [machine, state, last, capture, detect, people] = root.querySelectorAll("td");
  write(root.querySelector("th"), one.name);
  const link = machine.firstElementChild;
  write(link, one.node ?? "–");
  if (page) link.href = page;
  else link.removeAttribute("href");
  write(state, one.problem ? `${one.state}: ${one.problem}` : one.state);
  write(last, one.age_s === null ? "–" : `${duration(one.age_s + age)} ago`);
  write(capture, rate(one.capture_fps));
  write(detect, rate(one.detect_fps));
  const counts = one.people;
  people.firstElementChild.replaceChildren(...(counts ? chips(counts) : ["–"]));
}

function filter() {
  const wanted = get("filter").value.trim().toLowerCase();
  const onlyLost = get("only-lost").checked;
  let shown = 0;
  for (const row of rows.values()) {
    const isWanted = !onlyLost || row.dataset.state !== "running";
    row.hidden = !isWanted || !row.dataset.text.includes(wanted);
    if (!row.hidden) shown += 1;
  }
  write(get("shown"), wanted || onlyLost ? `${shown} of ${rows.size}` : "");
}

const rate = (fps) => (fps === null ? "–" : fps.toFixed(1));
const clock = (utc) => new Date(utc * 1000).toLocaleTimeString();

function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

get("filter").oninput = filter;
get("only-lost").onchange = filter;
connect({
  silence: "The page's server does not answer.",
  invitation: "Log in to see the machines.",
  work: async () => show(await ask("api/cluster")),
  lose: () => {
    get("page").classList.add("old");
    return newest ? ` Values are from ${clock(newest.as_of)}.` : "";
  },
});
