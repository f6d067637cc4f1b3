/*
 * The rows of a playlist: a button in the colour of the track's place on the pad, title, artists,
 * length, and why the track is there; below the one in the player the verdicts. The player reports
 * whether it plays (see player.js), so a row shows that only while it does. Sends the triggers `play`
 * (an id), `verdict` ({id, verdict}), `ban` ({id, artist}), `similar` (an id) and `undo`.
 */

const PLAY = "M8 5.5v13l10.5-6.5z";
const SOUND = "M4 10h2v4H4zm4-3h2v10H8zm4-4h2v18h-2zm4 4h2v10h-2zm4 3h2v4h-2z";
const HEART = "M12 20 4.6 12.7a4.9 4.9 0 0 1 6.9-6.9l.5.5.5-.5a4.9 4.9 0 0 1 6.9 6.9z";
const NEVER = "M12 3.6a8.4 8.4 0 1 0 0 16.8 8.4 8.4 0 0 0 0-16.8zM6.1 6.1l11.8 11.8";
const NEXT = "M6 5.5v13l9.5-6.5zM18 5.5v13";
const DOTS = "M5.5 12h.01M12 12h.01M18.5 12h.01";

const VERDICTS = [
  ["like", "Like", HEART],
  ["dislike", "Not for me", NEVER],
  ["skip", "Skip", NEXT],
];

/** Mounted list → its listener to the player. */
const following = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  show(data, parentElement, setTriggerValue);
  const before = following.get(parentElement);
  if (before) window.removeEventListener("affectune-player", before);
  const follow = () => show(data, parentElement, setTriggerValue);
  following.set(parentElement, follow);
  window.addEventListener("affectune-player", follow);
  return () =>
    setTimeout(() => {
      if (!parentElement.isConnected) window.removeEventListener("affectune-player", follow);
    });
}

function show(sent, parentElement, setTriggerValue) {
  const player = window.affectunePlayer;
  const sounding = player?.status === "playing";
  // A track that was just replaced plays on for a moment: then Python's current track counts.
  const known = player && sent.rows.some((row) => row.id === player.id);
  const data = { ...sent, current: known ? player.id : sent.current, sounding: known && sounding };
  const list = parentElement.querySelector(".tracks");
  list.setAttribute("aria-label", data.label);

  // The focused button's action, because its row may be about to go.
  const focused = list.getRootNode().activeElement;
  const doing = list.contains(focused) ? focused.dataset.does : undefined;

  // Rows that stay are reused, which keeps the focus.
  const old = new Map([...list.children].map((row) => [row.dataset.id, row]));
  const rows = data.rows.map((row) => old.get(row.id) ?? newRow(row));
  rows.forEach((row, i) => {
    if (list.children[i] !== row) list.insertBefore(row, list.children[i] ?? null);
  });
  while (list.children.length > rows.length) list.lastChild.remove();

  data.rows.forEach((row, i) => update(rows[i], row, data, setTriggerValue));

  // Announced once for each change, wherever its row is.
  const news = parentElement.querySelector(".news");
  const said = data.change?.text ?? "";
  if (news.textContent !== said) news.textContent = said;

  const lost = !list.contains(focused) || focused.closest("[hidden]");
  if (doing && lost) {
    const row = list.querySelector(".playing") ?? list;
    const there = row.querySelector(`[data-does="${doing}"]:not([hidden] *)`);
    (there ?? row.querySelector("button"))?.focus();
  }
}

function update(element, row, data, send) {
  const playing = row.id === data.current;
  const find = (selector) => element.querySelector(selector);
  element.classList.toggle("playing", playing);
  find("b").textContent = `${row.number}. ${row.title}`;
  find(".reason").textContent = row.reason;
  find(".reason").hidden = !row.reason;
  find(".heart").hidden = !row.liked || playing;

  const sounding = playing && data.sounding;
  element.classList.toggle("sounding", sounding);
  element.style.setProperty("--place", row.color);
  find(".length").textContent = row.length;

  const button = find(".tile");
  button.setAttribute("aria-label", `${sounding ? "Pause" : "Play"} ${row.title}`);
  button.onclick = () => {
    if (playing && window.affectunePlayer) {
      window.dispatchEvent(new CustomEvent("affectune-toggle", { detail: row.id }));
    } else send("play", row.id);
  };

  find(".actions").hidden = !playing;
  for (const [verdict, label] of VERDICTS) {
    const action = find(`[data-does="${verdict}"]`);
    action.setAttribute("aria-label", `${label}: ${row.title}`);
    action.onclick = () => send("verdict", { id: row.id, verdict });
  }
  find('[data-does="like"]').setAttribute("aria-pressed", String(row.liked));

  const more = find('[data-does="more"]');
  const open = playing && more.getAttribute("aria-expanded") === "true";
  more.setAttribute("aria-label", `More about ${row.title}`);
  more.setAttribute("aria-expanded", String(open));
  more.onclick = () => {
    const opens = more.getAttribute("aria-expanded") !== "true";
    more.setAttribute("aria-expanded", String(opens));
    find(".more").hidden = !opens;
  };
  find(".more").hidden = !open;
  find(".similar").hidden = !data.similar;
  find(".similar").onclick = () => send("similar", row.id);
  element.querySelectorAll(".ban").forEach((ban, i) => {
    ban.hidden = !data.bans;
    ban.onclick = () => send("ban", { id: row.id, artist: row.names[i] });
  });

  const changed = playing && data.change?.track === row.id;
  find(".change").hidden = !changed;
  find(".change span").textContent = changed ? data.change.text : "";
  find('[data-does="undo"]').onclick = () => send("undo", true);
}

function newRow({ id, title, artists, names, url }) {
  const row = document.createElement("li");
  row.dataset.id = id;
  const button = make("button", "tile");
  Object.assign(button, { type: "button" }).dataset.does = "play";
  button.append(icon("play", PLAY), icon("pause", SOUND));

  const name = make("p", "name");
  const heart = make("span", "heart");
  heart.append(icon("", HEART), make("span", "aside", "liked"));
  name.append(make("b", ""), ` · ${artists}`, heart, make("span", "length"));

  const actions = make("div", "actions");
  for (const [verdict, label, path] of VERDICTS) actions.append(action(verdict, label, path));
  const dots = action("more", "More", DOTS);
  dots.setAttribute("aria-expanded", "false");
  actions.append(dots);

  const more = make("div", "more");
  more.hidden = true;
  const link = make("a", "", "Open in Spotify");
  Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer" });
  link.setAttribute("aria-label", `Open in Spotify: ${title}, in a new tab`);
  const similar = make("button", "similar", "More like this");
  similar.type = "button";
  similar.dataset.does = "more"; // afterwards the focus returns to the button that opened this
  similar.setAttribute("aria-label", `More like this: ${title}`);
  more.append(similar, link);
  for (const artist of names) {
    const ban = make("button", "ban", `Don’t play ${artist}`);
    ban.type = "button";
    ban.dataset.does = "more"; // as above
    more.append(ban);
  }

  const change = make("p", "change");
  const undo = make("button", "undo", "Undo");
  undo.type = "button";
  undo.dataset.does = "undo";
  change.append(make("span", ""), " ", undo);

  const words = make("div", "words");
  words.append(name, make("p", "reason"), actions, more, change);
  row.append(button, words);
  return row;
}

function action(does, label, path) {
  const button = make("button", "action");
  button.type = "button";
  button.dataset.does = does;
  button.append(icon("", path), make("span", "", label));
  return button;
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
