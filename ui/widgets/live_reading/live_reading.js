/*
 * The heading and the progress beside a camera that this browser reads. `device_camera.js` provides the
 * reading: `window.affectuneReading`, and the event `affectune-reading` when it has changed.
 */

const panels = new WeakMap();

export default function ({ data, parentElement }) {
  let panel = panels.get(parentElement);
  if (!panel) {
    panel = new Panel(parentElement);
    panels.set(parentElement, panel);
  }
  panel.data = data;
  panel.draw();
  // Also called between runs: end only what has left the page.
  return () => setTimeout(() => parentElement.isConnected || panel.end());
}

class Panel {
  constructor(root) {
    this.root = root;
    const find = (selector) => root.querySelector(selector);
    [this.title, this.plain, this.bold, this.groove] = ["h1", "span", "strong", ".groove"].map(find);
    this.hear = () => this.draw();
    window.addEventListener("affectune-reading", this.hear);
  }

  end() {
    window.removeEventListener("affectune-reading", this.hear);
    panels.delete(this.root);
  }

  draw() {
    const { titles, first, lost, settling, stableAfter, keep } = this.data;
    const reading = window.affectuneReading;
    if (!reading) {
      if (!this.title.textContent) write(this.title, first);
      return;
    }
    write(this.title, titles[reading.emotion][reading.faces.length > 1 ? 1 : 0]);
    const progress = reading.inSight ? Math.min(1, reading.stableFor / stableAfter) : 0;
    const seconds = Math.max(1, Math.ceil(stableAfter - reading.stableFor));
    let words = settling[Math.min(seconds, settling.length) - 1];
    if (!reading.inSight) words = [lost, ""];
    else if (keep) words = [keep, ""];
    write(this.plain, words[0]);
    write(this.bold, words[1]);
    this.groove.hidden = reading.inSight && Boolean(keep);
    this.groove.setAttribute("aria-label", words.join(""));
    this.groove.setAttribute("aria-valuenow", Math.round(100 * progress));
    this.groove.firstElementChild.style.width = `${100 * progress}%`;
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
