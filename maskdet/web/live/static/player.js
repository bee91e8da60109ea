// One camera's picture: video over a WebSocket (Media Source Extensions), or MJPEG where that
// cannot be played. It follows the newest picture and comes back after every interruption.

const Source = window.ManagedMediaSource ?? window.MediaSource;
const BEHIND_S = 0.1;  // how far behind the newest picture it plays
const LATE_S = 0.35;   // from here on it plays faster
const LOST_S = 1.2;    // from here on it jumps
const KEPT_S = 15;
const MAX_STREAMS = 4;  // browsers have six connections for a host, and the page needs some
const STILL_MS = 5000;
const LAST_MS = 5000;  // how long the last picture stands in for new ones that do not come
const LAST_WIDTH = 960;
const streams = new Set();  // players that hold one of them
const wantsMjpeg = new URLSearchParams(location.search).has("mjpeg");

export class Player {
  /**
   * @param {HTMLElement} screen where the picture goes
   * @param {number} camera its number
   */
  constructor(screen, camera) {
    this.screen = screen;
    this.camera = camera;
    this.running = false;
    this.pause = 500;
    this.isMjpeg = wantsMjpeg || !Source;
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.expireLast();
    this.connect();
  }

  stop() {
    this.running = false;
    clearTimeout(this.timer);
    this.clear();
    clearTimeout(this.expiry);  // out of view it may stay
  }

  /** Ends for somebody who may not see the picture, or a camera that shows none. */
  forget() {
    this.stop();
    this.dropLast();
  }

  get element() {
    return this.screen.querySelector("video, img");
  }

  connect() {
    this.clear();
    if (this.isMjpeg) this.showMjpeg();
    else this.showVideo();
  }

  again() {
    if (!this.running) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), this.pause);
    this.pause = Math.min(5000, this.pause * 1.7);
  }

  clear() {
    const { socket } = this;
    this.socket = null;
    socket?.close();
    clearInterval(this.chase);
    streams.delete(this);
    const { element } = this;
    if (!element) return;
    this.keepLast(element);
    element.onerror = null;
    const { src } = element;
    element.removeAttribute("src");  // ends the request of an MJPEG picture
    if (src.startsWith("blob:")) {
      element.load();
      URL.revokeObjectURL(src);
    }
    element.remove();
  }

  put(element) {
    element.dataset.camera = this.camera;
    if (this.last) this.last.after(element);
    else this.screen.prepend(element);
  }

  /** The picture of an element that goes, dimmed below the next one: a black screen says less. */
  keepLast(element) {
    const width = element.videoWidth ?? element.naturalWidth;
    const hasPicture = width && (element.readyState ?? 2) >= 2;
    if (!hasPicture) return;
    const height = element.videoHeight ?? element.naturalHeight;
    const last = document.createElement("canvas");
    last.width = Math.min(width, LAST_WIDTH);
    last.height = Math.round(height * last.width / width);
    last.setAttribute("aria-hidden", "true");
    last.getContext("2d").drawImage(element, 0, 0, last.width, last.height);
    this.dropLast();
    this.last = last;
    this.screen.prepend(last);
    if (this.running) this.expireLast();
  }

  dropLast() {
    clearTimeout(this.expiry);
    this.last?.remove();
    this.last = null;
  }

  /** An old picture must not be taken for the live one. */
  expireLast() {
    clearTimeout(this.expiry);
    this.expiry = setTimeout(() => this.dropLast(), LAST_MS);
  }

  showMjpeg() {
    const image = document.createElement("img");
    image.alt = "";
    const isStill = streams.size >= MAX_STREAMS;
    if (!isStill) streams.add(this);
    image.onload = () => {
      this.dropLast();
      this.pause = isStill ? STILL_MS : 500;
      if (isStill) this.again();
    };
    image.onerror = () => this.again();
    const frames = isStill ? "&frames=1" : "";
    image.src = `api/cameras/${this.camera}/mjpeg?t=${Date.now()}${frames}`;
    this.put(image);
  }

  showVideo() {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, autoplay: true, playsInline: true, disableRemotePlayback: true });
    const source = new Source();
    const url = new URL(`api/cameras/${this.camera}/video`, document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    const queue = [];
    let buffer = null;
    let type = "";
    const opened = new Promise((done) => { source.onsourceopen = done; });
    video.src = URL.createObjectURL(source);
    video.onerror = () => this.again();
    video.onplaying = () => this.dropLast();
    this.put(video);
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;

    const next = () => {
      if (!buffer || buffer.updating || source.readyState !== "open") return;
      try {
        this.follow(video, buffer);
        if (buffer.updating || !queue.length) return;
        const item = queue.shift();
        if (typeof item === "string") { buffer.changeType(item); next(); }
        else buffer.appendBuffer(item);
      } catch { this.again(); }
    };
    socket.onmessage = async ({ data }) => {
      if (typeof data !== "string") {
        queue.push(data);
        next();
        return;
      }
      const said = JSON.parse(data);
      const wanted = `video/mp4; codecs="${said.codec}"`;
      if (!Source.isTypeSupported(wanted)) {
        this.isMjpeg = true;
        this.connect();
        return;
      }
      this.pause = 500;
      if (type && type !== wanted) queue.push(wanted);
      const isFirst = !type;
      type = wanted;
      if (!isFirst) return;
      await opened;
      if (socket !== this.socket) return;
      buffer = source.addSourceBuffer(wanted);
      buffer.onupdateend = next;
      next();
    };
    socket.onclose = () => { if (socket === this.socket) this.again(); };
    this.chase = setInterval(next, 250);
  }

  /** Keeps the video at its newest picture, and forgets old ones. */
  follow(video, buffer) {
    const { buffered } = buffer;
    if (!buffered.length) return;
    const start = buffered.start(buffered.length - 1);
    const end = buffered.end(buffered.length - 1);
    const late = end - video.currentTime;
    if (video.currentTime < start || late > LOST_S || late < -0.5) {
      video.currentTime = Math.max(start, end - BEHIND_S);
    }
    video.playbackRate = late > LATE_S ? 1.15 : 1;
    if (video.paused) video.play().catch(() => {});
    if (video.currentTime - buffered.start(0) > 2 * KEPT_S) {
      buffer.remove(0, video.currentTime - KEPT_S);
    }
  }
}
