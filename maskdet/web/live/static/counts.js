// Counts by state, as colored chips; the words are those of the window.

const TITLES = {
  with_mask: "mask", without_mask: "no mask", mask_weared_incorrect: "incorrect", unsure: "unsure",
};

export const title = (state) => TITLES[state] ?? state;
export const total = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

export function chips(counts) {
  const found = Object.entries(TITLES).filter(([state]) => counts[state]);
  const made = found.map(([state, text]) => chip(`${counts[state]} ${text}`, state));
  return made.length ? made : [chip("nobody", "none")];
}

export function chip(text, state) {
  const made = document.createElement("span");
  made.className = `chip ${state}`;
  made.textContent = text;
  return made;
}
