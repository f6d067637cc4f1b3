/* Reads the faces in a photo: `emotion/recognizer.py`, with BlazeFace alone. */

import { suppressOverlaps } from "./boxes.js";
import { cropRegion, extractCrop, preprocess, turnedAway } from "./crop.js";
import { Detector, tiles } from "./detector.js";
import { fromCanvas, newImage, resize, scaledSize, toGrey } from "./images.js";

const MAX_PIXELS = 25_000_000; // larger pictures are downscaled as they are decoded
const SHOWN_PX = 1000; // longer side of the copy for the page: `ui/photo/picture.py`
const JPEG_QUALITY = 0.88;

/** Finds the faces in one photo, as thoroughly as `BlazefaceDetector` does. */
class PhotoDetector extends Detector {
  wholePixels = false;

  constructor(rules, networks) {
    const detector = { ...rules.detector, MAX_LIVE_PROPOSALS: rules.blazeface.MAX_PROPOSALS };
    super({ ...rules, detector }, networks);
  }

  /** Everything that may be a face, accepted or not, the most probable first. */
  async candidates(image) {
    const { NEAR_PADDING, PROPOSAL_THRESHOLD: above } = this.rules.blazeface;
    const proposed = [
      ...(await this.near.detect(image, { margin: NEAR_PADDING, above })),
      ...(await this.far.detect(image, { above })),
    ];
    for (const tile of tiles(this.rules, image.width, image.height)) {
      proposed.push(...(await this.proposeInTile(image, tile)));
    }
    return this.confirmAll(image, proposed);
  }

  /** Also try upside down, unless a face is clearly upright. */
  async confirm(image, box, points) {
    const upright = await super.confirm(image, box, points);
    if (upright && upright.score >= this.rules.blazeface.UPRIGHT_THRESHOLD) return upright;
    const [left, right, ...others] = points;
    const inverted = await super.confirm(image, box, [right, left, ...others]);
    if (!upright || !inverted) return upright ?? inverted;
    const better = inverted.accepted - upright.accepted || total(inverted) - total(upright);
    return better > 0 ? inverted : upright;
  }

  /** The faces of the rotated image that shows them best. */
  async detectRotated(image) {
    const { CONFIRM_THRESHOLD_ROTATED } = this.rules.blazeface;
    let best = { total: 0, faces: [] };
    for (const degrees of this.rules.auto.PHOTO_ROTATIONS) {
      const found = (await this.candidates(rotate(image, degrees))).filter(
        ({ accepted, score }) => accepted && score >= CONFIRM_THRESHOLD_ROTATED,
      );
      const most = Math.max(0, ...found.map(total));
      if (most > best.total) {
        best = { total: most, faces: found.map(({ face }) => rotateBack(face, degrees, image.width, image.height)) };
      }
    }
    return suppressOverlaps(this.rules, best.faces);
  }
}

const total = ({ score, landmarkScore }) => score + landmarkScore;

/**
 * Read a photo.
 *
 * @param networks { emotion, shortRange, fullRange, landmark }
 * @param stream a `FaceStream` with the same networks and rules
 * @param file as the visitor chose it
 * @returns what was read (`reading`: `faces`, how many were `tiny`, `away` and `leftOut`, and whether
 *   it is `unsure` that there are no others, in a picture of `width` and `height`), and a smaller
 *   copy (`copy`, a JPEG) to show
 */
export async function readPhoto(networks, stream, file) {
  const { image, canvas } = await decode(stream.rules, file);
  const reading = await readImage(networks, stream, image);
  return { reading, copy: await copyOf(canvas) };
}

/** Read an upright image { data, width, height, channels }. */
export async function readImage(networks, stream, image) {
  const { rules } = stream;
  const detector = new PhotoDetector(rules, networks);
  const candidates = await detector.candidates(image);
  const accepted = candidates.filter((candidate) => candidate.accepted).map(({ face }) => face);
  let found = suppressOverlaps(rules, accepted);
  // Here the server would ask another detector, which the browser lacks.
  const doubtful = candidates.some(
    (one) => !one.accepted && Math.max(one.score, one.landmarkScore) >= rules.blazeface.DOUBT_THRESHOLD,
  );
  const unsure = doubtful || !found.length;
  if (!found.length) found = await detector.detectRotated(image);
  const { MIN_FACE_PX, MAX_FACES } = rules.recognizer;
  const large = found.filter(({ box }) => Math.max(box.width, box.height) >= MIN_FACE_PX);
  const readable = large.filter(({ points }) => !turnedAway(rules, points));
  const chosen = readable.slice(0, MAX_FACES);
  const grey = toGrey(image);
  const faces = [];
  for (const { box, region } of chosen) {
    const crop = preprocess(rules, extractCrop(rules, grey, cropRegion(rules, region)));
    const [plain, mirrored] = [await stream.predict(crop, false), await stream.predict(crop, true)];
    faces.push({ box, probabilities: plain.map((value, place) => (value + mirrored[place]) / 2) });
  }
  return {
    faces,
    tiny: found.length - large.length,
    away: large.length - readable.length,
    leftOut: readable.length - chosen.length,
    unsure,
    width: image.width,
    height: image.height,
  };
}

/** A file's picture: upright, on white, at the size that the server reads, with its canvas. */
async function decode(rules, file) {
  // Colours as stored, like those that the network was trained on.
  let bitmap = await createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const [shorter, longer] = [Math.min(width, height), Math.max(width, height)];
  if (longer >= rules.panorama.MIN_ASPECT_RATIO * shorter) throw new Error("panoramas are read on the server");
  const [targetWidth, targetHeight] = targetSize(rules, width, height);
  if (width * height > MAX_PIXELS) {
    const large = bitmap;
    bitmap = await createImageBitmap(large, {
      resizeWidth: 2 * targetWidth,
      resizeHeight: 2 * targetHeight,
      resizeQuality: "high",
    });
    large.close();
  }
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  const image = fromCanvas(pen.getImageData(0, 0, canvas.width, canvas.height));
  if (image.width === targetWidth && image.height === targetHeight) return { image, canvas };
  return { image: resize(image, targetWidth, targetHeight, targetWidth / image.width), canvas };
}

/** The bounded size of a picture: `emotion/image/decoding.py`. */
function targetSize({ decoding }, width, height) {
  const [shorter, longer] = [Math.min(width, height), Math.max(width, height)];
  const { MAX_SIDE_PX, MAX_PANORAMA_HEIGHT_PX, MAX_PANORAMA_LENGTH_PX, MIN_PANORAMA_HEIGHT_PX } = decoding;
  let scale = MAX_SIDE_PX / longer;
  if (longer > 2 * shorter && shorter >= MIN_PANORAMA_HEIGHT_PX) {
    scale = Math.min(MAX_PANORAMA_HEIGHT_PX / shorter, MAX_PANORAMA_LENGTH_PX / longer);
  }
  return scaledSize(width, height, Math.min(scale, 1));
}

function copyOf(canvas) {
  const [width, height] = scaledSize(
    canvas.width,
    canvas.height,
    Math.min(1, SHOWN_PX / Math.max(canvas.width, canvas.height)),
  );
  const copy = new OffscreenCanvas(width, height);
  const pen = copy.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(canvas, 0, 0, width, height);
  return copy.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
}

/** An image rotated clockwise by 90, 180 or 270 degrees. */
function rotate({ data, width, height, channels }, degrees) {
  const lying = degrees !== 180;
  const rotated = newImage(lying ? height : width, lying ? width : height, channels);
  // Where the first pixel goes, and how far from there its neighbours to the right and below go.
  const [first, right, down] = {
    90: [height - 1, height, -1],
    180: [width * height - 1, -1, -width],
    270: [(width - 1) * height, -height, 1],
  }[degrees];
  for (let y = 0, from = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, from += channels) {
      const to = (first + x * right + y * down) * channels;
      for (let channel = 0; channel < channels; channel += 1) rotated.data[to + channel] = data[from + channel];
    }
  }
  return rotated;
}

/** A face of a rotated image, in the original image of this width and height. */
function rotateBack({ box, region, points }, degrees, width, height) {
  const back = ([x, y]) =>
    ({ 90: [y, height - x], 180: [width - x, height - y], 270: [width - y, x] })[degrees];
  const corners = [back([box.x, box.y]), back([box.x + box.width, box.y + box.height])];
  const [x, y] = back([region.x, region.y]);
  return {
    box: {
      x: Math.min(corners[0][0], corners[1][0]),
      y: Math.min(corners[0][1], corners[1][1]),
      width: Math.abs(corners[0][0] - corners[1][0]),
      height: Math.abs(corners[0][1] - corners[1][1]),
    },
    region: { x, y, side: region.side, angle: ((((region.angle - degrees + 180) % 360) + 360) % 360) - 180 },
    points: points.map(back),
  };
}
