/* Finding a face again in the next frame: `emotion/live/template_tracking.py`. */

import { downscale, part, round } from "./images.js";

/** A grey frame, downscaled to be searched for templates: { grey, scale }. */
export function searchFrame(rules, frame) {
  const [grey, scale] = downscale(frame, rules.template_tracking.SEARCH_SIDE_PX);
  return { grey, scale };
}

/** The template { pixels, x, y } of a track's face, or null if the face is too small for one. */
export function faceTemplate(rules, { grey, scale }, track) {
  const { TEMPLATE_FRACTION, MIN_TEMPLATE_PX } = rules.template_tracking;
  const edge = (1 - TEMPLATE_FRACTION) / 2;
  const x = (track.x + edge * track.width) * scale;
  const y = (track.y + edge * track.height) * scale;
  const [left, top] = [Math.max(0, round(x)), Math.max(0, round(y))];
  const right = Math.min(grey.width, round(x + TEMPLATE_FRACTION * track.width * scale));
  const bottom = Math.min(grey.height, round(y + TEMPLATE_FRACTION * track.height * scale));
  if (right - left < MIN_TEMPLATE_PX || bottom - top < MIN_TEMPLATE_PX) return null;
  return { pixels: part(grey, left, top, right, bottom), x: left, y: top };
}

/** A template with the position at which it is found; null if nothing resembles it. */
export function locate(rules, grey, template) {
  const { MIN_SEARCH_MARGIN_PX, SEARCH_MARGIN, MIN_CORRELATION } = rules.template_tracking;
  const { width, height } = template.pixels;
  const margin = Math.max(MIN_SEARCH_MARGIN_PX, round(SEARCH_MARGIN * Math.max(height, width)));
  const left = Math.max(0, round(template.x) - margin);
  const top = Math.max(0, round(template.y) - margin);
  const right = Math.min(grey.width, round(template.x) + width + margin);
  const bottom = Math.min(grey.height, round(template.y) + height + margin);
  if (right - left < width || bottom - top < height) return null;
  const found = correlate(grey, template.pixels, left, top, right - width, bottom - height);
  const { values, columns, best } = found;
  if (!(values[best] >= MIN_CORRELATION)) return null;
  const column = best % columns;
  const row = Math.floor(best / columns);
  const across = values.subarray(row * columns, (row + 1) * columns);
  const down = values.filter((_, at) => at % columns === column);
  return { ...template, x: left + column + peak(across, column), y: top + row + peak(down, row) };
}

/** The normalized correlation (TM_CCOEFF_NORMED) at every position between two corners. */
function correlate(grey, { data, width, height }, left, top, right, bottom) {
  const count = width * height;
  let sum = 0;
  for (const value of data) sum += value;
  const centred = Float32Array.from(data, (value) => value - sum / count);
  let energy = 0;
  for (const value of centred) energy += value * value;
  const { plain, squares, stride } = integrals(grey, left, top, right + width, bottom + height);
  const columns = right - left + 1;
  const values = new Float32Array(columns * (bottom - top + 1));
  let best = 0;
  for (let y = 0; y <= bottom - top; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      let product = 0;
      for (let row = 0, at = 0; row < height; row += 1) {
        let from = (top + y + row) * grey.width + left + x;
        for (let end = at + width; at < end; at += 1, from += 1) product += centred[at] * grey.data[from];
      }
      const corner = y * stride + x;
      const under = corner + height * stride;
      const total = plain[under + width] - plain[under] - plain[corner + width] + plain[corner];
      const square = squares[under + width] - squares[under] - squares[corner + width] + squares[corner];
      const norm = Math.sqrt(energy * Math.max(0, square - (total * total) / count));
      const at = y * columns + x;
      values[at] = norm > 0 ? product / norm : 0;
      if (values[at] > values[best]) best = at;
    }
  }
  return { values, columns, best };
}

/** Integral images of a part: sums of intensities, and of their squares, above and to the left. */
function integrals({ data, width }, left, top, right, bottom) {
  const stride = right - left + 1;
  const plain = new Float64Array(stride * (bottom - top + 1));
  const squares = new Float64Array(plain.length);
  for (let y = top; y < bottom; y += 1) {
    let row = 0;
    let rowSquares = 0;
    for (let x = left; x < right; x += 1) {
      const value = data[y * width + x];
      row += value;
      rowSquares += value * value;
      const at = (y - top + 1) * stride + x - left + 1;
      plain[at] = plain[at - stride] + row;
      squares[at] = squares[at - stride] + rowSquares;
    }
  }
  return { plain, squares, stride };
}

/** The offset of the peak of a parabola through a value and its neighbours. */
function peak(values, index) {
  if (!(index > 0 && index < values.length - 1)) return 0;
  const [before, here, after] = values.subarray(index - 1, index + 2);
  const curvature = before - 2 * here + after;
  return curvature >= 0 ? 0 : Math.max(-0.5, Math.min(0.5, (before - after) / (2 * curvature)));
}
