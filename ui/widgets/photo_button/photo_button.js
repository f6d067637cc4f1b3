/*
 * A button that opens the picture chooser at once. The file goes through Streamlit's own uploader
 * on the same page, which is hidden: what it would say of a file that it refuses is said here, in
 * our words and before anything is sent.
 */

const LOOK = 300; // ms between two looks at the upload

/** One button per mounted component; Streamlit calls the function below at every rerun. */
const buttons = new WeakMap();

export default function ({ data, parentElement }) {
  let button = buttons.get(parentElement);
  if (!button) {
    button = new PhotoButton(parentElement);
    buttons.set(parentElement, button);
  }
  button.update(data);
  // Also called between two runs: only what has left the page is over.
  return () => setTimeout(() => parentElement.isConnected || button.end());
}

class PhotoButton {
  constructor(root) {
    this.place = root.querySelector(".place");
    this.button = root.querySelector("button");
    this.label = root.querySelector("span");
    this.hint = root.querySelector(".hint");
    this.problem = root.querySelector(".problem");
    this.turn = null;
    this.button.addEventListener("click", () => this.busy || this.uploader()?.click());
    // Before Streamlit hears of it.
    this.listener = (event) => this.chosen(event);
    document.addEventListener("change", this.listener, true);
    for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.place.addEventListener(kind, (event) => this.dragged(event));
    }
  }

  update(data) {
    this.data = data;
    this.place.className = `place ${data.look}${data.zone ? " zone" : ""}`;
    this.hint.textContent = data.hint;
    this.hint.hidden = !data.hint;
    if (data.turn !== this.turn) {
      // Another uploader: the last file has arrived.
      this.turn = data.turn;
      this.wait(false);
      this.say("");
    }
    if (!this.busy) this.label.textContent = data.label;
  }

  uploader() {
    return document.querySelector(`.st-key-${this.data.uploader} input[type=file]`);
  }

  chosen(event) {
    if (event.target !== this.uploader() || !event.target.files.length) return;
    const [file] = event.target.files;
    const { suffixes, megabytes, clipSuffixes, clipMegabytes, texts } = this.data;
    const ending = file.name.split(".").pop().toLowerCase();
    const wrong =
      (clipSuffixes.includes(ending)
        ? file.size > clipMegabytes * 1_000_000 && texts.clipSize
        : (!suffixes.includes(ending) && texts.kind) ||
          (file.size > megabytes * 1_000_000 && texts.size)) || "";
    this.say(wrong);
    if (wrong) {
      event.stopPropagation();
      event.target.value = "";
      return;
    }
    this.wait(true);
  }

  /** While the file is on its way; an upload that breaks off is only seen in the uploader. */
  wait(busy) {
    this.busy = busy;
    clearInterval(this.timer);
    this.button.setAttribute("aria-disabled", String(busy));
    this.label.textContent = busy ? this.data.texts.sending : this.data.label;
    if (!busy) return;
    this.timer = setInterval(() => {
      const box = document.querySelector(`.st-key-${this.data.uploader}`);
      if (!box?.querySelector("[aria-invalid=true]")) return;
      this.wait(false);
      this.say(this.data.texts.failed);
      for (const chip of box.querySelectorAll("[aria-invalid=true] button")) chip.click();
    }, LOOK);
  }

  say(text) {
    if (this.problem.textContent !== text) this.problem.textContent = text;
  }

  dragged(event) {
    if (!this.data.zone || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.place.classList.toggle("over", event.type === "dragenter" || event.type === "dragover");
    const input = this.uploader();
    if (event.type !== "drop" || this.busy || !input) return;
    const one = new DataTransfer();
    one.items.add(event.dataTransfer.files[0]);
    input.files = one.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  end() {
    clearInterval(this.timer);
    document.removeEventListener("change", this.listener, true);
  }
}
