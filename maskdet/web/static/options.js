// Threshold and blur: what each request says beside its picture.

const get = (id) => document.getElementById(id);
const slider = get("min_score");
const blur = get("blur");
const shown = get("score");
const reset = get("reset");
let isOwn = true;  // the model's own threshold, which differs by state
let own = "";

/** The options that differ from the server's, as form fields. */
export function options() {
  const fields = [];
  if (!isOwn) fields.push(["min_score", slider.value]);
  if (blur.checked) fields.push(["blur", "true"]);
  return fields;
}

function show() {
  shown.textContent = isOwn ? own : Number(slider.value).toFixed(2);
  slider.setAttribute("aria-valuetext", shown.textContent);
  reset.disabled = isOwn;
}

/** Offers the options; calls `onChange` once one has changed. */
export function offerOptions(minScores, onChange) {
  const scores = Object.values(minScores);
  const [low, high] = [Math.min(...scores), Math.max(...scores)].map((score) => score.toFixed(2));
  own = `the model's own (${low === high ? low : `${low}–${high}`})`;
  slider.value = low;
  slider.addEventListener("input", () => {
    isOwn = false;
    show();
  });
  slider.addEventListener("change", onChange);
  blur.addEventListener("change", onChange);
  reset.addEventListener("click", () => {
    isOwn = true;
    slider.value = low;
    show();
    onChange();
    slider.focus();
  });
  get("options").hidden = false;
  show();
}
