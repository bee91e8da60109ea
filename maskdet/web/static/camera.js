// The browser's camera, where it has one and the page is asked for safely (localhost or https).

const dialog = document.getElementById("viewfinder");
const video = dialog.querySelector("video");
const take = document.getElementById("take");
const trouble = document.getElementById("trouble");
let stream = null;

const WHY = {
  NotAllowedError: "The browser was not allowed to use the camera; allow it beside the address.",
  NotFoundError: "There is no camera.",
  NotReadableError: "The camera is used by another program.",
};

async function open() {
  trouble.textContent = "";
  take.disabled = true;
  dialog.showModal();
  try {
    const wanted = { width: { ideal: 1920 }, facingMode: "environment" };
    const got = await navigator.mediaDevices.getUserMedia({ video: wanted });
    if (!dialog.open) {
      got.getTracks().forEach((track) => track.stop());
      return;
    }
    stream = got;
    video.srcObject = stream;
    await video.play();
    take.disabled = false;
    take.focus();
  } catch (error) {
    if (dialog.open) trouble.textContent = WHY[error.name] ?? `The camera failed: ${error.message}`;
  }
}

function close() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = video.srcObject = null;
}

function frame() {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.95); });
}

/** Why the camera cannot be used; empty if it can. */
async function hindrance() {
  if (!isSecureContext) {
    return `Camera: browsers allow it only on https pages and on localhost, not on ${location.origin}.`;
  }
  if (!navigator.mediaDevices?.getUserMedia) return "Camera: this browser offers none to pages.";
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.some(({ kind }) => kind === "videoinput") ? "" : "Camera: none was found.";
}

async function showHindrance() {
  const reason = await hindrance();
  document.getElementById("camera").disabled = Boolean(reason);
  const line = document.getElementById("hindrance");
  line.textContent = reason;
  line.hidden = !reason;
  const isTouched = matchMedia("(pointer: coarse)").matches;
  document.getElementById("shoot").hidden = !(reason && isTouched);  // the phone's own camera app
}

/** Offers the camera; each picture taken is given to `onFile`. */
export function offerCamera(onFile) {
  showHindrance();
  navigator.mediaDevices?.addEventListener("devicechange", showHindrance);
  document.getElementById("camera").hidden = false;
  document.getElementById("camera").addEventListener("click", open);
  document.getElementById("cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", close);
  let number = 0;
  take.addEventListener("click", async () => {
    const blob = await frame();
    number += 1;
    onFile(new File([blob], `camera-${number}.jpg`, { type: blob.type }));
    dialog.close();
  });
}
