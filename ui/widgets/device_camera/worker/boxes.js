/* Boxes { x, y, width, height } in pixels: `emotion/boxes.py`. */

import { round } from "./images.js";

/** The fraction of the smaller box that lies in the other one. */
export function intersectionOverSmaller(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const smaller = Math.min(a.width * a.height, b.width * b.height);
  return width <= 0 || height <= 0 || smaller <= 0 ? 0 : (width * height) / smaller;
}

/** The box between two corners as whole pixels inside an image. */
export function clipBox(x, y, right, bottom, width, height) {
  const within = (value, end) => Math.min(Math.max(round(value), 0), end);
  const [left, top] = [within(x, width), within(y, height)];
  return {
    x: left,
    y: top,
    width: Math.max(0, within(right, width) - left),
    height: Math.max(0, within(bottom, height) - top),
  };
}

/** Non-maximum suppression: the faces that overlap no better one, the largest first. */
export function suppressOverlaps(rules, faces) {
  const kept = [];
  for (const face of faces) {
    const apart = (other) => intersectionOverSmaller(face.box, other.box) < rules.boxes.NMS_THRESHOLD;
    if (face.box.width * face.box.height && kept.every(apart)) kept.push(face);
  }
  const area = ({ box }) => box.width * box.height;
  return kept.sort(
    (a, b) => area(b) - area(a) || a.box.x - b.box.x || a.box.y - b.box.y || a.box.width - b.box.width,
  );
}

export function wrapDegrees(degrees) {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}
