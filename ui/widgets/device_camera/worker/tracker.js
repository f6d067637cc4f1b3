/* Tracks faces from frame to frame, with their readings: `emotion/live/tracker.py`. */

import { clipBox, intersectionOverSmaller, wrapDegrees } from "./boxes.js";
import { turnedAway } from "./crop.js";
import { round } from "./images.js";
import { after, begin, meanProbabilities, stableFor } from "./smoothing.js";
import { faceTemplate, locate } from "./templates.js";

export class Tracker {
  constructor(rules) {
    this.rules = rules;
    this.next = 1;
    this.tracks = []; // the largest first
    this.room = null;
    this.present = new Set();
  }

  get allConfirmed() {
    const { MIN_DETECTIONS } = this.rules.tracker;
    return this.tracks.length > 0 && this.tracks.every(({ detections }) => detections >= MIN_DETECTIONS);
  }

  /** Move each face to where its template is found, and return whether all were found. */
  trackTemplates(frame) {
    let allFound = true;
    this.tracks = this.tracks.map((track) => {
      if (!track.template) return track;
      const found = locate(this.rules, frame.grey, track.template);
      if (!found) {
        allFound = false;
        return { ...track, inView: false };
      }
      const x = track.x + (found.x - track.template.x) / frame.scale;
      const y = track.y + (found.y - track.template.y) / frame.scale;
      return { ...track, x, y, inView: true, template: found };
    });
    return allFound;
  }

  /** Update the tracks with the faces detected in a frame. */
  update(faces, time) {
    const { LOST_AFTER_MISSES, LOST_AFTER_SECONDS, MAX_TRACKS } = this.rules.tracker;
    const detected = faces
      .filter(({ box }) => box.width * box.height)
      .map((face) => newTrack(this.rules, face, time));
    const matches = this.match(detected);
    const matched = new Set(matches.values());
    const known = this.tracks.map((track) =>
      matches.has(track.identity)
        ? this.approach(track, detected[matches.get(track.identity)])
        : { ...track, misses: track.misses + 1, inView: track.inView && track.template !== null },
    );
    const fresh = detected
      .filter((_, index) => !matched.has(index))
      .map((track) => ({ ...track, identity: this.next++ }));
    this.tracks = [...known, ...fresh]
      .filter(({ misses, detectedAt }) => misses < LOST_AFTER_MISSES || time - detectedAt < LOST_AFTER_SECONDS)
      .sort((a, b) => b.width * b.height - a.width * a.height)
      .slice(0, MAX_TRACKS);
  }

  /** Take each face's template from the frame in which it was just found. */
  renewTemplates(frame) {
    this.tracks = this.tracks.map((track) =>
      track.inView ? { ...track, template: faceTemplate(this.rules, frame, track) } : track,
    );
  }

  resize(across, down) {
    this.tracks = this.tracks.map((track) => ({
      ...track,
      x: track.x * across,
      y: track.y * down,
      width: track.width * across,
      height: track.height * down,
      template: null,
    }));
  }

  forgetMoods() {
    this.tracks = this.tracks.map((track) => ({ ...track, trace: null }));
    this.room = null;
  }

  /** Add a frame's probabilities (identity → seven) and return the reading of all faces. */
  read(probabilities, time, width, height) {
    const { MIN_DETECTIONS, UNREAD_SECONDS } = this.rules.tracker;
    this.tracks = this.tracks.map((track) => {
      const row = probabilities.get(track.identity);
      if (!row) return track;
      const trace = track.trace ? after(this.rules, track.trace, row, time) : begin(this.rules, row, time);
      return { ...track, trace };
    });
    const counted = this.tracks.filter(
      ({ trace, detections }) => trace && detections >= MIN_DETECTIONS && time - trace.time <= UNREAD_SECONDS,
    );
    if (!counted.length) {
      if (!this.tracks.length) this.room = null;
      return null;
    }
    const room = this.readRoom(counted, time);
    const mood = counted.length === 1 ? counted[0].trace : room;
    return {
      time,
      faces: counted.map((track) => ({
        identity: track.identity,
        box: clipBox(track.x, track.y, track.x + track.width, track.y + track.height, width, height),
        probabilities: track.trace.probabilities,
        emotion: track.trace.emotion,
      })),
      probabilities: mood.probabilities,
      emotion: mood.emotion,
      stableFor: stableFor(mood),
    };
  }

  readRoom(counted, time) {
    const mean = meanProbabilities(counted.map(({ trace }) => trace.probabilities));
    const present = new Set(counted.map(({ identity }) => identity));
    const same = [...present].some((identity) => this.present.has(identity));
    this.room = this.room && same ? after(this.rules, this.room, mean, time, 0) : begin(this.rules, mean, time);
    this.present = present;
    return this.room;
  }

  /** Match greedily by the overlap of the boxes: identity → index of a detection. */
  match(detected) {
    const pairs = this.tracks.flatMap((track) =>
      detected.map((other, index) => ({
        overlap: intersectionOverSmaller(boxOf(track), boxOf(other)),
        identity: track.identity,
        index,
      })),
    );
    pairs.sort((a, b) => b.overlap - a.overlap || a.identity - b.identity || a.index - b.index);
    const matches = new Map();
    const taken = new Set();
    for (const { overlap, identity, index } of pairs) {
      if (overlap >= this.rules.tracker.MATCH_THRESHOLD && !matches.has(identity) && !taken.has(index)) {
        matches.set(identity, index);
        taken.add(index);
      }
    }
    return matches;
  }

  /** The track after its face was detected: the centre moves quickly and the size slowly. */
  approach(track, detected) {
    const { POSITION_SMOOTHING_SECONDS, SIZE_SMOOTHING_SECONDS, JUMP_FRACTION } = this.rules.tracker;
    const seconds = Math.max(0, detected.detectedAt - track.detectedAt);
    let position = 1 - Math.exp(-seconds / POSITION_SMOOTHING_SECONDS);
    const size = 1 - Math.exp(-seconds / SIZE_SMOOTHING_SECONDS);
    const width = track.width + size * (detected.width - track.width);
    const height = track.height + size * (detected.height - track.height);
    let x = track.x + track.width / 2;
    let y = track.y + track.height / 2;
    const right = detected.x + detected.width / 2 - x;
    const down = detected.y + detected.height / 2 - y;
    const moved = Math.hypot(right, down) / Math.max(detected.width, detected.height);
    position = Math.max(position, Math.min(1, moved / JUMP_FRACTION));
    x += position * right;
    y += position * down;
    return {
      ...track,
      x: x - width / 2,
      y: y - height / 2,
      width,
      height,
      detectedAt: detected.detectedAt,
      detections: track.detections + 1,
      misses: 0,
      inView: true,
      angle: wrapDegrees(track.angle + position * wrapDegrees(detected.angle - track.angle)),
      turned: detected.turned,
    };
  }
}

/** A track's box in whole pixels. */
export function boxOf({ x, y, width, height }) {
  return { x: round(x), y: round(y), width: round(width), height: round(height) };
}

/** Whether a track's face is in view, turned to the camera, and enough of it is in the frame. */
export function isReadable(rules, track, width, height) {
  const across = Math.min(track.x + track.width, width) - Math.max(track.x, 0);
  const down = Math.min(track.y + track.height, height) - Math.max(track.y, 0);
  const box = boxOf(track);
  if (!track.inView || track.turned || !(box.width * box.height) || Math.min(across, down) <= 0) return false;
  // A face larger than the frame, close to the camera, is as visible as it can be.
  const possible = Math.min(track.width, width) * Math.min(track.height, height);
  return across * down >= rules.tracker.MIN_VISIBLE_FRACTION * possible;
}

function newTrack(rules, { region, points }, time) {
  const half = region.side / 2;
  return {
    identity: 0,
    x: region.x - half,
    y: region.y - half,
    width: region.side,
    height: region.side,
    detectedAt: time,
    detections: 1,
    misses: 0,
    trace: null,
    angle: region.angle,
    turned: turnedAway(rules, points),
    inView: true,
    template: null,
  };
}
