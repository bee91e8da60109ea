// Requests to the monitor: the session's token goes along with whatever changes something.

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

let token = "";

/** Asks the monitor; throws TypeError where it does not answer, Refused where it says no. */
export async function ask(path, method = "GET", body = undefined) {
  const headers = {};
  if (method !== "GET") headers["X-CSRF-Token"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(15_000),
  });
  const said = await answer.json().catch(() => ({ detail: `the monitor answered ${answer.status}` }));
  if (!answer.ok) throw new Refused(answer.status, said.detail);
  if (said.csrf !== undefined) token = said.csrf;
  return said;
}

/** Whether an error only says that nobody answers. */
export const isAway = (error) => !(error instanceof Refused);
