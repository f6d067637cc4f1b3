/*
 * The photos that this page's visitor has chosen: read here, and kept here to be shown. One module
 * for the whole page, because one element takes a photo and another shows it.
 */

const LINGER = 60_000; // ms for which the worker waits for another photo
const LOADING = 90_000; // ms after which loading is too slow
const KEPT = 3; // photos: the one on the page, the one before it, and one that is being read

const photos = new Map(); // number → { file, url, reading }
let latest = 0;
let reader = null;
let unable = false; // whether reading here has failed, for as long as the page is open
let handingOver = false;

/** Whether this browser can read photos, as far as is known. */
export function able() {
  if (unable) return false;
  try {
    const pen = new OffscreenCanvas(1, 1).getContext("2d");
    return Boolean(pen && window.Worker && window.WebAssembly && window.createImageBitmap);
  } catch {
    return false;
  }
}

/** Load the worker, so that it is ready when a photo has been chosen. */
export function prepare() {
  if (!able()) return;
  reader ??= new Reader();
  reader.linger();
}

/**
 * Read a photo.
 *
 * @param file as it was chosen
 * @returns what is sent to the server: only numbers, and the `number` under which it is kept here
 * @throws if the picture cannot be opened or read here
 */
export async function read(file) {
  prepare();
  if (!reader) throw new Error("photos are not read in this browser");
  const { reading, copy } = await reader.read(file);
  latest += 1;
  photos.set(latest, { file, url: URL.createObjectURL(copy) });
  for (const number of photos.keys()) {
    if (number > latest - KEPT) break;
    URL.revokeObjectURL(photos.get(number).url);
    photos.delete(number);
  }
  const faces = reading.faces.map((face) => ({
    ...face,
    probabilities: face.probabilities.map((value) => Math.round(value * 10_000) / 10_000),
  }));
  return { ...reading, faces, number: latest };
}

/** A photo that was read: { file, url }, with the URL of its copy in this browser. */
export function kept(number) {
  return photos.get(number);
}

/** Give a file to Streamlit's uploader, for the server to read. */
export function handOver(file, input) {
  const one = new DataTransfer();
  one.items.add(file);
  input.files = one.files;
  handingOver = true;
  try {
    input.dispatchEvent(new Event("change", { bubbles: true }));
  } finally {
    handingOver = false;
  }
}

/** Whether the file that the uploader is getting right now is meant for the server. */
export function isHandedOver() {
  return handingOver;
}

/** The same worker as reads the camera's frames on the live page. */
class Reader {
  constructor() {
    this.waiting = new Map();
    this.number = 0;
    this.reading = 0; // photos
    this.worker = new Worker(new URL("worker.js", import.meta.url));
    this.loaded = new Promise((resolve, reject) => {
      const slow = setTimeout(() => reject(new Error("it takes too long to load")), LOADING);
      this.worker.onerror = (event) => {
        event.preventDefault?.();
        const error = new Error(event.message || "the worker could not be loaded");
        for (const { reject: fail } of this.waiting.values()) fail(error);
        reject(error);
      };
      this.worker.onmessage = ({ data }) => {
        if (data.kind === "ready") {
          clearTimeout(slow);
          resolve();
        } else if (data.kind === "failed" && data.number === undefined) reject(new Error(data.message));
        else this.answer(data);
      };
    });
    this.loaded.catch((error) => {
      console.warn("Photos are not read in this browser:", String(error));
      unable = true;
      this.end();
    });
    this.worker.postMessage({ kind: "load" });
  }

  async read(file) {
    this.reading += 1;
    try {
      await this.loaded;
      return await new Promise((resolve, reject) => {
        this.number += 1;
        this.waiting.set(this.number, { resolve, reject });
        this.worker.postMessage({ kind: "photo", file, number: this.number });
      });
    } finally {
      this.reading -= 1;
      this.linger();
    }
  }

  answer(data) {
    const { resolve, reject } = this.waiting.get(data.number) ?? {};
    this.waiting.delete(data.number);
    if (data.kind === "failed") reject?.(new Error(data.message));
    else resolve?.(data);
  }

  /** Wait for another photo, and end if none comes. */
  linger() {
    clearTimeout(this.leaving);
    if (reader !== this) return;
    this.leaving = setTimeout(() => (this.reading ? this.linger() : this.end()), LINGER);
  }

  end() {
    clearTimeout(this.leaving);
    this.worker.terminate();
    if (reader === this) reader = null;
  }
}
