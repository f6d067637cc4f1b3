/*
 * The mood pad: unpleasant to pleasant from left to right, quiet to full of energy upwards.
 *
 * Python's state is authoritative. It sends everything to be shown as `data` (see __init__.py), and
 * gets back, once per gesture, the state `point` or the trigger `track`. During a gesture the pad
 * moves its dot by itself, because a round trip per pixel would stutter.
 */

const SVG = "http://www.w3.org/2000/svg";
const SIZE = 360; // the drawing's own units, as in the viewBox
const MARGIN = 30; // room for the words at the edges
const REACH = 16; // how near a pointer has to be to a track or a landmark to mean it
const STEP = 0.05; // one arrow key
const STRIDE = 0.2; // with Shift, or a page key
const EDGES = {
  // where the words at the edges are: their middle, width and height
  top: [180, 15, 92, 14],
  bottom: [180, 347, 42, 14],
  left: [13, 180, 14, 72],
  right: [347, 180, 14, 56],
};
const PAUSE = 350; // ms without a key before the point is sent

/** One pad per mounted component; Streamlit calls the function below at every rerun. */
const pads = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let pad = pads.get(parentElement);
  if (!pad) {
    pad = new MoodPad(parentElement);
    pads.set(parentElement, pad);
  }
  pad.sendPoint = (point) => setStateValue("point", point);
  pad.sendTrack = (id) => setTriggerValue("track", id);
  pad.update(data);
  // Also called between runs: end only what has left the page.
  return () => setTimeout(() => parentElement.isConnected || pad.end());
}

class MoodPad {
  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    this.root = root;
    this.stage = find(".stage");
    this.svg = find("svg");
    this.edges = [...root.querySelectorAll(".edge")];
    this.landmarks = find(".landmarks");
    this.journey = find(".journey");
    this.tracks = find(".tracks");
    this.reading = find(".reading");
    this.dot = find(".dot");
    this.sliders = { valence: find("[name=valence]"), arousal: find("[name=arousal]") };
    this.tip = find(".tip");
    this.words = find("output");
    this.back = find("button");

    this.point = { valence: 0, arousal: 0 };
    this.turn = 0; // counts the gestures, so that an answer can be matched to them
    this.dragging = false;
    this.timer = null; // runs while keys may still follow
    this.targets = []; // what a pointer can hit: tracks and landmarks

    this.listenToPointer();
    this.listenToKeys();
    this.back.addEventListener("click", () => this.goBack());
    // The player moves on by itself; the pad shows its current track.
    this.follow = () => this.data?.tracks.length && this.showTracks();
    window.addEventListener("affectune-player", this.follow);
    // A camera that is read in this browser moves the dot.
    this.read = () => this.data?.emotions && this.followReading();
    window.addEventListener("affectune-reading", this.read);
  }

  end() {
    window.removeEventListener("affectune-player", this.follow);
    window.removeEventListener("affectune-reading", this.read);
    pads.delete(this.root);
  }

  /** Show what Python sent. */
  update(data) {
    this.data = data;
    // A rerun that was on its way when the dot moved still carries the old point: obey Python only if
    // it knows the last gesture.
    if (data.turn >= this.turn && !this.dragging) {
      this.turn = data.turn;
      // With a live camera the dot moves by itself, a few times a second, so it glides.
      if (this.shown) this.dot.classList.add("gliding");
      this.shown = true;
      this.point = { ...data.point };
    }
    this.stage.classList.toggle("fixed", data.fixed);
    for (const edge of this.edges) edge.textContent = data.texts[edge.dataset.edge];
    for (const axis of ["valence", "arousal"]) {
      this.sliders[axis].disabled = data.fixed;
      this.sliders[axis].setAttribute("aria-label", data.texts[axis]);
    }
    this.back.textContent = data.texts.back;
    this.targets = [];
    this.drawLandmarks();
    this.drawJourney();
    this.showTracks();
    this.drawReading();
    this.placeDot();
    this.read();
  }

  /** Move the dot to the mood of the faces in view, the mean of what each shows. */
  followReading() {
    const faces = window.affectuneReading?.faces;
    if (!faces || this.dragging || this.timer || this.turn > this.data.turn) return;
    const mean = (axis) => {
      const moods = faces.map((row) => row.reduce((sum, p, i) => sum + p * this.data.emotions[i][axis], 0));
      return moods.reduce((sum, mood) => sum + mood, 0) / moods.length;
    };
    this.moveTo({ valence: mean("valence"), arousal: mean("arousal") });
  }

  // --- drawing --------------------------------------------------------------------------------

  drawLandmarks() {
    this.landmarks.replaceChildren();
    for (const { name, glyph, at, nudge } of this.data.landmarks) {
      const x = toX(at.valence) + nudge[0];
      const y = toY(at.arousal) + nudge[1];
      add(this.landmarks, "text", { x, y }, glyph);
      if (!this.data.fixed) this.targets.push({ x, y, tip: name, point: at });
    }
  }

  drawJourney() {
    this.journey.replaceChildren();
    const way = this.data.journey.map(({ valence, arousal }) => [toX(valence), toY(arousal)]);
    if (way.length < 2) return;
    const [[x0, y0], [x, y]] = way.slice(-2);
    const angle = (Math.atan2(y - y0, x - x0) * 180) / Math.PI;
    add(this.journey, "path", { class: "way", d: smooth(way) });
    add(this.journey, "path", {
      d: "M-9,-6L2,0L-9,6",
      transform: `translate(${x} ${y}) rotate(${angle})`,
    });
    if (this.data.goal) {
      const above = y > 60;
      add(
        this.journey,
        "text",
        { class: "label", x: clamp(x, 70, SIZE - 70), y: above ? y - 16 : y + 28 },
        this.data.goal,
      );
    }
  }

  showTracks() {
    this.targets = this.targets.filter((target) => !target.id);
    this.tracks.replaceChildren();
    const { tracks } = this.data;
    const current = window.affectunePlayer ? window.affectunePlayer.id : this.data.current;
    // The playing one last: on top.
    for (const track of [...tracks].sort((a, b) => (a.id === current) - (b.id === current))) {
      const playing = track.id === current;
      const x = toX(track.at.valence);
      const y = toY(track.at.arousal);
      const group = add(this.tracks, "g", { class: playing ? "playing" : "" });
      add(group, "circle", { cx: x, cy: y, r: playing ? 11 : 5.5 });
      if (playing) add(group, "text", { x, y: y + 0.5 }, track.number);
      this.targets.push({ x, y, tip: `${track.number}. ${track.name}`, id: track.id });
    }
  }

  drawReading() {
    this.reading.replaceChildren();
    if (!this.data.reading) return;
    const x = toX(this.data.reading.valence);
    const y = toY(this.data.reading.arousal);
    add(this.reading, "circle", { cx: x, cy: y, r: 20 });
    const label = { class: "label" };
    if (this.data.fixed) {
      Object.assign(label, { x, y: y < SIZE - 60 ? y + 38 : y - 28 });
    } else {
      // On the side with room for it, and not under the dot.
      const dx = toX(this.point.valence) - x;
      const beside = Math.abs(toY(this.point.arousal) - y) < 24 && Math.abs(dx) > 20 && Math.abs(dx) < 100;
      const right = beside && x > 100 && x < SIZE - 100 ? dx < 0 : x < SIZE * 0.62;
      label.style = `text-anchor: ${right ? "start" : "end"}`;
      Object.assign(label, { x: right ? x + 26 : x - 26, y: y + 4.5 });
    }
    add(this.reading, "text", label, this.data.texts[this.data.fixed ? "start" : "face"]);
  }

  /** Fade the words at an edge that is drawn over. */
  clearEdges() {
    const { reading, tracks, fixed } = this.data;
    const drawn = tracks.map(({ at }) => [at, 6]);
    if (reading) drawn.push([reading, 21]);
    if (!fixed) drawn.push([this.point, 15]);
    for (const edge of this.edges) {
      const [x, y, width, height] = EDGES[edge.dataset.edge];
      const covered = drawn.some(
        ([at, radius]) =>
          Math.abs(toX(at.valence) - x) < width / 2 + radius && Math.abs(toY(at.arousal) - y) < height / 2 + radius,
      );
      edge.classList.toggle("covered", covered);
    }
  }

  /** Move the dot, and everything that describes it, to `this.point`. */
  placeDot() {
    this.clearEdges();
    const { valence, arousal } = this.point;
    const { reading, fixed, scales, texts, caption } = this.data;
    this.dot.style.transform = `translate(${toX(valence)}px, ${toY(arousal)}px)`;
    for (const axis of ["valence", "arousal"]) {
      this.sliders[axis].value = Math.round(this.point[axis] * 100);
      this.sliders[axis].setAttribute("aria-valuetext", step(scales[axis], this.point[axis]));
    }
    const place = this.describe();
    this.say(fixed ? caption : place);
    this.svg.setAttribute("aria-label", fixed ? texts.summary : `${texts.summary} ${place}.`);
    const near = reading && Math.hypot(reading.valence - valence, reading.arousal - arousal) < 0.03;
    this.back.hidden = fixed || !reading || near;
  }

  /** Name the place with the nearest everyday word, like `describe_mood` in wording.py. */
  describe() {
    const { valence, arousal } = this.point;
    const away = (place) => Math.hypot(place.valence - valence, place.arousal - arousal);
    const { word } = this.data.places.reduce((a, b) => (away(b) < away(a) ? b : a));
    return word[0].toUpperCase() + word.slice(1);
  }

  /** Write only what has changed: a live region announces every write. */
  say(text) {
    if (this.words.textContent !== text) this.words.textContent = text;
  }

  showTip(target) {
    this.tip.hidden = !target;
    this.svg.style.cursor = target && target.id ? "pointer" : "";
    if (!target) return;
    this.tip.textContent = target.tip;
    this.tip.classList.toggle("below", target.y < 60);
    const half = 50 * Math.min(1, this.tip.offsetWidth / this.stage.offsetWidth);
    this.tip.style.left = `${clamp((target.x / SIZE) * 100, half, 100 - half)}%`;
    this.tip.style.top = `${(target.y / SIZE) * 100}%`;
  }

  // --- gestures -------------------------------------------------------------------------------

  /** A gesture has ended: tell Python. */
  send() {
    clearTimeout(this.timer);
    this.timer = null;
    this.turn += 1;
    this.sendPoint({ ...this.point, turn: this.turn });
  }

  /** Move without dragging; the dot glides where motion is welcome. */
  moveTo(point) {
    this.dot.classList.add("gliding");
    this.point = { valence: inRange(point.valence), arousal: inRange(point.arousal) };
    this.placeDot();
  }

  /** Play a track; the one in the player pauses or resumes. */
  play(id) {
    if (window.affectunePlayer?.id !== id) return this.sendTrack(id);
    window.dispatchEvent(new CustomEvent("affectune-toggle", { detail: id }));
  }

  goBack() {
    this.moveTo(this.data.reading);
    this.send();
    // The button hides itself, and a hidden button would drop the keyboard's focus.
    this.sliders.valence.focus();
  }

  listenToPointer() {
    this.dot.addEventListener("pointerdown", (event) => {
      if (this.data.fixed) return;
      this.dragging = true;
      this.dot.classList.remove("gliding");
      this.dot.setPointerCapture(event.pointerId);
      this.showTip(null);
      event.preventDefault();
    });
    // `touch-action` is not honoured on parts of an SVG: without this, a finger on the dot
    // scrolls the page instead.
    this.dot.addEventListener(
      "touchstart",
      (event) => this.data.fixed || event.preventDefault(),
      { passive: false },
    );
    this.dot.addEventListener("pointermove", (event) => {
      if (!this.dragging) return;
      this.point = this.pointAt(event);
      this.placeDot();
    });
    const drop = () => {
      if (!this.dragging) return;
      this.dragging = false;
      this.dropped = Date.now();
      this.send();
    };
    this.dot.addEventListener("pointerup", drop);
    this.dot.addEventListener("pointercancel", drop);

    this.svg.addEventListener("click", (event) => {
      if (Date.now() - (this.dropped ?? 0) < 300) return; // the click that ends a drag
      const target = this.targetAt(event);
      if (target?.id) return this.play(target.id);
      if (this.data.fixed || this.dot.contains(event.target)) return;
      this.moveTo(target ? target.point : this.pointAt(event));
      this.send();
    });
    this.svg.addEventListener("pointermove", (event) => {
      if (!this.dragging) this.showTip(this.targetAt(event));
    });
    this.svg.addEventListener("pointerleave", () => this.showTip(null));
  }

  /** Arrows move along both axes, whichever of the two sliders has the focus. */
  listenToKeys() {
    for (const [axis, slider] of Object.entries(this.sliders)) {
      slider.addEventListener("focus", () => {
        this.stage.classList.toggle("focused", slider.matches(":focus-visible"));
      });
      slider.addEventListener("blur", () => {
        this.stage.classList.remove("focused");
        // Focus may move to a button, whose action must come second.
        if (this.timer) this.send();
      });
      // Assistive technology sets a slider without any key.
      slider.addEventListener("input", () => {
        this.moveTo({ ...this.point, [axis]: slider.value / 100 });
        this.sendSoon();
      });
      slider.addEventListener("keydown", (event) => {
        if (event.key === "Home" && this.data.reading) {
          event.preventDefault();
          this.moveTo(this.data.reading);
          return this.sendSoon();
        }
        const length = event.shiftKey ? STRIDE : STEP;
        const move = {
          ArrowLeft: [-length, 0],
          ArrowRight: [length, 0],
          ArrowUp: [0, length],
          ArrowDown: [0, -length],
          PageUp: [0, STRIDE],
          PageDown: [0, -STRIDE],
        }[event.key];
        if (!move) return;
        event.preventDefault();
        this.moveTo({
          valence: this.point.valence + move[0],
          arousal: this.point.arousal + move[1],
        });
        this.sendSoon();
      });
    }
  }

  sendSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), PAUSE);
  }

  /** Where an event is, in the drawing's units. */
  locate(event) {
    const box = this.svg.getBoundingClientRect();
    const scale = SIZE / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  pointAt(event) {
    const [x, y] = this.locate(event);
    const half = (SIZE - 2 * MARGIN) / 2;
    return { valence: inRange((x - MARGIN) / half - 1), arousal: inRange(1 - (y - MARGIN) / half) };
  }

  targetAt(event) {
    const [x, y] = this.locate(event);
    let nearest = null;
    let least = REACH;
    for (const target of this.targets) {
      const distance = Math.hypot(target.x - x, target.y - y);
      if (distance < least) [nearest, least] = [target, distance];
    }
    return nearest;
  }
}

const clamp = (value, least, most) => Math.max(least, Math.min(most, value));
const inRange = (value) => Math.round(clamp(value, -1, 1) * 100) / 100;
const toX = (valence) => MARGIN + ((valence + 1) / 2) * (SIZE - 2 * MARGIN);
const toY = (arousal) => MARGIN + ((1 - arousal) / 2) * (SIZE - 2 * MARGIN);

/** The word for a value on a scale of [upper bound, word] pairs. */
const step = (scale, value) => scale.find(([bound]) => value <= bound)[1];

function add(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return parent.appendChild(element);
}

/** A Catmull-Rom curve through the points, as Bézier segments. */
function smooth(points) {
  let path = `M${points[0]}`;
  for (let i = 1; i < points.length; i += 1) {
    const from = points[i - 1];
    const to = points[i];
    const before = points[i - 2] ?? from;
    const after = points[i + 1] ?? to;
    const out = [from[0] + (to[0] - before[0]) / 6, from[1] + (to[1] - before[1]) / 6];
    const into = [to[0] - (after[0] - from[0]) / 6, to[1] - (after[1] - from[1]) / 6];
    path += `C${out} ${into} ${to}`;
  }
  return path;
}
