/*
 * Says that the connection to the server is lost, while it is. Once it is back, the state `again`
 * makes Python rerun the page, so that a restarted server learns what was on it.
 */

const PATIENCE = 1500; // ms after which most connections are back
const ROOM = 300; // ms for a click to come first
const notices = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let notice = notices.get(parentElement);
  if (!notice) {
    notice = new Notice(parentElement);
    notices.set(parentElement, notice);
  }
  notice.text = data.text;
  notice.draw = (again) => setStateValue("again", again);
  return () => setTimeout(() => parentElement.isConnected || notice.end());
}

class Notice {
  constructor(root) {
    this.line = root.querySelector("p");
    this.lost = 0;
    this.app = document.querySelector("[data-test-connection-state]");
    this.observer = new MutationObserver(() => this.look());
    if (this.app) {
      this.observer.observe(this.app, { attributeFilter: ["data-test-connection-state"] });
    }
  }

  look() {
    const connected = this.app.dataset.testConnectionState === "CONNECTED";
    if (connected && this.away) {
      this.away = false;
      clearTimeout(this.timer);
      this.line.textContent = "";
      this.lost += 1;
      this.timer = setTimeout(() => this.drawAgain(), ROOM);
    } else if (!connected && !this.away) {
      this.away = true;
      this.timer = setTimeout(() => (this.line.textContent = this.text), PATIENCE);
    }
  }

  /** Rerun the page, unless a click has already started a run. */
  drawAgain() {
    if (this.app.dataset.testScriptState === "notRunning") this.draw(this.lost);
  }

  end() {
    clearTimeout(this.timer);
    this.observer.disconnect();
  }
}
