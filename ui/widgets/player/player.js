/*
 * The player at the bottom of every page. It knows the set and plays through it by itself, even while
 * the server is unreachable: it reports its position to Python, and takes orders from it.
 *
 * State `at`: {n, turn, id, playing, ended}. `turn` counts Python's orders: a report with an older one
 * is out of date; `n` numbers the reports. State `said`: {n, does, id}, the last press of like, stop or
 * next. States, not triggers, because a run that is stopped before it has begun loses a trigger.
 *
 * Spotify's script runs in a frame within a frame (see ui/server/player_frame.py) and communicates by
 * messages. Other elements on the page follow the player by the window's event `affectune-player` and
 * by `window.affectunePlayer`: {id, status}. They ask it to play or pause with the event
 * `affectune-toggle`.
 */

const PATHS = {
  previous: "M18 5.5v13L8.5 12zM6 5.5v13",
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M7.5 5.5h3v13h-3zM13.5 5.5h3v13h-3z",
  next: "M6 5.5v13l9.5-6.5zM18 5.5v13",
  like: "M12 20 4.6 12.7a4.9 4.9 0 0 1 6.9-6.9l.5.5.5-.5a4.9 4.9 0 0 1 6.9 6.9z",
  more: "M14 5h5v5M19 5l-8 8M17 14v4a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1h4",
  stop: "M6.5 6.5l11 11M17.5 6.5l-11 11",
};

const ANSWER = 4000; // ms in which Spotify has to answer
const TAP = 3000; // ms after its answer in which music has to start, or the browser is blocking it
const END = 1200; // a track that stops this many ms before its end has ended
const NEARLY = 4000; // the same, if it has gone back to its beginning
const PREVIEW = 31000; // ms of the longest preview
const AGAIN = 5000; // ms into a track after which "previous" restarts it

/** One player per mounted component; Streamlit calls the function below at every rerun. */
const players = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let player = players.get(parentElement);
  if (!player) {
    player = new Player(parentElement);
    players.set(parentElement, player);
  }
  player.report = (at) => setStateValue("at", at);
  player.say = (said) => setStateValue("said", said);
  player.update(data);
  // Also called between runs: end only what has left the page.
  return () => setTimeout(() => parentElement.isConnected || player.end());
}

class Player {
  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    this.root = find(".player");
    this.place = find(".frame");
    this.asking = find(".asking");
    this.line = find(".said");
    this.links = find(".links");
    this.buttons = {};
    for (const button of root.querySelectorAll("[data-does]")) {
      this.buttons[button.dataset.does] = button;
      button.addEventListener("click", () => this[button.dataset.does]());
    }
    for (const does of ["previous", "next", "like", "more", "stop"]) {
      this.buttons[does].append(icon(PATHS[does]));
    }
    this.track = null;
    this.turn = -1;
    this.reports = 0;
    this.said = 0;
    this.at = 0; // its place in the queue
    this.open = false; // whether the links are shown although Spotify answers
    this.hear = (event) => this.onMessage(event);
    this.ask = ({ detail }) => detail === this.track?.id && this.toggle();
    this.online = () => this.status === "blocked" && this.retry();
    window.addEventListener("message", this.hear);
    window.addEventListener("affectune-toggle", this.ask);
    window.addEventListener("online", this.online);
  }

  /** Apply what Python sent. */
  update(data) {
    this.data = data;
    this.root.setAttribute("aria-label", data.texts.label);
    this.said = Math.max(this.said, data.said);
    this.reports = Math.max(this.reports, data.reported);
    const here = data.queue.find((track) => track.id === data.current);
    if (data.turn > this.turn) {
      this.turn = data.turn;
      if (!here) return;
      if (data.idle && !this.track) {
        this.track = here;
        this.become("idle");
      } else if (here.id !== this.track?.id) this.load(here);
      else if (this.status === "paused" || this.status === "ended") this.toggle();
    } else if (data.turn < this.turn && this.told !== data.turn) {
      this.told = data.turn;
      this.tell(); // a new server, which does not know our position
    }
    // The same track, but its place in the queue or its like may have changed.
    this.track = data.queue.find((track) => track.id === this.track?.id) ?? this.track ?? here;
    if (this.track) this.draw();
  }

  // --- what is heard --------------------------------------------------------------------------

  load(track) {
    this.track = track;
    this.position = this.duration = 0;
    this.answered = false;
    this.become("loading");
    if (this.listening) this.order({ load: `spotify:track:${track.id}`, theme: this.data.theme });
    else if (!this.frame) this.openFrame();
    this.wait();
    this.tell();
  }

  /** Give Spotify time to answer; after that say what is wrong. */
  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (!this.answered) this.become("blocked");
      else if (this.status === "loading") {
        this.timer = setTimeout(() => this.status === "loading" && this.become("tap"), TAP - 1000);
      }
    }, ANSWER);
  }

  openFrame() {
    this.frame = document.createElement("iframe");
    this.frame.title = this.data.texts.frame;
    this.frame.allow = "autoplay; encrypted-media; clipboard-write";
    this.frame.src = new URL(this.data.frame, window.location.href).href;
    this.place.append(this.frame);
  }

  closeFrame() {
    this.frame?.remove();
    this.frame = null;
    this.listening = false;
  }

  order(affectune) {
    // To any origin: a data: address has none to name, and the order is no secret.
    this.inner?.postMessage({ affectune }, "*");
  }

  get inner() {
    try {
      return this.frame?.contentWindow?.frames[0];
    } catch {
      return undefined; // the frame shows a document that is not ours
    }
  }

  onMessage({ source, origin, data }) {
    // Only from the document that we put there, which has no origin.
    if (!source || source !== this.inner || origin !== "null") return;
    const message = data?.affectune;
    if (message?.type === "here") {
      this.listening = true;
      this.order({ load: `spotify:track:${this.track.id}`, theme: this.data.theme });
    } else if (message?.type === "failed") this.become("blocked");
    else if (message?.type === "ready") this.onAnswer();
    else if (message?.type === "playback") this.onPlayback(message);
  }

  onAnswer() {
    this.answered = true;
    if (this.status === "blocked") {
      this.become("loading");
      this.wait();
    }
  }

  onPlayback({ position, duration, paused, buffering }) {
    if (![position, duration].every(Number.isFinite)) return;
    this.onAnswer();
    const before = this.position;
    Object.assign(this, { position, duration: duration || this.duration });
    const left = this.duration - position;
    if (this.status === "playing" && paused && this.duration) {
      const back = position < 500 && this.duration - before < NEARLY;
      if (left < END || back) return this.onEnd();
    }
    if (buffering) return;
    if (!paused) {
      if (this.status !== "playing") {
        this.become("playing");
        this.tell();
      } else this.drawLine();
    } else if (this.status === "playing") this.become("paused");
  }

  onEnd() {
    const next = this.neighbour(1);
    if (next) return this.load(next);
    this.become("ended");
    this.tell();
  }

  neighbour(step) {
    const found = this.data.queue.findIndex((track) => track.id === this.track?.id);
    // If the set has changed and lacks the track, go on from the same place.
    if (found >= 0) this.at = found;
    return this.data.queue[this.at + step];
  }

  end() {
    clearTimeout(this.timer);
    this.closeFrame();
    window.removeEventListener("message", this.hear);
    window.removeEventListener("affectune-toggle", this.ask);
    window.removeEventListener("online", this.online);
    this.track = null;
    this.become("gone");
  }

  // --- what is pressed ------------------------------------------------------------------------

  toggle() {
    if (this.status === "idle" || this.status === "ended") this.load(this.track);
    else if (this.status === "playing") this.order({ pause: true });
    else if (this.status === "blocked") this.retry();
    else {
      this.order({ resume: true });
    }
  }

  retry() {
    this.closeFrame();
    this.load(this.track);
  }

  previous() {
    const before = this.neighbour(-1);
    if (before && this.position < AGAIN) this.load(before);
    else if (this.status === "blocked") this.retry();
    else this.order({ seek: 0 });
  }

  next() {
    const skipped = this.track.id;
    const next = this.neighbour(1);
    if (!next) return;
    this.load(next);
    this.speak("next", skipped);
  }

  like() {
    this.speak("like", this.track.id);
  }

  stop() {
    this.order({ pause: true });
    this.speak("stop", this.track.id);
  }

  more() {
    this.open = !this.open;
    this.draw();
  }

  // --- what is said ---------------------------------------------------------------------------

  tell() {
    this.reports += 1;
    this.report({
      n: this.reports,
      turn: this.turn,
      id: this.track.id,
      playing: this.status === "playing",
      ended: this.status === "ended",
    });
  }

  speak(does, id) {
    this.said += 1;
    this.say({ n: this.said, does, id });
  }

  become(status) {
    this.status = status;
    if (status === "playing" || status === "ended") clearTimeout(this.timer);
    window.affectunePlayer = this.track ? { id: this.track.id, status } : null;
    window.dispatchEvent(new CustomEvent("affectune-player", { detail: window.affectunePlayer }));
    if (this.track) this.draw();
  }

  // --- what is shown --------------------------------------------------------------------------

  draw() {
    const { track, data, status, buttons } = this;
    const { texts } = data;
    const find = (selector) => this.root.querySelector(selector);
    const blocked = status === "blocked";
    this.root.hidden = false;
    this.root.dataset.status = status;
    this.root.classList.toggle("blocked", blocked || status === "idle");
    this.root.style.setProperty("--place", track.color);
    write(find("b"), track.title);
    write(find(".artists"), track.artists);
    write(this.asking, status === "loading" ? texts.asking : "");
    this.place.hidden = blocked || status === "idle";

    const playing = status === "playing";
    const shape = playing ? "pause" : "play";
    if (buttons.toggle.dataset.shape !== shape) {
      buttons.toggle.replaceChildren(icon(PATHS[shape]));
      buttons.toggle.dataset.shape = shape;
    }
    label(buttons.toggle, playing ? texts.pause : texts.play);
    for (const does of ["previous", "next", "like", "more", "stop"]) label(buttons[does], texts[does]);
    buttons.next.disabled = !this.neighbour(1);
    buttons.like.setAttribute("aria-pressed", String(track.liked));

    const open = blocked || this.open;
    buttons.more.setAttribute("aria-expanded", String(open));
    this.links.hidden = !open;
    const links = track.links.map(({ service, url }) => {
      const link = document.createElement("a");
      Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer" });
      link.textContent = service;
      link.setAttribute("aria-label", `${service}: ${track.title}, ${texts.new_tab}`);
      return link;
    });
    if (blocked) {
      const again = document.createElement("button");
      again.type = "button";
      again.textContent = texts.again;
      again.addEventListener("click", () => this.retry());
      links.unshift(again);
    }
    const shown = `${track.id} ${blocked}`;
    if (this.links.dataset.shown !== shown) {
      this.links.replaceChildren(...links);
      this.links.dataset.shown = shown;
    }
    this.drawLine();
  }

  drawLine() {
    const { texts } = this.data;
    const preview =
      this.status === "playing" &&
      this.duration > 0 &&
      this.duration <= PREVIEW &&
      // Some tracks are that short; of unknown length, hardly any.
      (!this.track.duration_ms || this.track.duration_ms > PREVIEW + AGAIN);
    const lines = { blocked: texts.blocked, tap: texts.tap, ended: texts.ended };
    write(this.line, lines[this.status] ?? (preview ? texts.preview : ""));
  }
}

/** Write only what has changed: a live region announces every write. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function label(button, text) {
  button.setAttribute("aria-label", text);
  button.title = text;
}

function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(space, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}
