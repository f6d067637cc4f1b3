/*
 * A button that opens the file chooser at once. The file goes through Streamlit's own uploader on the
 * same page, which is hidden: files that it would refuse are refused here, in our words and before
 * anything is sent.
 *
 * If this browser can read photos itself, a photo does not go through the uploader: the reading goes to
 * the server (trigger `read`) and the photo stays here. State `able`: whether it can, if the page asks.
 */

const LOOK = 300; // ms between checks of the upload
const HEAD = 12; // bytes that identify a picture

/** One button per mounted component; Streamlit calls the function below at every rerun. */
const buttons = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let button = buttons.get(parentElement);
  if (!button) {
    button = new PhotoButton(parentElement);
    buttons.set(parentElement, button);
  }
  button.tell = setStateValue;
  button.trigger = setTriggerValue;
  button.update(data);
  // Also called between runs: end only what has left the page.
  return () => setTimeout(() => parentElement.isConnected || button.end());
}

class PhotoButton {
  constructor(root) {
    this.place = root.querySelector(".place");
    this.button = root.querySelector("button");
    this.label = root.querySelector("span");
    this.hint = root.querySelector(".hint");
    this.problem = root.querySelector(".problem p");
    this.send = root.querySelector(".problem button");
    this.turn = null;
    this.photos = null; // a promise of the module that reads photos here, or of null if none can
    this.button.addEventListener("click", () => {
      if (this.busy) return;
      this.uploader()?.click();
      this.photos?.then((photos) => photos?.prepare());
    });
    // In the capture phase: before Streamlit gets it.
    this.listener = (event) => this.chosen(event);
    document.addEventListener("change", this.listener, true);
    for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.place.addEventListener(kind, (event) => this.dragged(event));
    }
  }

  update(data) {
    this.data = data;
    if (data.module && !this.photos) {
      const module = import(new URL(data.module, document.baseURI).href);
      this.photos = module.then((photos) => (photos.able() ? photos : null)).catch(() => null);
      this.photos.then((photos) => (this.module = photos));
    }
    if (data.askAble) this.tellAble();
    this.place.className = `place ${data.look}${data.zone ? " zone" : ""}`;
    this.hint.textContent = data.hint;
    this.hint.hidden = !data.hint;
    if (data.turn !== this.turn) {
      // A new uploader: the last file has arrived.
      this.turn = data.turn;
      this.wait(false);
      this.say("");
    }
    if (!this.busy) this.label.textContent = data.label;
    this.place.hidden = false; // until now the button had no name
  }

  async tellAble() {
    const photos = await this.photos;
    const able = Boolean(photos?.able());
    if (able !== this.able) this.tell("able", (this.able = able));
  }

  uploader() {
    return document.querySelector(`.st-key-${this.data.uploader} input[type=file]`);
  }

  chosen(event) {
    if (event.target !== this.uploader() || !event.target.files.length) return;
    const [file] = event.target.files;
    this.file = null;
    const { suffixes, megabytes, clipSuffixes, clipMegabytes, texts } = this.data;
    const ending = file.name.split(".").pop().toLowerCase();
    const clip = clipSuffixes.includes(ending);
    const wrong =
      (clip
        ? file.size > clipMegabytes * 1_000_000 && texts.clipSize
        : (!suffixes.includes(ending) && texts.kind) ||
          (file.size > megabytes * 1_000_000 && texts.size)) || "";
    this.say(wrong);
    if (wrong) {
      event.stopPropagation();
      event.target.value = "";
      return;
    }
    if (this.photos && !clip && !this.forServer && !this.module?.isHandedOver()) {
      event.stopPropagation();
      event.target.value = "";
      this.read(file);
      return;
    }
    this.wait(true);
  }

  /** Read a photo in this browser, or send it if this browser cannot. */
  async read(file) {
    const { texts } = this.data;
    this.file = file;
    this.wait(true, texts.reading);
    const photos = await this.photos;
    if (!photos?.able()) return this.sendFile(file);
    let told = null;
    let wrong = "";
    try {
      if (await isPicture(file)) told = await photos.read(file);
      else wrong = texts.unreadable;
    } catch (error) {
      console.warn("A photo was not read in this browser:", String(error));
      wrong = texts.offer;
    }
    if (this.file !== file) return; // another one was chosen in the meantime
    if (told) return this.trigger("read", told);
    this.wait(false);
    this.say(wrong, wrong === texts.offer ? () => this.sendFile(file) : null);
    if (this.data.askAble) this.tellAble();
  }

  sendFile(file) {
    const input = this.uploader();
    if (!input) return;
    this.forServer = true;
    give(input, file);
    this.forServer = false;
  }

  /** Show that a file is on its way; only the uploader shows if an upload is interrupted. */
  wait(busy, label = this.data.texts.sending) {
    this.busy = busy;
    clearInterval(this.timer);
    this.button.setAttribute("aria-disabled", String(busy));
    this.label.textContent = busy ? label : this.data.label;
    if (!busy) return;
    this.timer = setInterval(() => {
      const box = document.querySelector(`.st-key-${this.data.uploader}`);
      if (!box?.querySelector("[aria-invalid=true]")) return;
      this.wait(false);
      this.say(this.data.texts.failed);
      for (const chip of box.querySelectorAll("[aria-invalid=true] button")) chip.click();
    }, LOOK);
  }

  say(text, send = null) {
    if (this.problem.textContent !== text) this.problem.textContent = text;
    this.send.textContent = this.data.texts.send;
    this.send.hidden = !send;
    this.send.onclick = send;
  }

  dragged(event) {
    if (!this.data.zone || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.place.classList.toggle("over", event.type === "dragenter" || event.type === "dragover");
    const input = this.uploader();
    if (event.type !== "drop" || this.busy || !input) return;
    give(input, event.dataTransfer.files[0]);
  }

  end() {
    clearInterval(this.timer);
    document.removeEventListener("change", this.listener, true);
  }
}

/** Give a file to an uploader, as if it had been chosen there. */
function give(input, file) {
  const one = new DataTransfer();
  one.items.add(file);
  input.files = one.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Whether a file begins like a picture: JPEG, PNG, WebP, GIF, BMP, HEIC or AVIF. */
async function isPicture(file) {
  const head = String.fromCharCode(...new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));
  return /^(\xff\xd8\xff|\x89PNG|RIFF....WEBP|GIF8|BM|....ftyp)/s.test(head);
}
