/*
 * The rows of a playlist: a round button, title and artists, and why the track is there. Sends the
 * id of the row whose button was pressed as the trigger `play`.
 */

const PLAY = "M8 5.5v13l10.5-6.5z";
const SOUND = "M4 10h2v4H4zm4-3h2v10H8zm4-4h2v18h-2zm4 4h2v10h-2zm4 3h2v4h-2z";

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".tracks");
  list.setAttribute("aria-label", data.label);
  // The same set again, maybe with another track playing: keep the rows, and with them the focus.
  const ids = data.rows.map((row) => row.id).join();
  if (list.dataset.ids !== ids) {
    list.dataset.ids = ids;
    list.replaceChildren(...data.rows.map(newRow));
  }
  data.rows.forEach((row, i) => {
    const element = list.children[i];
    const playing = row.id === data.current;
    element.className = playing ? "playing" : "";
    element.querySelector(".more").hidden = !playing;
    const button = element.querySelector("button");
    button.setAttribute("aria-label", `${playing ? "Stop" : "Play"} ${row.title}`);
    button.onclick = () => setTriggerValue("play", row.id);
  });
}

function newRow({ number, title, artists, reason, url }) {
  const row = document.createElement("li");
  const button = make("button", "");
  button.type = "button";
  button.append(icon("play", PLAY), icon("pause", SOUND));

  const name = make("p", "name");
  name.append(make("b", "", `${number}. ${title}`), ` · ${artists}`);

  const more = make("p", "more");
  const link = make("a", "", "Open in Spotify");
  Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer" });
  link.setAttribute("aria-label", `Open ${title} in Spotify, in a new tab`);
  more.append(link);

  const words = make("div", "words");
  words.append(name, make("p", "reason", reason), more);
  row.append(button, words);
  return row;
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function icon(className, path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}
