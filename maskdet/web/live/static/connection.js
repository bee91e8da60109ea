// A page's line to its server: logs in, asks every second, and tries again where nobody answers.

import { Refused, ask, isAway } from "./api.js";
import { offerLogin, showForm, showPage } from "./login.js";

const get = (id) => document.getElementById(id);
const EVERY_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;

/** What is so with the connection, above the page. */
export function say(text, lost = false) {
  if (get("connection").textContent !== text) get("connection").textContent = text;
  get("connection").classList.toggle("lost", lost);
}

/**
 * Begins.
 *
 * page.silence: sentence where nobody answers. page.invitation: sentence beside the login form.
 * page.work: asks and shows, each second while the page is seen. Those that a page may leave out:
 * page.begin, before the first; page.leave, where the form comes; page.lose, where nobody answers,
 * which may return a further sentence; page.turn, when the page is seen or hidden.
 *
 * Returns what shows an error of another question.
 */
export function connect({
  silence, invitation, work, begin = () => {}, leave = () => {}, lose = () => "", turn = () => {},
}) {
  let timer = 0;
  let pause = EVERY_MS;

  function complain(error) {
    if (error instanceof Refused && error.status === 401) showLogin();
    else say(isAway(error) ? silence : `${error.message}.`, true);
  }

  function showLogin() {
    clearTimeout(timer);
    leave();
    say(invitation);
    showForm();
  }

  async function enter() {
    try {
      showPage(await ask("api/session"));
      begin();
      go();
    } catch (error) {
      fail(error);
    }
  }

  function fail(error) {
    if (isAway(error)) again(error);
    else complain(error);
  }

  /** Tries again, later and later. */
  function again(error) {
    say(`${silence} Trying again …${lose() ?? ""}`, true);
    console.info(error.message);
    pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5);
    clearTimeout(timer);
    timer = setTimeout(enter, pause);
  }

  async function go() {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      await work();
    } catch (error) {
      fail(error);
      return;
    }
    pause = EVERY_MS;
    timer = setTimeout(go, EVERY_MS);
  }

  offerLogin(enter, showLogin, complain, silence);
  document.onvisibilitychange = () => {
    turn();
    if (!document.hidden && !get("page").hidden) enter();
  };
  enter();
  return complain;
}
