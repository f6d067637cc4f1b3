/* A face's crop as the network reads it: `emotion/crop.py`, step by step. */

import { blur, deviation, newImage, part, reflect, resizeArea, round, scaledSize, warpCubic } from "./images.js";

const RADIANS = Math.PI / 180;
const LAPLACIAN_DIFFERENCE = [1, -2, 1, -2, 4, -2, 1, -2, 1];
const MEDIAN_LAPLACIAN_OF_NOISE = 6 * 0.6745;

/** The square region { x, y, side, angle } of the image to read for a face's own region. */
export function cropRegion(rules, { x, y, side, angle }) {
  const level = Math.abs(angle) >= rules.crop.LEVEL_FROM_DEGREES;
  return { x, y, side: side * (1 + rules.crop.CROP_MARGIN), angle: level ? angle : 0 };
}

/** A region of a grey image, rotated upright, at the network's input size. */
export function extractCrop(rules, grey, region) {
  const size = rules.crop.CROP_SIDE_PX;
  const canvas = 2 * size;
  const scale = Math.min(1, canvas / region.side);
  if (scale < 1) [grey, region] = downscaleAround(grey, region, scale);
  const cosine = (Math.cos(region.angle * RADIANS) * region.side) / canvas;
  const sine = (Math.sin(region.angle * RADIANS) * region.side) / canvas;
  const middle = (canvas - 1) / 2;
  const toImage = [
    [cosine, -sine, region.x - 0.5 - middle * (cosine - sine)],
    [sine, cosine, region.y - 0.5 - middle * (sine + cosine)],
  ];
  const drawn = warpCubic(grey, toImage, canvas).data;
  const crop = newImage(size, size, 1);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const at = 2 * (y * canvas + x);
      crop.data[y * size + x] = (drawn[at] + drawn[at + 1] + drawn[at + canvas] + drawn[at + canvas + 1] + 2) >> 2;
    }
  }
  return crop;
}

function downscaleAround(grey, region, scale) {
  const reach = region.side * 0.75;
  const left = Math.max(0, Math.floor(region.x - reach));
  const top = Math.max(0, Math.floor(region.y - reach));
  const right = Math.min(grey.width, Math.ceil(region.x + reach));
  const bottom = Math.min(grey.height, Math.ceil(region.y + reach));
  const [width, height] = scaledSize(right - left, bottom - top, scale);
  const small = resizeArea(part(grey, left, top, right, bottom), width, height);
  const across = width / (right - left);
  const down = height / (bottom - top);
  const { x, y, side, angle } = region;
  return [small, { x: (x - left) * across, y: (y - top) * down, side: (side * (across + down)) / 2, angle }];
}

/** Preprocess a crop for the network: stretch its contrast, then denoise or sharpen it. */
export function preprocess(rules, crop) {
  const spread = stretchContrast(rules, crop);
  const noise = estimateNoise(spread);
  if (noise >= rules.crop.DENOISE_ABOVE) return stretchContrast(rules, denoise(spread, noise));
  return sharpen(rules, spread, measureSharpness(spread));
}

export function stretchContrast(rules, crop) {
  let low = 255;
  let high = 0;
  for (const value of crop.data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (high - low < rules.crop.MIN_CONTRAST) return crop;
  const gain = Math.fround(255 / (high - low));
  return { ...crop, data: crop.data.map((value) => round(Math.fround((value - low) * gain))) };
}

export function estimateNoise({ data, width, height }) {
  const residual = new Float32Array((width - 2) * (height - 2));
  let count = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      let sum = 0;
      for (let i = 0; i < 9; i += 1) {
        sum += LAPLACIAN_DIFFERENCE[i] * data[(y + Math.floor(i / 3) - 1) * width + x + (i % 3) - 1];
      }
      residual[count++] = Math.abs(sum);
    }
  }
  residual.sort();
  const middle = count >> 1;
  const median = count % 2 ? residual[middle] : (residual[middle - 1] + residual[middle]) / 2;
  return median / MEDIAN_LAPLACIAN_OF_NOISE;
}

export function measureSharpness(crop) {
  const fine = blur(crop, 0.8);
  const rest = blur(crop, 2.0).data;
  const coarse = deviation(fine.data.map((value, at) => value - rest[at]));
  if (!coarse) return 1;
  return deviation(Float32Array.from(crop.data, (value, at) => value - fine.data[at])) / coarse;
}

/** A bilateral filter: smooth where intensities differ by little more than the noise. */
export function denoise(crop, noise) {
  const { data, width, height } = crop;
  const radius = 3;
  const colour = -0.5 / (2.5 * noise) ** 2;
  const space = -0.5 / 1.5 ** 2;
  const near = [];
  for (let y = -radius; y <= radius; y += 1) {
    for (let x = -radius; x <= radius; x += 1) {
      if (Math.hypot(x, y) <= radius) near.push([x, y, Math.exp((x * x + y * y) * space)]);
    }
  }
  const alike = Float32Array.from({ length: 256 }, (_, step) => Math.exp(step * step * colour));
  const smooth = newImage(width, height, 1);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const here = data[y * width + x];
      let sum = 0;
      let total = 0;
      for (const [right, down, weight] of near) {
        const value = data[reflect(y + down, height) * width + reflect(x + right, width)];
        const counts = weight * alike[Math.abs(value - here)];
        sum += counts * value;
        total += counts;
      }
      smooth.data[y * width + x] = round(sum / total);
    }
  }
  return smooth;
}

export function sharpen(rules, crop, sharpness) {
  const { SHARPENING_GAIN, SHARPEN_BELOW, MAX_SHARPENING } = rules.crop;
  const amount = Math.min(SHARPENING_GAIN * (SHARPEN_BELOW - sharpness), MAX_SHARPENING);
  if (amount <= 0) return crop;
  const smooth = blur(crop, 1.0).data;
  return {
    ...crop,
    data: crop.data.map((value, at) => Math.max(0, Math.min(255, round(value + amount * (value - smooth[at]))))),
  };
}

/** Whether a face is turned too far away to be read: its nose lies beyond an ear. */
export function turnedAway(rules, [leftEye, rightEye, nose, , leftEar, rightEar]) {
  const lean = Math.atan2(rightEye[1] - leftEye[1], rightEye[0] - leftEye[0]);
  const cosine = Math.cos(lean);
  const sine = Math.sin(lean);
  const along = (point) => (point[0] - leftEar[0]) * cosine + (point[1] - leftEar[1]) * sine;
  const distance = along(rightEar);
  if (distance <= 0) return true;
  return Math.abs(along(nose) / distance - 0.5) >= 0.5 + rules.crop.TURNED_AWAY_BEYOND_EARS;
}
