/*
 * Reads a camera's frames off the main thread, so that the page stays responsive.
 *
 * In:  { kind: "load", working }, { kind: "frame", bitmap | pixels, time, mirror, number },
 *      { kind: "recentre", offsets }, { kind: "rest", number }, { kind: "forget" },
 *      { kind: "photo", file, number }
 * Out: { kind: "ready" }, { kind: "failed", message },
 *      { kind: "reading", reading, rest, seconds, number, width, height },
 *      { kind: "photo", reading, copy, number }
 *
 * Not a module: LiteRT loads its WebAssembly with importScripts, which modules lack.
 */

const NETWORKS = { emotion: "emotion", shortRange: "short_range", fullRange: "full_range", landmark: "landmark" };

let networks = null;
let stream = null;
let fromCanvas = null;
let canvas = null;

/** A LiteRT file: floats in, all outputs as floats out. */
class Network {
  constructor(Tensor, model) {
    this.Tensor = Tensor;
    this.model = model;
    this.shape = [...model.getInputDetails()[0].shape];
  }

  async run(pixels) {
    const input = new this.Tensor(pixels, this.shape);
    let outputs = [];
    try {
      outputs = await this.model.run(input);
      return outputs.map((output) => output.toTypedArray().slice());
    } finally {
      for (const tensor of [input, ...outputs]) tensor.delete();
    }
  }
}

async function load({ working, frameClock }) {
  const [{ loadLiteRt, loadAndCompile, Tensor }, { FaceStream }, images, rules] = await Promise.all([
    import("./litert/core.js"),
    import("./stream.js"),
    import("./images.js"),
    fetch(new URL("rules.json", self.location)).then((answer) => answer.json()),
  ]);
  fromCanvas = images.fromCanvas;
  // Otherwise the runtime would wake the GPU, which these small networks do not need.
  Object.defineProperty(self.navigator, "gpu", { value: undefined });
  // Otherwise the runtime would look for its WebAssembly beside this script, and log every step to the
  // page's console as an error. Real errors are thrown.
  self.Module = { locateFile: (name) => new URL(`litert/${name}`, self.location).href, printErr: () => {} };
  await loadLiteRt(new URL("litert/", self.location).href);
  networks = {};
  for (const [name, file] of Object.entries(NETWORKS)) {
    const model = await loadAndCompile(new URL(`networks/${file}.tflite`, self.location).href, { accelerator: "wasm" });
    networks[name] = new Network(Tensor, model);
    // The first run of a network prepares it.
    await networks[name].run(new Float32Array(networks[name].shape.reduce((a, b) => a * b)));
  }
  stream = new FaceStream(rules, networks, working, frameClock ? () => 0 : undefined);
}

async function readFrame({ bitmap, pixels, time, mirror, number }) {
  const began = performance.now();
  const image = fromCanvas(pixels ?? drawn(bitmap, mirror));
  const reading = await stream.read(image, time);
  const seconds = (performance.now() - began) / 1000;
  self.postMessage({
    kind: "reading",
    reading,
    rest: stream.rest,
    seconds,
    number,
    width: image.width,
    height: image.height,
  });
}

async function readPhotoFile({ file, number }) {
  const { readPhoto } = await import("./photo.js");
  self.postMessage({ kind: "photo", number, ...(await readPhoto(networks, stream, file)) });
}

/** A frame's pixels, mirrored if asked. */
function drawn(bitmap, mirror) {
  const { width, height } = bitmap;
  canvas ??= new OffscreenCanvas(width, height);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  if (mirror) pen.setTransform(-1, 0, 0, 1, width, 0);
  else pen.resetTransform();
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  return pen.getImageData(0, 0, width, height);
}

const HANDLERS = {
  load: (message) => load(message).then(() => self.postMessage({ kind: "ready" })),
  frame: readFrame,
  photo: readPhotoFile,
  recentre: ({ offsets }) => stream?.recentre(offsets),
  rest: ({ number }) => stream?.collectResting(number),
  forget: () => stream?.forget(),
};

// One message at a time: a later one must not change the state while a frame is being read.
let last = Promise.resolve();
self.onmessage = ({ data }) => {
  last = last
    .then(() => HANDLERS[data.kind](data))
    .catch((error) => self.postMessage({ kind: "failed", message: String(error), number: data.number }));
};
