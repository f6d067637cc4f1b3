/*
 * The button that starts the camera, in the place of the picture, and what streamlit-webrtc does not
 * report about the camera.
 *
 * State `report`: whether this page may have a camera at all, and whether it was allowed before.
 * State `press`: the last press of a button, the last one answered, and the answer: an error's name,
 * or empty. States, not triggers, because a trigger is sent once, and a run that is stopped before it
 * has begun loses it; no press may be lost.
 */

const FRAME = "iframe[title='streamlit_webrtc.component.webrtc_streamer']";
const WATCH = 150; // ms between checks of the camera's frame
const LOW = 60; // pixels: a frame of less height shows no picture yet

/** One probe per mounted component; Streamlit calls the function below at every rerun. */
const probes = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let probe = probes.get(parentElement);
  if (!probe) {
    probe = new Probe(parentElement);
    probes.set(parentElement, probe);
  }
  probe.report = (report) => setStateValue("report", report);
  probe.say = (asked, answered, error) => setStateValue("press", { asked, answered, error });
  probe.update(data);
  // Also called between runs: end only what has left the page.
  return () => setTimeout(() => parentElement.isConnected || probe.end());
}

class Probe {
  constructor(root) {
    this.place = root.querySelector(".place");
    this.button = root.querySelector("button");
    this.button.addEventListener("click", () => this.press());
    this.turn = 0; // presses so far, of this button and the page's other ones
    this.opened = 0; // the last of them for which the camera was opened here
    this.told = "";
    this.stream = null;
    this.onDevice = false; // whether this browser reads the camera and shows its picture
    this.hear = ({ detail }) => {
      this.onDevice = detail.playing;
      if (detail.playing) this.release();
      this.draw();
    };
    document.addEventListener("affectune:camera", this.hear);
  }

  update({ poster, idle, turn, waiting, watch, constraints, known, allowed }) {
    this.poster = poster;
    this.draw();
    this.constraints = constraints;
    if (turn >= this.turn) {
      // The server knows of every press.
      this.turn = turn;
      this.button.hidden = !idle;
      if (idle) this.release();
    }
    // After a return to the page the server knows already.
    if (known) this.allowed = allowed;
    else this.look();
    if (waiting && turn > this.opened) this.open(turn);
    clearInterval(this.timer);
    if (watch) this.timer = setInterval(() => this.watch(), WATCH);
  }

  press() {
    this.turn += 1;
    this.button.hidden = true;
    if (this.allowed) {
      this.opened = this.turn;
      this.say(this.turn, this.turn, "");
    } else {
      this.say(this.turn, this.turn - 1, "");
      this.open(this.turn);
    }
  }

  async look() {
    const secure = window.isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia);
    this.allowed = secure && (await allowed());
    const report = { secure, allowed: this.allowed };
    const text = JSON.stringify(report);
    if (text !== this.told) {
      this.told = text;
      this.report(report);
    }
  }

  /** Ask for permission, and keep the camera open until the connection uses it: it starts once. */
  async open(turn) {
    this.opened = turn;
    if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
      return this.say(turn, turn, "InsecureContext");
    }
    try {
      this.release();
      this.stream = await navigator.mediaDevices.getUserMedia(this.constraints);
      setTimeout(() => this.release(), 10_000);
      this.allowed = true;
      this.say(turn, turn, "");
    } catch (error) {
      this.allowed = false;
      this.say(turn, turn, error.name);
    }
  }

  /** The camera's frame shows its errors as text: report their names. */
  watch() {
    const frame = document.querySelector(FRAME);
    outlastDisconnection(frame?.contentWindow);
    const found = /^(\w+Error):/.exec(frame?.contentDocument?.querySelector("[role=alert]")?.innerText);
    if (found) {
      this.allowed = false;
      this.say(this.turn, this.turn, found[1]);
    }
    if (this.playing()) this.release();
    this.draw();
  }

  /** Show the placeholder until there is a picture. */
  draw() {
    const playing = this.onDevice || this.playing();
    this.place.classList.toggle("off", !this.poster && playing);
    const frame = document.querySelector(FRAME);
    if (!frame) return;
    // Until then the frame shows that it is connecting, which the page already says.
    frame.style.opacity = playing ? "" : "0";
    frame.style.marginBottom = playing ? "" : `-${frame.clientHeight}px`;
  }

  playing() {
    const frame = document.querySelector(FRAME);
    const video = frame?.contentDocument?.querySelector("video");
    return video?.currentTime > 0 && frame.clientHeight > LOW;
  }

  release() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  end() {
    clearInterval(this.timer);
    document.removeEventListener("affectune:camera", this.hear);
    this.release();
  }
}

/**
 * Keep the camera's frame running while a connection is "disconnected": on a busy machine that lasts
 * for seconds and recovers (https://www.w3.org/TR/webrtc/#dom-rtcpeerconnectionstate).
 * streamlit-webrtc 0.79 hangs up at once; it still does if the state is "failed", which is final.
 */
function outlastDisconnection(view) {
  const connection = view?.RTCPeerConnection?.prototype;
  const state = connection && Object.getOwnPropertyDescriptor(connection, "connectionState");
  if (!state || state.get.outlasts) return;
  const get = function () {
    const found = state.get.call(this);
    return found === "disconnected" ? "connecting" : found;
  };
  get.outlasts = true;
  Object.defineProperty(connection, "connectionState", { ...state, get });
}

/** Whether the visitor has allowed the camera before, and there is one. */
async function allowed() {
  try {
    const { state } = await navigator.permissions.query({ name: "camera" });
    const devices = await navigator.mediaDevices.enumerateDevices();
    return state === "granted" && devices.some((device) => device.kind === "videoinput");
  } catch {
    return false; // the browser cannot say, so it is asked
  }
}
