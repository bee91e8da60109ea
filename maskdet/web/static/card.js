// One picture on the page: its card from "Waiting" to counts, picture and table.

import { link } from "./faces.js";

export const STATES = {
  with_mask: ["✓", "mask"],
  without_mask: ["✕", "no mask"],
  mask_weared_incorrect: ["!", "incorrect"],
  unsure: ["○", "unsure"],
};

function element(name, text, kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = kind;
  return made;
}

/** Chips such as "✓ 2 mask", one for each state that occurs. */
export function chips(counts) {
  const seen = Object.entries(counts).filter(([, count]) => count);
  if (!seen.length) return [element("span", "no face", "chip none")];
  return seen.map(([state, count]) => {
    const [mark, title] = STATES[state];
    return element("span", `${mark} ${count} ${title}`, `chip ${state}`);
  });
}

function row(face, index) {
  const [x1, y1, x2, y2] = face.box.map(Math.round);
  const [mark, title] = STATES[face.state];
  const number = element("button", index + 1, "number");
  number.type = "button";
  number.ariaLabel = `Face ${index + 1}: ${title}`;
  const cells = [
    [number],
    [element("span", `${mark} ${title}`, `chip ${face.state}`)],
    [face.score.toFixed(2)],
    [element("span", `${x1}, ${y1}`), " ", element("span", `${x2 - x1} × ${y2 - y1}`)],
  ];
  const made = document.createElement("tr");
  for (const cell of cells) made.insertCell().append(...cell);
  return made;
}

function bytesOf(address) {
  const [head, content] = address.split(",", 2);
  const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  return new Blob([bytes], { type: head.slice("data:".length).split(";")[0] });
}

export class Card {
  constructor(file) {
    this.file = file;
    this.name = file.name || "picture";
    this.result = this.blob = this.url = null;
    this.root = document.getElementById("card").content.firstElementChild.cloneNode(true);
    this.find = (selector) => this.root.querySelector(selector);
    this.find("h2").textContent = this.name;
  }

  say(text, kind) {
    this.root.className = kind;
    const line = this.find(".state");
    line.textContent = text;
    line.hidden = !text;
  }

  /** Shows one entry of the answer's images. */
  show({ annotated, ...result }, suffix) {
    if (this.url) URL.revokeObjectURL(this.url);
    this.result = result;
    this.blob = bytesOf(annotated);
    this.url = URL.createObjectURL(this.blob);
    const damage = result.damage &&
      `The file is damaged (${result.damage}): part of the picture may be wrong or missing.`;
    const several = result.frames &&
      `Of the file's ${result.frames} pictures the first was looked at.`;
    this.say(damage || several || "", result.damage ? "failed" : "");
    this.find(".counts").replaceChildren(...chips(result.counts));
    const picture = this.find("figure img");
    picture.src = this.url;
    [picture.width, picture.height] = [result.width, result.height];
    picture.alt = `${this.name} with its faces marked`;
    this.find(".whole").href = this.url;
    const rows = result.detections.map(row);
    this.find("tbody").replaceChildren(...rows);
    link(this.find(".whole"), rows, result);
    const download = this.find(".download");
    download.href = this.url;
    download.download = this.savedAs = `${this.name.replace(/\.[^.]*$/, "")}-annotated${suffix}`;
    this.find("figure").hidden = this.find(".end").hidden = false;
    this.find(".facts").hidden = !rows.length;
  }

  /** Takes back what was shown, where a second request for it has failed. */
  forget() {
    this.result = null;
    this.find("figure").hidden = this.find(".end").hidden = this.find(".facts").hidden = true;
    this.find(".counts").replaceChildren();
  }

  remove() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.root.remove();
  }
}
