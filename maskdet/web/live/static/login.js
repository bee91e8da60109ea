// The login form: of the live page, and of a cluster's page.

import { ask } from "./api.js";

const get = (id) => document.getElementById(id);

/** The form instead of the page. */
export function showForm() {
  get("page").hidden = true;
  get("who").hidden = true;
  get("login").hidden = false;
  if (!get("login").contains(document.activeElement)) get("name").focus();
}

/** The page instead of the form. */
export function showPage(session) {
  document.body.classList.toggle("viewer", session.role !== "operator");
  get("who").hidden = !session.has_login;
  get("user").textContent = `${session.user}, ${session.role}`;
  get("login").hidden = true;
  get("page").hidden = false;
}

/** Has the form log in, and the button log out. */
export function offerLogin({ enter, leave, complain, sentence }) {
  get("login").onsubmit = async (event) => {
    event.preventDefault();
    const wanted = { name: get("name").value, password: get("password").value };
    get("refused").hidden = true;
    try {
      await ask("api/login", "POST", wanted);
      get("password").value = "";
      await enter();
      get("cameras").focus();
    } catch (error) {
      get("refused").textContent = sentence(error);
      get("refused").hidden = false;
    }
  };
  get("logout").onclick = () => ask("api/logout", "POST").then(leave, complain);
}
