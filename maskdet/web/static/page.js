// The page: takes files however they come, asks the API for each, and sums up.

import { offerCamera } from "./camera.js";
import { Card, chips } from "./card.js";
import { offerOptions, options } from "./options.js";
import { zip } from "./zip.js";

const AT_ONCE = 4;  // requests under way; the server batches what comes together
const SUFFIXES = { "image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp" };
const get = (id) => document.getElementById(id);
const cards = [];
const waiting = [];
let limits = { max_bytes: Infinity };
let busy = 0;

/** What the API says of a file, under whose name it is going to stand. */
function sentence(detail, name) {
  const text = detail.startsWith(`${name}: `) ? detail.slice(name.length + 2) : detail;
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

async function reasonOfLoss(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return "The server does not answer; is it still running?";
  } catch {
    return "This is a folder, or a file that was moved or changed; choose the picture again.";
  }
}

async function ask(card) {
  const { file } = card;
  card.say("Processing …", "busy");
  card.turn = (card.turn ?? 0) + 1;
  const { turn } = card;
  const isOld = () => turn !== card.turn || !card.root.isConnected;  // asked again, or cleared
  try {
    if (file.size > limits.max_bytes) {
      throw new Error(`More than ${limits.max_bytes / 1e6} MB; make it smaller.`);
    }
    const form = new FormData();
    form.append("pictures", file, card.name);
    for (const [name, value] of options()) form.append(name, value);
    const answer = await fetch("api/detect?annotated=same", { method: "POST", body: form });
    const said = await answer.json().catch(() => ({ detail: `the server answered ${answer.status}` }));
    if (isOld()) return;
    if (!answer.ok) throw new Error(sentence(said.detail, card.name));
    const [image] = said.images;
    card.show(image, SUFFIXES[image.annotated.slice(5).split(";")[0]]);
  } catch (error) {
    if (isOld()) return;
    const isLost = error instanceof TypeError;  // nobody answers, or the file cannot be read
    const reason = isLost ? await reasonOfLoss(file) : error.message;
    if (isOld()) return;
    card.forget();
    card.say(reason, "failed");
  }
}

async function work() {
  busy += 1;
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    await ask(next);
    sumUp();
  }
  busy -= 1;
}

function start() {
  sumUp();
  while (busy < AT_ONCE && waiting.length) work();
}

/** Shows files below those that are there, in the order chosen. */
function add(files) {
  const isFirst = !cards.length;
  const added = files.map((file) => new Card(file));
  cards.push(...added);
  waiting.push(...added);
  get("results").append(...added.map((card) => card.root));
  if (!isFirst) added[0]?.root.scrollIntoView({ block: "start" });
  start();
}

/** Asks for every picture again, as the options are now. */
function again() {
  waiting.splice(0, waiting.length, ...cards);
  start();
}

async function addSample() {
  const answer = await fetch("static/sample.jpg");
  add([new File([await answer.blob()], "sample.jpg", { type: "image/jpeg" })]);
}

const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function sumUp() {
  const done = cards.filter((card) => card.result);
  const counts = {};
  for (const { result } of done) {
    for (const [state, count] of Object.entries(result.counts)) {
      counts[state] = (counts[state] ?? 0) + count;
    }
  }
  get("all").hidden = !cards.length;
  get("zip").disabled = get("json").disabled = !done.length;
  get("totals").replaceChildren(...(done.length ? chips(counts) : []));
  const failed = cards.filter((card) => card.root.className === "failed").length;
  const faces = Object.values(counts).reduce((sum, count) => sum + count, 0);
  get("status").textContent = cards.length
    ? [
      `${done.length} of ${counted(cards.length, "picture")} processed`,
      ...(failed ? [`${failed} failed`] : []),
      counted(faces, "face"),
    ].join(", ") : "";
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function boxes() {
  const images = cards.filter((card) => card.result).map((card) => card.result);
  return new Blob([JSON.stringify({ images }, null, 1)], { type: "application/json" });
}

/** The annotated pictures and boxes.json; those of one name, in any letters, are numbered. */
function files() {
  const taken = new Set(["boxes.json"]);
  const pictures = cards.filter((card) => card.result).map(({ savedAs, blob }) => {
    const [, stem, suffix] = savedAs.match(/^(.*)(\.\w+)$/s);
    let name = savedAs;
    for (let number = 2; taken.has(name.toLowerCase()); number += 1) {
      name = `${stem}-${number}${suffix}`;
    }
    taken.add(name.toLowerCase());
    return { name, blob };
  });
  return [...pictures, { name: "boxes.json", blob: boxes() }];
}

function clear() {
  waiting.length = 0;
  for (const card of cards.splice(0)) card.remove();
  sumUp();
  get("choose").focus();
}

function takeFrom(input) {
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
}

function take({ files }, refusal) {
  if (files.length) add([...files]);
  else get("status").textContent = refusal;
}

function takeDrops() {
  const zone = get("drop");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take(event.dataTransfer, "No picture was dropped; save it as a file, then drop that.");
  });
}

async function tellAbout() {
  limits = await (await fetch("api/about")).json();
  const megapixels = limits.max_pixels / 1e6;
  get("about").textContent = `${limits.model} on ${limits.device} · `
    + `up to ${limits.max_bytes / 1e6} MB and ${megapixels} megapixels a picture`;
  offerOptions(limits.min_scores, again);
}

get("choose").required = false;  // it serves the form that is sent without scripts alone
get("drop").addEventListener("submit", (event) => event.preventDefault());
takeFrom(get("choose"));
takeFrom(get("shot"));
takeDrops();
offerCamera((file) => add([file]));
document.addEventListener("paste", (event) => {
  take(event.clipboardData, "No picture was pasted; copy a picture, not its address.");
});
get("zip").addEventListener("click", async () => save(await zip(files()), "annotated.zip"));
get("json").addEventListener("click", () => save(boxes(), "boxes.json"));
get("sample").addEventListener("click", addSample);
get("clear").addEventListener("click", clear);
tellAbout();
