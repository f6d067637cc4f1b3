/*
 * The camera, read in this browser: its picture goes from the camera to a worker of this page and no
 * further.
 *
 * State `able`: whether this browser can do that, as far as is known.
 * State `news`: what was read: numbers and names. States, not triggers: only the latest counts.
 *
 * What changes all the time is drawn here and by the page's other parts, which get it from
 * `window.affectuneReading` and the event `affectune-reading`. The server gets a report when it has
 * something to do.
 */

const NEWS = 200; // ms between reports to the server, at least
const HEARTBEAT = 5000; // ms after which it gets a report in any case
const SILENCE = 1000; // ms without a frame after which, again and again, it gets a report
const TAPS = ["pointerdown", "click", "keydown"]; // for which the server needs the current reading
const PRESSED = "button, a, input, svg";
const SHOW = 200; // ms between readings that the page draws, at least
const KEEP = 60_000; // ms for which the worker waits for another capture
const LOADING = 90_000; // ms after which loading is too slow
const WORKING = 0.8; // fraction of the time in which the worker works, to leave some to the device
const PAUSED = 1000; // ms by which a camera's frame may be late
const MAX_SIDE = 1280; // px: larger frames are downscaled
const ANSWER = 15_000; // ms after which a worker that does not answer is given up
const MAX_FAILURES = 3; // frames in a row that could not be read
const MAX_ROWS = 60; // readings of a resting face
const ROW_SECONDS = 0.08; // between two of them

/** One camera per mounted component; Streamlit calls the function below at every rerun. */
const cameras = new WeakMap();
let unable = false; // whether reading here has failed, for as long as the page is open
let chosen = null; // the id of the camera that the visitor has switched to

export default function ({ data, parentElement, setStateValue }) {
  let camera = cameras.get(parentElement);
  if (!camera) {
    camera = new DeviceCamera(parentElement);
    cameras.set(parentElement, camera);
  }
  camera.tell = setStateValue;
  camera.update(data);
  // Also called between runs: end only what has left the page.
  return () => setTimeout(() => parentElement.isConnected || camera.end());
}

class DeviceCamera {
  constructor(root) {
    this.place = root.querySelector(".place");
    this.video = root.querySelector("video");
    this.canvas = root.querySelector("canvas");
    this.switch = root.querySelector("button");
    this.switch.addEventListener("click", () => this.useNextCamera());
    this.capture = 0;
    this.reader = null;
    this.tapped = (event) => {
      const press = event.composedPath().some((element) => element.matches?.(PRESSED));
      if (press && this.fresh && performance.now() - this.toldAt >= NEWS) this.news({ tap: true });
    };
  }

  update({ base, capture, offsets, rest, collecting, keep, captions, constraints }) {
    Object.assign(this, { collecting, keep });
    this.captions = captions;
    this.constraints = constraints;
    if (!this.reader) this.prepare(base);
    if (!this.reader) return;
    if (capture !== this.capture) {
      this.stop();
      if (capture) this.start(capture);
    }
    if (!capture) return;
    this.reader.post({ kind: "recentre", offsets });
    if (rest !== this.rest) {
      this.rest = rest;
      this.reader.post({ kind: "rest", number: rest });
    }
  }

  prepare(base) {
    if (unable) return this.say("able", false);
    if (!capable()) return this.giveUp("this browser lacks something");
    this.reader = Reader.at(new URL(base, document.baseURI).href);
    this.reader.ready.then(
      ({ rules }) => {
        this.rules = rules;
      },
      (error) => this.giveUp(error),
    );
    this.say("able", true);
  }

  /** Leave the reading to the server. */
  giveUp(why) {
    console.warn("Faces are not read in this browser:", String(why));
    unable = true;
    this.stop();
    this.reader?.end();
    this.reader = null;
    this.say("able", false);
  }

  async start(capture) {
    Object.assign(this, { capture, rest: 0, frames: 0, failures: 0, reading: null, resting: null });
    this.waitingSince = null; // for a frame of a camera that is open
    this.toldAt = this.shownAt = -Infinity;
    this.toldState = "";
    this.reader.post({ kind: "forget" });
    for (const tap of TAPS) document.addEventListener(tap, this.tapped, { capture: true });
    this.timer = setInterval(() => this.report(), NEWS);
    this.slow = setTimeout(() => this.rules || this.giveUp("it takes too long to load"), LOADING);
    if (!(await this.open(capture))) return;
    this.show(true);
    this.pump(capture);
  }

  /** Open the camera, and return whether the capture continues with it. */
  async open(capture) {
    try {
      if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
        throw new DOMException("", "InsecureContext");
      }
      const stream = await openCamera(this.constraints);
      if (this.capture !== capture) {
        release(stream);
        return false;
      }
      this.stream = stream;
      const [track] = stream.getVideoTracks();
      track.onended = () => this.stream === stream && this.news({ over: true });
      // Like a mirror, unless the camera points away from the visitor.
      this.mirror = track.getSettings().facingMode !== "environment";
      this.video.classList.toggle("mirrored", this.mirror);
      this.video.srcObject = stream;
      await this.video.play();
    } catch (error) {
      if (this.capture === capture) this.news({ error: error.name });
      return false;
    }
    allCameras().then((all) => (this.switch.hidden = all.length < 2));
    return this.capture === capture;
  }

  /** Switch to another of the visitor's cameras. */
  async useNextCamera() {
    const { capture, stream } = this;
    if (!stream) return;
    this.stream = null; // until the switch is done, another tap does nothing
    const { deviceId } = stream.getVideoTracks()[0].getSettings();
    const all = await allCameras();
    chosen = all[(all.findIndex((one) => one.deviceId === deviceId) + 1) % all.length]?.deviceId;
    release(stream); // some phones open only one camera at a time
    if (this.capture === capture) await this.open(capture);
  }

  /** Show or hide the picture; `live_probe`, which holds its place and the camera, hears of it. */
  show(playing) {
    this.place.hidden = !playing;
    document.dispatchEvent(new CustomEvent("affectune:camera", { detail: { playing } }));
  }

  /** Read frames one after the other, each as soon as the last one is read. */
  async pump(capture) {
    const frames = new Frames(this.video);
    try {
      while (this.capture === capture) {
        this.waitingSince = performance.now();
        await frames.next();
        this.waitingSince = null;
        if (this.capture !== capture) return;
        if (!this.rules || !this.video.videoWidth) continue;
        try {
          await this.read(capture);
          this.failures = 0;
        } catch (error) {
          if (this.capture !== capture) return;
          this.failures += 1;
          if (error instanceof WorkerLost || this.failures >= MAX_FAILURES) return this.giveUp(error);
        }
      }
    } finally {
      frames.end();
    }
  }

  async read(capture) {
    const began = performance.now();
    const { mirror } = this;
    const answer = await this.reader.read(await bitmapOf(this.video), began / 1000, mirror);
    if (this.capture !== capture) return;
    this.frames += 1;
    this.readAt = began;
    this.reading = answer.reading;
    this.resting = answer.rest;
    this.fresh = true;
    draw(this.canvas, answer, this.captions, this.rules);
    if (performance.now() - this.shownAt >= SHOW) this.publish();
    const left = (1000 * answer.seconds) / WORKING - (performance.now() - began);
    if (left > 4) await new Promise((resolve) => setTimeout(resolve, left - 4));
  }

  /** Let the page draw what was read; while no face is in sight, the last reading remains. */
  publish() {
    this.shownAt = performance.now();
    if (this.reading) {
      const { emotion, probabilities, stableFor, faces } = this.reading;
      window.affectuneReading = {
        emotion,
        probabilities,
        stableFor,
        faces: faces.map((face) => face.probabilities),
        inSight: true,
      };
    } else if (window.affectuneReading) {
      window.affectuneReading = { ...window.affectuneReading, inSight: false };
    }
    window.dispatchEvent(new CustomEvent("affectune-reading"));
  }

  /** Report to the server, if it has something to do. */
  report() {
    const now = performance.now();
    if (!this.capture) return;
    this.expire(now);
    const due = this.state() !== this.toldState || (this.collecting && this.fresh);
    if (now - this.toldAt >= (due ? NEWS - 20 : HEARTBEAT)) this.news({});
  }

  /** What the parts of the page that the server draws depend on. */
  state() {
    const settled = !this.keep && this.reading?.stableFor >= this.rules?.smoothing.STABLE_AFTER_SECONDS;
    const silence = Math.floor(this.silence() / SILENCE);
    return [this.frames > 0, Boolean(this.reading), settled, silence].join();
  }

  /** For how many ms the open camera has given no frame. */
  silence() {
    return this.waitingSince && document.visibilityState !== "hidden" ? performance.now() - this.waitingSince : 0;
  }

  /** Drop the reading if the camera has paused since. */
  expire(now) {
    const expires = 1000 * (this.rules?.stream.READING_EXPIRES_SECONDS ?? 0);
    if (!this.reading || now - this.readAt <= expires + PAUSED) return;
    this.reading = null;
    this.publish();
  }

  news(more) {
    this.toldAt = performance.now();
    this.fresh = false;
    this.toldState = this.state();
    this.say("news", {
      capture: this.capture,
      frames: this.frames,
      silence: Math.round(this.silence()) / 1000,
      reading: this.reading && rounded(this.reading),
      rest: this.resting && { number: this.resting.number, rows: thinned(this.resting.rows) },
      ...more,
    });
  }

  say(name, value) {
    this.tell(name, value);
  }

  stop() {
    this.capture = 0;
    for (const tap of TAPS) document.removeEventListener(tap, this.tapped, { capture: true });
    clearInterval(this.timer);
    clearTimeout(this.slow);
    release(this.stream);
    this.stream = null;
    this.video.srcObject = null;
    this.show(false);
    this.reading = this.resting = null;
    this.fresh = false;
    window.affectuneReading = undefined;
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.reader?.post({ kind: "forget" });
  }

  end() {
    this.stop();
    this.reader?.rest();
    this.reader = null;
  }
}

class WorkerLost extends Error {}

/** The worker, which outlives the component for a while: loading it takes a second. */
class Reader {
  static current = null;

  static at(base) {
    if (Reader.current?.base !== base) {
      Reader.current?.end();
      Reader.current = new Reader(base);
    }
    clearTimeout(Reader.current.leaving);
    return Reader.current;
  }

  constructor(base) {
    this.base = base;
    this.waiting = new Map();
    this.number = 0;
    this.worker = new Worker(new URL("worker.js", base));
    const loaded = new Promise((resolve, reject) => {
      this.worker.onerror = (event) => {
        event.preventDefault?.();
        this.fail(event.message || "the worker could not be loaded");
        reject(new Error(event.message || "the worker could not be loaded"));
      };
      this.worker.onmessage = ({ data }) => {
        if (data.kind === "ready") resolve();
        else if (data.kind === "failed" && data.number === undefined) reject(new Error(data.message));
        else this.answer(data);
      };
    });
    this.post({ kind: "load", working: WORKING });
    const rules = fetch(new URL("rules.json", base)).then((answer) => answer.json());
    this.ready = Promise.all([rules, loaded]).then(([table]) => ({ rules: table }));
    this.ready.catch(() => {}); // errors are handled where `ready` is used
  }

  post(message, transfer = []) {
    this.worker.postMessage(message, transfer);
  }

  read(bitmap, time, mirror) {
    return new Promise((resolve, reject) => {
      this.number += 1;
      const timer = setTimeout(() => reject(new WorkerLost("the worker does not answer")), ANSWER);
      this.waiting.set(this.number, { resolve, reject, timer });
      this.post({ kind: "frame", bitmap, time, mirror, number: this.number }, [bitmap]);
    });
  }

  answer(data) {
    const { resolve, reject, timer } = this.waiting.get(data.number) ?? {};
    clearTimeout(timer);
    this.waiting.delete(data.number);
    if (data.kind === "failed") reject?.(new Error(data.message));
    else resolve?.(data);
  }

  fail(message) {
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(new WorkerLost(message));
    }
    this.waiting.clear();
  }

  /** Wait for another capture, and end if none comes. */
  rest() {
    this.leaving = setTimeout(() => this.end(), KEEP);
  }

  end() {
    this.worker.terminate();
    this.fail("the worker has ended");
    if (Reader.current === this) Reader.current = null;
  }
}

function capable() {
  try {
    const pen = new OffscreenCanvas(1, 1).getContext("2d");
    return Boolean(pen && window.Worker && window.WebAssembly && window.createImageBitmap);
  } catch {
    return false;
  }
}

/** A camera's frames: `next` returns at once if one has arrived since the last. */
class Frames {
  constructor(video) {
    this.video = video;
    this.fresh = false;
    this.seen = () => {
      this.fresh = true;
      this.wake?.();
      this.ask();
    };
    this.hidden = () => this.wake?.();
    document.addEventListener("visibilitychange", this.hidden);
    this.ask();
  }

  ask() {
    if (this.ended) return;
    if (this.video.requestVideoFrameCallback) this.handle = this.video.requestVideoFrameCallback(this.seen);
    else requestAnimationFrame(this.seen);
  }

  /** Wait for the next frame; a page in the background gets none, and checks once a second. */
  async next() {
    if (document.visibilityState !== "hidden" && !this.fresh) {
      await new Promise((resolve) => (this.wake = resolve));
    }
    if (document.visibilityState === "hidden") await new Promise((resolve) => setTimeout(resolve, 1000));
    this.fresh = false;
  }

  end() {
    this.ended = true;
    document.removeEventListener("visibilitychange", this.hidden);
    this.video.cancelVideoFrameCallback?.(this.handle);
  }
}

function bitmapOf(video) {
  const { videoWidth: width, videoHeight: height } = video;
  const scale = MAX_SIDE / Math.max(width, height);
  if (scale >= 1) return createImageBitmap(video);
  return createImageBitmap(video, {
    resizeWidth: Math.round(width * scale),
    resizeHeight: Math.round(height * scale),
    resizeQuality: "medium",
  });
}

/** Open the camera that the visitor has chosen, or the best match if it is gone. */
async function openCamera(constraints) {
  if (!chosen) return navigator.mediaDevices.getUserMedia(constraints);
  const { facingMode, ...video } = constraints.video;
  try {
    return await navigator.mediaDevices.getUserMedia({
      ...constraints,
      video: { ...video, deviceId: { exact: chosen } },
    });
  } catch (error) {
    if (!["OverconstrainedError", "NotFoundError"].includes(error.name)) throw error;
    chosen = null;
    return navigator.mediaDevices.getUserMedia(constraints);
  }
}

async function allCameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind }) => kind === "videoinput");
}

function release(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function short(values) {
  return values.map((value) => Math.round(value * 10_000) / 10_000);
}

/** A reading as it is sent, without needless digits. */
function rounded(reading) {
  return {
    ...reading,
    probabilities: short(reading.probabilities),
    faces: reading.faces.map((face) => ({ ...face, probabilities: short(face.probabilities) })),
  };
}

/** The readings of a resting face, reduced to fit a message. */
function thinned(rows) {
  const kept = [];
  for (const [time, row] of rows) {
    if (kept.length && time - kept.at(-1)[0] < ROW_SECONDS) continue;
    kept.push([Math.round(time * 1000) / 1000, row && short(row)]);
  }
  return kept.slice(0, MAX_ROWS);
}

// Drawing on the picture, as in `emotion/live/overlay.py`.

function draw(canvas, { reading, width, height }, captions, rules) {
  const scale = Math.max(1, Math.min(3, (canvas.clientWidth * devicePixelRatio) / width));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  if (!reading) return;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const font = getComputedStyle(canvas).fontFamily;
  const size = Math.max(12, Math.round(Math.min(width, height) * rules.overlay.FONT_FRACTION));
  const picture = { pen, font, size, width, height, captions, rules };
  for (const { box } of reading.faces) outline(picture, box);
  for (const face of reading.faces) label(picture, face);
}

function rgb([red, green, blue], opacity = 1) {
  return `rgb(${red} ${green} ${blue} / ${opacity})`;
}

function outline({ pen, rules }, { x, y, width, height }) {
  const line = Math.max(2, Math.round(Math.max(width, height) * 0.022));
  const edge = Math.max(2, Math.round(line * 0.6));
  pen.beginPath();
  pen.roundRect(x, y, width, height, Math.max(1, Math.min(width, height) * 0.09));
  for (const [colour, wide] of [
    [rules.annotation.INK, line + 2 * edge],
    [rules.annotation.WHITE, line],
  ]) {
    pen.strokeStyle = rgb(colour);
    pen.lineWidth = wide;
    pen.stroke();
  }
}

function panel({ pen, rules }, x, y, width, height) {
  pen.fillStyle = rgb(rules.annotation.INK, rules.overlay.BACKGROUND_OPACITY);
  pen.beginPath();
  pen.roundRect(x, y, width, height, 12);
  pen.fill();
}

function label(picture, { box, emotion }) {
  const { pen, font, captions, width: end, height: bottom } = picture;
  const size = Math.round(picture.size * 1.15);
  pen.font = `600 ${size}px ${font}`;
  pen.textBaseline = "middle";
  const [word, colour] = captions[emotion];
  const wide = pen.measureText(word).width + size;
  const high = Math.round(size * 1.55);
  const x = Math.max(0, Math.min(box.x + (box.width - wide) / 2, end - wide));
  const above = box.y - high - picture.size / 2;
  const below = box.y + box.height + picture.size / 2;
  // If there is no room above or below the face, the word is inside, over the forehead.
  let y = box.y + picture.size / 2;
  if (above >= 0) y = above;
  else if (below + high <= bottom) y = below;
  panel(picture, x, y, wide, high);
  pen.fillStyle = colour;
  pen.fillText(word, x + size / 2, y + high / 2);
}
