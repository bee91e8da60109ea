// The cameras: a picture each, what is seen in it, and what is wrong with it.

import { ask } from "./api.js";
import { chips, total } from "./counts.js";
import { Player } from "./player.js";

const views = new Map();
let playing = !document.hidden;
let complain = () => {};

/** What is refused, or not answered, is shown by that. */
export function reportTo(shows) {
  complain = shows;
}

class View {
  constructor(camera) {
    const root = document.getElementById("camera").content.firstElementChild.cloneNode(true);
    this.root = root;
    this.screen = root.querySelector(".screen");
    this.cover = root.querySelector(".cover");
    root.querySelector("h2").textContent = camera.name;
    root.querySelector(".snapshot").href = `api/cameras/${camera.id}/snapshot`;
    root.querySelector(".snapshot").setAttribute("aria-label", `Snapshot of ${camera.name}`);
    const full = root.querySelector(".full");
    full.setAttribute("aria-label", `Full screen: ${camera.name}`);
    full.onclick = () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else this.screen.requestFullscreen?.();
    };
    this.player = new Player(this.screen, camera.id);
    this.inView = this.paused = false;
    this.address = `api/cameras/${camera.id}`;
    this.name = camera.name;
    this.pauseButton = root.querySelector(".pause");
    this.restartButton = root.querySelector(".restart");
    this.pauseButton.onclick = () => this.change(this.paused ? "resume" : "pause");
    this.restartButton.onclick = () => this.change("restart");
    new IntersectionObserver(([entry]) => {
      this.inView = entry.isIntersecting;
      this.play();
    }, { rootMargin: "200px" }).observe(this.screen);
  }

  /** A picture that nobody can see is not fetched. */
  play() {
    if (this.paused) this.player.forget();
    else if (playing && this.inView) this.player.start();
    else this.player.stop();
  }

  /** Asks for a change; the state of the next second shows what has come of it. */
  async change(action) {
    if (this.changing) return;
    this.changing = true;
    this.offer();
    try {
      await ask(`${this.address}/${action}`, "POST");
    } catch (error) {
      complain(error);
    }
    this.changing = false;
    this.offer();
  }

  /** Labels of the buttons; one that is disabled would lose the keyboard's place. */
  offer() {
    const action = this.paused ? "Resume" : "Pause";
    if (this.pauseButton.textContent !== action) this.pauseButton.textContent = action;
    this.pauseButton.setAttribute("aria-label", `${action} ${this.name}`);
    this.restartButton.setAttribute("aria-label", `Restart ${this.name}`);
    for (const one of [this.pauseButton, this.restartButton]) {
      one.setAttribute("aria-disabled", String(Boolean(this.changing)));
    }
  }

  show(camera) {
    const message = {
      ok: "",
      waiting: "Waiting for the first picture …",
      "no signal": `NO SIGNAL${camera.reason ? `: ${camera.reason}` : ""}${
        camera.silent_s ? `, for ${duration(camera.silent_s)}` : ""}`,
      paused: "Paused.",
      ended: "This video has ended.",
    }[camera.signal];
    if (this.paused !== (camera.signal === "paused")) {
      this.paused = !this.paused;
      this.play();
    }
    this.root.querySelector(".changes").hidden = !camera.can_pause;
    this.offer();
    this.cover.hidden = !message;
    this.cover.textContent = message;
    this.root.classList.toggle("lost", camera.signal === "no signal");
    this.root.classList.toggle("paused", this.paused);
    const isLive = camera.signal === "ok";
    const counts = camera.people ?? camera.faces;
    this.root.querySelector(".counts").replaceChildren(...(isLive ? chips(counts) : []));
    const rates = this.paused ? [] : [`${camera.detect_fps.toFixed(1)} frames a second processed`];
    if (camera.width) {
      rates.unshift(`${camera.width} × ${camera.height}`);
      this.screen.style.aspectRatio = `${camera.width} / ${camera.height}`;
    }
    if (camera.people_today) rates.push(`${seen(camera, total(camera.people_today))} today`);
    if (camera.recording) rates.push("recording");
    if (camera.recorded_stream === "no signal") rates.push("NOT RECORDED: its stream is away");
    else if (camera.recording_failed) rates.push("NOT RECORDED: the monitor's log has the reason");
    this.root.querySelector(".rates").textContent = rates.join(", ");
    const { element } = this.player;
    if (element) {
      const label = `${camera.name}: ${message || `live picture, ${seen(camera, total(counts))}`}`;
      element.setAttribute(element.tagName === "IMG" ? "alt" : "aria-label", label);
    }
  }
}

function seen(camera, count) {
  const words = camera.people ? ["person", "people"] : ["face", "faces"];
  return `${count} ${words[count === 1 ? 0 : 1]}`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

export function showCameras(cameras) {
  const place = document.getElementById("cameras");
  const names = cameras.map((camera) => `${camera.id} ${camera.name}`);
  for (const [name, view] of views) {
    if (names.includes(name)) continue;
    view.player.stop();
    view.root.remove();
    views.delete(name);
  }
  cameras.forEach((camera, index) => {
    let view = views.get(names[index]);
    if (!view) {
      view = new View(camera);
      views.set(names[index], view);
      place.append(view.root);
    }
    view.show(camera);
  });
}

/** The monitor does not answer: what is shown is old. */
export function coverCameras(message) {
  for (const view of views.values()) {
    view.cover.hidden = false;
    view.cover.textContent = message;
  }
}

/** A page that nobody looks at fetches nothing. */
export function play(wanted) {
  playing = wanted;
  for (const view of views.values()) view.play();
}

/** A stranger sees nothing, also nothing old. */
export function leave() {
  playing = false;
  for (const view of views.values()) view.player.forget();
}
