/*
 * Asks the browser what it has to say about the camera, which streamlit-webrtc does not tell, and
 * draws the place of the picture while there is none.
 *
 * State `report`: whether this page may have a camera at all, and whether it was allowed before.
 * Trigger `answer`: how the visitor answered the browser's question, or what went wrong later.
 */

const FRAME = "iframe[title='streamlit_webrtc.component.webrtc_streamer']";
const WATCH = 400; // ms between two looks at the camera's frame

/** One probe per mounted component; Streamlit calls the function below at every rerun. */
const probes = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let probe = probes.get(parentElement);
  if (!probe) {
    probe = new Probe();
    probes.set(parentElement, probe);
  }
  parentElement.querySelector("svg").classList.toggle("off", !data.poster);
  probe.report = (report) => setStateValue("report", report);
  probe.answer = (answer) => setTriggerValue("answer", answer);
  probe.update(data);
  // Also called between two runs: only what has left the page is over.
  return () => setTimeout(() => parentElement.isConnected || probe.end());
}

class Probe {
  constructor() {
    this.asked = 0;
    this.told = "";
    this.stream = null;
  }

  update({ ask, watch, constraints, known }) {
    this.turn = ask;
    if (!known) this.look();
    // A mounted probe is asked anew for each press of the button, and answers each once.
    if (ask > this.asked) {
      this.asked = ask;
      this.open(ask, constraints);
    }
    clearInterval(this.timer);
    if (watch) this.timer = setInterval(() => this.watch(), WATCH);
  }

  async look() {
    const secure = window.isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia);
    const report = { secure, allowed: secure && (await allowed()) };
    const text = JSON.stringify(report);
    if (text !== this.told) {
      this.told = text;
      this.report(report);
    }
  }

  /** Put the question, and keep the camera open until the connection has it: it starts once. */
  async open(turn, constraints) {
    if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
      return this.answer({ turn, error: "InsecureContext" });
    }
    try {
      this.release();
      this.stream = await navigator.mediaDevices.getUserMedia(constraints);
      setTimeout(() => this.release(), 10_000);
      this.answer({ turn, error: "" });
    } catch (error) {
      this.answer({ turn, error: error.name });
    }
  }

  /** The camera's own frame shows its errors as text: pass on what it is. */
  watch() {
    const frame = document.querySelector(FRAME);
    const found = /^(\w+Error):/.exec(frame?.contentDocument?.querySelector("[role=alert]")?.innerText);
    if (found) this.answer({ turn: this.turn, error: found[1] });
    if (frame?.contentDocument?.querySelector("video")?.currentTime > 0) this.release();
  }

  release() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  end() {
    clearInterval(this.timer);
    this.release();
  }
}

/** Whether the visitor has allowed the camera before, and there is one. */
async function allowed() {
  try {
    const { state } = await navigator.permissions.query({ name: "camera" });
    const devices = await navigator.mediaDevices.enumerateDevices();
    return state === "granted" && devices.some((device) => device.kind === "videoinput");
  } catch {
    return false; // browsers that cannot say are asked
  }
}
