/*
 * Seven bars, drawn in the order that Python sends them. The list is real text for screen readers;
 * rows are kept and changed in place, so that bars of a live camera grow instead of flickering.
 */

const followers = new WeakMap(); // component → its listener, while this browser reads a camera

export default function ({ data, parentElement }) {
  const list = parentElement.querySelector(".bars");
  list.setAttribute("aria-label", data.label);
  while (list.children.length > data.rows.length) list.lastChild.remove();
  while (list.children.length < data.rows.length) list.append(newRow());
  const draw = () => followed(data).forEach((row, i) => fill(list.children[i], row));
  draw();
  window.removeEventListener("affectune-reading", followers.get(parentElement));
  if (!data.onDevice) return;
  followers.set(parentElement, draw);
  window.addEventListener("affectune-reading", draw);
  return () => setTimeout(() => parentElement.isConnected || window.removeEventListener("affectune-reading", draw));
}

/** The rows, with the current reading if this browser reads a camera. */
function followed({ onDevice, rows, unmentionedBelow }) {
  const probabilities = onDevice && window.affectuneReading?.probabilities;
  if (!probabilities) return rows;
  const ranked = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const leading = ranked.filter((i, place) => !place || (place === 1 && probabilities[i] >= unmentionedBelow));
  return rows.map((row, i) => ({ ...row, probability: probabilities[i], leading: leading.includes(i) }));
}

function newRow() {
  const row = document.createElement("li");
  for (const name of ["name", "groove", "share"]) {
    const part = document.createElement("span");
    part.className = name;
    row.append(part);
  }
  const bar = document.createElement("div");
  bar.className = "bar";
  row.querySelector(".groove").append(bar);
  return row;
}

function fill(element, { glyph, word, color, probability, leading }) {
  element.className = leading ? "leading" : "";
  element.querySelector(".name").textContent = `${glyph} ${word}`;
  const bar = element.querySelector(".bar");
  bar.style.width = `${probability * 100}%`;
  bar.style.setProperty("--color", `var(--st-${color}-color)`);
  const percent = Math.round(probability * 100);
  element.querySelector(".share").textContent = percent === 0 ? "<1%" : `${percent}%`;
}
