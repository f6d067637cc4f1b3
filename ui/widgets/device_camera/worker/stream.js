/* Camera frames in, current readings out: `emotion/live/stream.py`. */

import { cropRegion, extractCrop, preprocess } from "./crop.js";
import { Detector } from "./detector.js";
import { downscale, toGrey } from "./images.js";
import { searchFrame } from "./templates.js";
import { isReadable, Tracker } from "./tracker.js";

/** Reads one camera, frame by frame. Holds what is known about the visitor, until `forget`. */
export class FaceStream {
  /**
   * @param rules the constants that Python writes (`rules.json`)
   * @param networks { emotion, shortRange, fullRange, landmark }
   * @param working fraction of the time that readings may take
   * @param clock returns seconds, to measure what a detection costs
   */
  constructor(rules, networks, working = 1, clock = () => performance.now() / 1000) {
    this.rules = rules;
    this.emotion = networks.emotion;
    this.detector = new Detector(rules, networks);
    this.working = working;
    this.clock = clock;
    this.offsets = null;
    this.detectionCost = 0;
    this.forget();
  }

  forget() {
    this.detector.forget();
    this.tracker = new Tracker(this.rules);
    this.reads = 0;
    this.size = null;
    this.visitor = null;
    this.rest = null;
    this.detectedAt = -Infinity;
  }

  /** Add other offsets to the visitor's log-probabilities from the next frame on. */
  recentre(offsets) {
    if (JSON.stringify(offsets) === JSON.stringify(this.offsets)) return;
    this.offsets = offsets;
    this.tracker.forgetMoods();
  }

  /** Collect the readings of the visitor's face from now on. */
  collectResting(number) {
    this.visitor = null;
    this.rest = { number, rows: [] };
  }

  /** Read a frame { data, width, height, channels } at a time in seconds. */
  async read(frame, time) {
    this.adaptToSize(frame);
    const grey = toGrey(frame);
    const small = searchFrame(this.rules, grey);
    const allFound = this.tracker.trackTemplates(small);
    if (!allFound || !this.tracker.allConfirmed || time - this.detectedAt >= this.detectionInterval) {
      await this.detect(frame, small, time);
    }
    const readable = this.tracker.tracks.filter((track) =>
      isReadable(this.rules, track, frame.width, frame.height),
    );
    const probabilities = await this.classify(grey, readable);
    this.recentreVisitor(probabilities, readable, time);
    this.reads += 1;
    return this.tracker.read(probabilities, time, frame.width, frame.height);
  }

  get detectionInterval() {
    const { DETECTION_FRACTION, MIN_DETECTION_INTERVAL_SECONDS, MAX_DETECTION_INTERVAL_SECONDS } =
      this.rules.scheduler;
    const wanted = this.detectionCost / (DETECTION_FRACTION * this.working);
    return Math.min(MAX_DETECTION_INTERVAL_SECONDS, Math.max(MIN_DETECTION_INTERVAL_SECONDS, wanted));
  }

  adaptToSize({ width, height }) {
    if (this.size && (this.size.width !== width || this.size.height !== height)) {
      this.tracker.resize(width / this.size.width, height / this.size.height);
      this.detectedAt = -Infinity;
    }
    this.size = { width, height };
  }

  async detect(frame, small, time) {
    const began = this.clock();
    const [searched, scale] = downscale(frame, this.rules.stream.DETECTION_SIDE_PX);
    const faces = await this.detector.detect(searched);
    this.tracker.update(faces.map((face) => enlarged(face, 1 / scale)), time);
    const cost = this.clock() - began;
    const { COST_WEIGHT } = this.rules.scheduler;
    this.detectionCost = this.detectionCost ? this.detectionCost + COST_WEIGHT * (cost - this.detectionCost) : cost;
    this.detectedAt = time;
    this.tracker.renewTemplates(small);
  }

  /** Identity → seven probabilities. Every other reading uses the mirror image. */
  async classify(grey, tracks) {
    const probabilities = new Map();
    for (const track of tracks) {
      const { x, y, width, height, angle } = track;
      const face = { x: x + width / 2, y: y + height / 2, side: Math.max(width, height), angle };
      const crop = preprocess(this.rules, extractCrop(this.rules, grey, cropRegion(this.rules, face)));
      probabilities.set(track.identity, await this.predict(crop, this.reads % 2 === 1));
    }
    return probabilities;
  }

  /** The network's probabilities for one crop. */
  async predict({ data, width }, mirrored) {
    const pixels = new Float32Array(data.length);
    for (let at = 0; at < data.length; at += 1) {
      const column = at % width;
      pixels[at] = data[mirrored ? at - column + width - 1 - column : at];
    }
    const outputs = await this.emotion.run(pixels);
    return [...outputs[this.rules.output]];
  }

  recentreVisitor(probabilities, readable, time) {
    if (!this.tracker.tracks.some(({ identity }) => identity === this.visitor)) {
      this.visitor = readable.length ? readable[0].identity : null;
    }
    const row = probabilities.get(this.visitor);
    this.rest?.rows.push([time, row ?? null]);
    if (row && this.offsets) {
      const weighted = row.map((value, i) => value * Math.exp(this.offsets[i]));
      const total = weighted.reduce((sum, value) => sum + value, 0);
      probabilities.set(this.visitor, weighted.map((value) => value / total));
    }
  }
}

function enlarged(face, factor) {
  if (factor === 1) return face;
  const { box, region, points } = face;
  return {
    box: Object.fromEntries(Object.entries(box).map(([name, value]) => [name, Math.round(factor * value)])),
    region: { x: factor * region.x, y: factor * region.y, side: factor * region.side, angle: region.angle },
    points: points.map(([x, y]) => [factor * x, factor * y]),
  };
}
