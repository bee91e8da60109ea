// A page's line to its server: logs in, asks every second, and tries again where nobody answers.

import { Refused, ask, isAway } from "./api.js";
import { offerLogin, showForm, showPage } from "./login.js";

const get = (id) => document.getElementById(id);
const EVERY_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;
const REFUSAL_MS = 10_000;
let refusalTimer = 0;

/** Whether an error says that nobody is logged in. */
const isStranger = (error) => error instanceof Refused && error.status === 401;

/** What is so with the connection, above the page. */
export function say(text, lost = false) {
  if (get("connection").textContent !== text) get("connection").textContent = text;
  get("connection").classList.toggle("lost", lost);
}

/** An error as a sentence; silence: the one where nobody answers. */
export function sentence(error, silence) {
  const { message } = error;
  return isAway(error) ? silence : `${message[0].toUpperCase()}${message.slice(1)}.`;
}

/** Shows for a while what was refused, where it is seen however far the page is scrolled. */
function showRefusal(text) {
  get("refusal").textContent = text;
  get("refusal").hidden = false;
  clearTimeout(refusalTimer);
  refusalTimer = setTimeout(() => { get("refusal").hidden = true; }, REFUSAL_MS);
}

/**
 * Begins.
 *
 * page.silence: sentence where nobody answers. page.invitation: sentence beside the login form.
 * page.work: asks and shows, each second while the page is seen. Those that a page may leave out:
 * page.begin, before the first; page.leave, where the form comes; page.lose, where nobody answers
 * as it should, which may return a further sentence; page.turn, when the page is seen or hidden.
 *
 * Returns what shows an error of another question.
 */
export function connect({
  silence, invitation, work, begin = () => {}, leave = () => {}, lose = () => "", turn = () => {},
}) {
  let timer = 0;
  let pause = EVERY_MS;

  function complain(error) {
    if (isStranger(error)) showLogin();
    else showRefusal(sentence(error, silence));
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
    if (isStranger(error)) showLogin();
    else again(error);  // also what a proxy answers in its place while it starts
  }

  /** Tries again, later and later. */
  function again(error) {
    say(`${sentence(error, silence)} Trying again …${lose() ?? ""}`, true);
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

  offerLogin({
    enter, leave: showLogin, complain, sentence: (error) => sentence(error, silence),
  });
  document.onvisibilitychange = () => {
    turn();
    if (!document.hidden && !get("page").hidden) enter();
  };
  enter();
  return complain;
}
