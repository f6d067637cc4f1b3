/*
 * Finding faces: `emotion/detectors/blazeface.py` and `emotion/live/detector.py`.
 *
 * Two networks propose faces, near and distant ones; each proposal is confirmed or rejected in a crop
 * that shows it upright and large.
 */

import { clipBox, intersectionOverSmaller, suppressOverlaps } from "./boxes.js";
import { part, resize, resizeArea, round, scaledSize, warpLinear } from "./images.js";

const RADIANS = Math.PI / 180;

/** One of the two networks that propose faces. */
class Blazeface {
  constructor(rules, name, network) {
    this.network = network;
    this.side = network.shape[1];
    this.iou = rules.blazeface_networks.MERGE_MIN_IOU;
    this.anchors = anchors(this.side, rules.blazeface_networks.STRIDES[name]);
  }

  /** The faces { score, box: [left, top, right, bottom], points }, the most probable first. */
  async detect(image, { margin = 0, above }) {
    const { pixels, scale, left, top } = letterbox(image, this.side, margin);
    const outputs = await this.network.run(pixels);
    const [logits, values] = outputs.sort((a, b) => a.length - b.length);
    const least = Math.log(above / (1 - above));
    const found = [];
    for (let index = 0; index < logits.length; index += 1) {
      if (!(logits[index] > least)) continue;
      const [anchorX, anchorY] = this.anchors[index].map((place) => place * this.side);
      const at = index * 16;
      const middleX = values[at] + anchorX;
      const middleY = values[at + 1] + anchorY;
      const halfWidth = values[at + 2] / 2;
      const halfHeight = values[at + 3] / 2;
      const points = [];
      for (let i = 4; i < 16; i += 2) {
        points.push([(values[at + i] + anchorX - left) / scale, (values[at + i + 1] + anchorY - top) / scale]);
      }
      found.push({
        score: probability(logits[index]),
        box: [
          (middleX - halfWidth - left) / scale,
          (middleY - halfHeight - top) / scale,
          (middleX + halfWidth - left) / scale,
          (middleY + halfHeight - top) / scale,
        ],
        points,
      });
    }
    return this.merge(found);
  }

  /** One detection for each face: the mean of those that overlap, weighted by score. */
  merge(found) {
    let left = [...found].sort((a, b) => b.score - a.score);
    const merged = [];
    while (left.length) {
      const [best] = left;
      const same = left.filter((other) => other === best || iou(best.box, other.box) >= this.iou);
      const total = same.reduce((sum, { score }) => sum + score, 0);
      const mean = (pick) => same.reduce((sum, one) => sum + (one.score / total) * pick(one), 0);
      merged.push({
        score: best.score,
        box: best.box.map((_, i) => mean(({ box }) => box[i])),
        points: best.points.map((_, i) => [mean(({ points }) => points[i][0]), mean(({ points }) => points[i][1])]),
      });
      left = left.filter((other) => !same.includes(other));
    }
    return merged;
  }
}

/** Finds the faces in one camera's frames, and remembers where they were. */
export class Detector {
  /** Whether the crops in which proposals are confirmed lie at whole pixels and degrees. */
  wholePixels = true;

  constructor(rules, { shortRange, fullRange, landmark }) {
    this.rules = rules;
    this.near = new Blazeface(rules, "short_range", shortRange);
    this.far = new Blazeface(rules, "full_range", fullRange);
    this.landmark = landmark;
    this.forget();
  }

  forget() {
    this.known = [];
    this.nextTile = 0;
  }

  /** The faces { box, region, turned, points } in an image, the largest first. */
  async detect(image) {
    let candidates = await this.candidates(image);
    const places = tiles(this.rules, image.width, image.height);
    if (places.length && !candidates.some(({ accepted }) => accepted)) {
      const tile = places[this.nextTile % places.length];
      candidates = await this.confirmAll(image, await this.proposeInTile(image, tile));
      this.nextTile += 1;
    }
    this.known = suppressOverlaps(
      this.rules,
      candidates.filter(({ accepted }) => accepted).map(({ face }) => face),
    );
    return this.known;
  }

  async candidates(image) {
    const { NEAR_PADDING, PROPOSAL_THRESHOLD: above } = this.rules.blazeface;
    return this.confirmAll(image, [
      ...this.known.map((face) => this.asProposal(face)),
      ...(await this.near.detect(image, { margin: NEAR_PADDING, above })),
      ...(await this.far.detect(image, { above })),
    ]);
  }

  async proposeInTile(image, [left, top, side]) {
    const tile = part(image, left, top, Math.min(image.width, left + side), Math.min(image.height, top + side));
    const found = await this.far.detect(tile, { above: this.rules.blazeface.PROPOSAL_THRESHOLD });
    return found.map(({ score, box, points }) => ({
      score,
      box: box.map((edge, i) => edge + (i % 2 ? top : left)),
      points: points.map(([x, y]) => [x + left, y + top]),
    }));
  }

  async confirmAll(image, proposed) {
    const ranked = [...proposed].sort((a, b) => b.score - a.score);
    const found = [];
    for (const { box, points } of this.dropDuplicates(ranked).slice(0, this.rules.detector.MAX_LIVE_PROPOSALS)) {
      const candidate = await this.confirm(image, box, points);
      if (candidate) found.push(candidate);
    }
    const total = ({ score, landmarkScore }) => score + landmarkScore;
    found.sort((a, b) => b.accepted - a.accepted || total(b) - total(a));
    const kept = [];
    for (const candidate of found) {
      const apart = (other) =>
        intersectionOverSmaller(candidate.face.box, other.face.box) < this.rules.boxes.NMS_THRESHOLD;
      if (kept.every(apart)) kept.push(candidate);
    }
    return kept;
  }

  dropDuplicates(proposals) {
    const { DUPLICATE_MAX_DISTANCE, DUPLICATE_SIZE_RATIOS } = this.rules.blazeface;
    const [low, high] = DUPLICATE_SIZE_RATIOS;
    const kept = [];
    for (const proposal of proposals) {
      const [x, y, side] = square(proposal.box);
      const repeated = kept.some(({ box }) => {
        const [otherX, otherY, other] = square(box);
        const far = Math.max(Math.abs(x - otherX), Math.abs(y - otherY));
        return far < DUPLICATE_MAX_DISTANCE * other && low < side / other && side / other < high;
      });
      if (!repeated) kept.push(proposal);
    }
    return kept;
  }

  /** A proposal with the scores of both networks, or null where the near one sees no face. */
  async confirm(image, box, points) {
    const rules = this.rules.blazeface;
    // Two machines agree to about a hundred-thousandth of a pixel, which the networks amplify to a
    // hundredth; in video, where each crop follows from the last, the difference would grow.
    const settle = this.wholePixels ? round : Number;
    const [x, y, side] = square(box, rules.CONFIRM_CROP_SCALE).map(settle);
    const lean = settle(eyeLineDegrees(points));
    const { pixels, toImage } = this.warpUpright(image, { x, y, side, angle: lean }, this.near.side);
    const seen = await this.near.detect(pixels, { above: rules.PROPOSAL_THRESHOLD });
    const centre = this.near.side / 2;
    const reach = rules.MAX_OFF_CENTRE * this.near.side;
    const best = seen.find((one) => {
      const [atX, atY] = square(one.box);
      return Math.max(Math.abs(atX - centre), Math.abs(atY - centre)) < reach;
    });
    if (!best) return null;
    const move = ([across, down]) => toImage.map(([a, b, c]) => a * across + b * down + c);
    const [inX, inY, inSide] = square(best.box);
    const [faceX, faceY] = move([inX, inY]);
    const faceSide = (inSide * side) / this.near.side;
    const moved = best.points.map(move);
    const face = this.face(faceX, faceY, faceSide, moved, image.width, image.height);
    const upright = {
      x: faceX,
      y: faceY,
      side: faceSide * rules.LANDMARK_CROP_SCALE,
      angle: eyeLineDegrees(moved),
    };
    const landmarkScore = await this.landmarkScore(image, upright);
    const lying = Math.abs(face.region.angle) > rules.LYING_FROM_DEGREES;
    const threshold = lying ? rules.CONFIRM_THRESHOLD_ROTATED : rules.CONFIRM_THRESHOLD;
    const accepted = best.score >= threshold && landmarkScore >= rules.LANDMARK_THRESHOLD;
    return { face, score: best.score, landmarkScore, accepted };
  }

  async landmarkScore(image, region) {
    const side = this.landmark.shape[1];
    const { pixels } = this.warpUpright(image, region, side);
    const values = new Float32Array(pixels.data.length);
    for (let at = 0; at < values.length; at += 1) values[at] = pixels.data[at] / 255;
    const outputs = await this.landmark.run(values);
    return probability(outputs.find((output) => output.length === 1)[0]);
  }

  asProposal({ region, points }) {
    const { SCALE, RISE } = this.rules.blazeface;
    const side = region.side / SCALE;
    const lower = RISE * region.side;
    const x = region.x - lower * Math.sin(region.angle * RADIANS);
    const y = region.y + lower * Math.cos(region.angle * RADIANS);
    return { score: 1, box: [x - side / 2, y - side / 2, x + side / 2, y + side / 2], points };
  }

  face(x, y, side, points, width, height) {
    const { SCALE, RISE } = this.rules.blazeface;
    const lean = eyeLineDegrees(points);
    side *= SCALE;
    x += RISE * side * Math.sin(lean * RADIANS);
    y -= RISE * side * Math.cos(lean * RADIANS);
    const half = side / 2;
    return {
      box: clipBox(x - half, y - half, x + half, y + half, width, height),
      region: { x, y, side, angle: lean },
      points,
    };
  }

  /** A region of an image, upright, and the matrix (2, 3) from there to the image. */
  warpUpright(image, region, side) {
    const scale = region.side / side;
    const cosine = Math.cos(region.angle * RADIANS) * scale;
    const sine = Math.sin(region.angle * RADIANS) * scale;
    const half = side / 2;
    const toImage = [
      [cosine, -sine, region.x - half * (cosine - sine)],
      [sine, cosine, region.y - half * (sine + cosine)],
    ];
    let matrix = toImage;
    if (scale > 2) [image, matrix] = downscaleAround(image, region, matrix, scale);
    return { pixels: warpLinear(image, matrix, side, this.rules.blazeface.BORDER_RGB), toImage };
  }
}

function downscaleAround(image, region, matrix, scale) {
  const reach = region.side * 0.75;
  const left = Math.max(0, Math.floor(region.x - reach));
  const top = Math.max(0, Math.floor(region.y - reach));
  const right = Math.min(image.width, Math.max(left + 1, Math.ceil(region.x + reach)));
  const bottom = Math.min(image.height, Math.max(top + 1, Math.ceil(region.y + reach)));
  if (right <= left || bottom <= top) return [image, matrix]; // all of it lies beyond the edge
  const width = Math.max(1, round((right - left) / scale));
  const height = Math.max(1, round((bottom - top) / scale));
  const small = resizeArea(part(image, left, top, right, bottom), width, height);
  const [[a, b, c], [d, e, f]] = matrix;
  const across = width / (right - left);
  const down = height / (bottom - top);
  return [
    small,
    [
      [a * across, b * across, (c - left) * across],
      [d * down, e * down, (f - top) * down],
    ],
  ];
}

/** The image in the middle of a black square, as values -1 to 1, with its scale, left and top. */
function letterbox(image, side, margin) {
  const scale = side / (Math.max(image.width, image.height) * (1 + 2 * margin));
  const [width, height] = scaledSize(image.width, image.height, scale);
  const same = width === image.width && height === image.height;
  const small = same ? image : resize(image, width, height, scale);
  const left = Math.floor((side - width) / 2);
  const top = Math.floor((side - height) / 2);
  const pixels = new Float32Array(side * side * 3).fill(-1);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = (y * width + x) * small.channels;
      const to = ((top + y) * side + left + x) * 3;
      for (let channel = 0; channel < 3; channel += 1) {
        pixels[to + channel] = small.data[from + channel] / 127.5 - 1;
      }
    }
  }
  return { pixels, scale, left, top };
}

/** The centres of the anchors, in fractions of the input's side. */
function anchors(side, strides) {
  const centres = [];
  for (const stride of new Set(strides)) {
    const cells = Math.floor(side / stride);
    const times = strides.filter((other) => other === stride).length;
    for (let cell = 0; cell < cells * cells; cell += 1) {
      const centre = [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
      for (let i = 0; i < times; i += 1) centres.push(centre);
    }
  }
  return centres;
}

/** The tiles [left, top, side] in which an image is searched for small faces. */
export function tiles(rules, width, height) {
  const { MIN_TILE_PX, TILE_FRACTION, TILE_OVERLAP } = rules.blazeface;
  const side = Math.max(MIN_TILE_PX, Math.ceil(TILE_FRACTION * Math.max(width, height)));
  if (Math.max(width, height) <= side * (1 + TILE_OVERLAP)) return [];
  const starts = (length) => {
    if (length <= side) return [0];
    const count = Math.ceil((length - side) / (side * (1 - TILE_OVERLAP))) + 1;
    return Array.from({ length: count }, (_, place) => round((place * (length - side)) / (count - 1)));
  };
  return starts(height).flatMap((top) => starts(width).map((left) => [left, top, side]));
}

/** The centre and the side, times a scale, of the square around a box. */
function square([left, top, right, bottom], scale = 1) {
  return [(left + right) / 2, (top + bottom) / 2, (scale * (right - left + bottom - top)) / 2];
}

function eyeLineDegrees([left, right]) {
  return Math.atan2(right[1] - left[1], right[0] - left[0]) / RADIANS;
}

function iou(a, b) {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]);
  return (width * height) / Math.max(areas - width * height, 1e-9);
}

/** In NumPy's precision, so that proposals which are equally probable there are so here. */
function probability(logit) {
  return Math.fround(1 / Math.fround(1 + Math.fround(Math.exp(-Math.max(-80, Math.min(80, logit))))));
}
