// Links the rows of a picture's table and the boxes on the picture: the face that is pointed at,
// focused or clicked is lit in both.

/** An area over a face on the picture, with the face's number; its place is in percent. */
function area([x1, y1, x2, y2], number, { width, height }) {
  const made = document.createElement("span");
  made.className = "face";
  made.style.left = `${(100 * x1) / width}%`;
  made.style.top = `${(100 * y1) / height}%`;
  made.style.width = `${(100 * (x2 - x1)) / width}%`;
  made.style.height = `${(100 * (y2 - y1)) / height}%`;
  made.style.zIndex = Math.round(1e6 / (1 + (x2 - x1) * (y2 - y1)));  // small ones on top
  const badge = document.createElement("b");
  badge.textContent = number;
  made.append(badge);
  return made;
}

/** Puts the areas of a result's faces onto the picture, and links them with the table's rows. */
export function link(picture, rows, result) {
  const areas = result.detections.map(({ box }, index) => area(box, index + 1, result));
  const buttons = rows.map((row) => row.querySelector("button"));
  let pinned = -1;

  function light(wanted) {
    const lit = wanted < 0 ? pinned : wanted;
    areas.forEach((one, index) => one.classList.toggle("lit", index === lit));
    rows.forEach((row, index) => {
      row.classList.toggle("lit", index === lit);
      buttons[index].setAttribute("aria-pressed", index === pinned);
    });
  }

  function pin(index) {
    pinned = pinned === index ? -1 : index;
    light(-1);
  }

  /** One row can be reached by the tabulator; the arrow keys go on from there. */
  function focus(index) {
    buttons.forEach((button, other) => { button.tabIndex = other === index ? 0 : -1; });
    buttons[index].focus({ preventScroll: true });
    // Not scrollIntoView: the page itself stays where it is.
    const box = rows[index].closest(".facts");
    const [row, seen] = [rows[index].getBoundingClientRect(), box.getBoundingClientRect()];
    box.scrollTop += Math.max(0, row.bottom - seen.bottom) + Math.min(0, row.top - seen.top - 40);
  }

  const last = rows.length - 1;
  const keys = {
    ArrowDown: (index) => Math.min(index + 1, last),
    ArrowUp: (index) => Math.max(index - 1, 0),
    Home: () => 0,
    End: () => last,
  };
  rows.forEach((row, index) => {
    buttons[index].tabIndex = index ? -1 : 0;
    row.addEventListener("mouseenter", () => light(index));
    row.addEventListener("mouseleave", () => light(-1));
    row.addEventListener("focusin", () => light(index));
    row.addEventListener("focusout", () => light(-1));
    row.addEventListener("click", () => pin(index));
    row.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        pinned = -1;
        light(-1);
      }
      if (!keys[event.key]) return;
      event.preventDefault();
      focus(keys[event.key](index));
    });
  });
  areas.forEach((one, index) => {
    one.addEventListener("mouseenter", () => light(index));
    one.addEventListener("mouseleave", () => light(-1));
    one.addEventListener("click", (event) => {
      event.preventDefault();  // the picture around it is a link
      pin(index);
      focus(index);
    });
  });
  picture.querySelectorAll(".face").forEach((old) => old.remove());
  picture.append(...areas);
}
