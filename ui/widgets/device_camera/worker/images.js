/*
 * OpenCV's operations that `emotion` uses, equal to within a rounding error, which
 * `tests/browser/test_device_camera.py` measures.
 *
 * An image is { data, width, height, channels }, its values 0-255, row by row.
 */

const { fround } = Math;

/** Round half to even, like NumPy and OpenCV. */
export function round(value) {
  const near = Math.floor(value + 0.5);
  return near - value === 0.5 && near & 1 ? near - 1 : near;
}

/** The width and height, in whole pixels, of an image that is scaled. */
export function scaledSize(width, height, scale) {
  return [Math.max(1, round(width * scale)), Math.max(1, round(height * scale))];
}

export function newImage(width, height, channels, Kind = Uint8Array) {
  return { data: new Kind(width * height * channels), width, height, channels };
}

/** The RGB image in a canvas's pixels, whose fourth channel, opacity, is ignored. */
export function fromCanvas({ data, width, height }) {
  return { data, width, height, channels: 4 };
}

export function toGrey({ data, width, height, channels }) {
  const grey = newImage(width, height, 1);
  for (let from = 0, to = 0; to < grey.data.length; from += channels, to += 1) {
    grey.data[to] = (9798 * data[from] + 19235 * data[from + 1] + 3735 * data[from + 2] + 16384) >> 15;
  }
  return grey;
}

/** The part of an image between two corners. */
export function part({ data, width, channels }, left, top, right, bottom) {
  const cut = newImage(right - left, bottom - top, channels);
  const row = cut.width * channels;
  for (let y = 0; y < cut.height; y += 1) {
    const from = ((top + y) * width + left) * channels;
    cut.data.set(data.subarray(from, from + row), y * row);
  }
  return cut;
}

/** For each pixel of a smaller row, the source pixels that it averages, and their weights. */
function areaWeights(from, to) {
  const scale = from / to;
  const starts = new Int32Array(to + 1); // where a pixel's weights begin
  const firsts = new Int32Array(to); // the first source pixel
  const weights = [];
  for (let place = 0; place < to; place += 1) {
    const start = place * scale;
    const end = Math.min(start + scale, from);
    const first = Math.floor(start + 1e-9);
    for (let pixel = first; pixel < end - 1e-9; pixel += 1) {
      weights.push((Math.min(end, pixel + 1) - Math.max(start, pixel)) / (end - start));
    }
    firsts[place] = first;
    starts[place + 1] = weights.length;
  }
  return { starts, firsts, weights: Float32Array.from(weights) };
}

/** An image made smaller by averaging (INTER_AREA). */
export function resizeArea(image, width, height) {
  const [columns, rows] = [image.width / width, image.height / height];
  if (Number.isInteger(columns) && Number.isInteger(rows)) return meanOfBlocks(image, columns, rows);
  const { data, channels } = image;
  const kept = Math.min(channels, 3);
  const small = newImage(width, height, kept);
  const across = areaWeights(image.width, width);
  const down = areaWeights(image.height, height);
  // Sums in OpenCV's precision, so that halves are rounded as there.
  const row = new Float32Array(width * kept);
  const into = kept === 1 ? addGrey : addColour;
  for (let y = 0; y < height; y += 1) {
    row.fill(0);
    for (let step = down.starts[y]; step < down.starts[y + 1]; step += 1) {
      const line = down.firsts[y] + step - down.starts[y];
      into(row, data, line * image.width * channels, channels, across, down.weights[step]);
    }
    const to = y * row.length;
    for (let at = 0; at < row.length; at += 1) small.data[to + at] = round(row[at]);
  }
  return small;
}

/** Each pixel the mean of a block: OpenCV adds integers, and for 2 x 2 blocks rounds halves up. */
function meanOfBlocks({ data, width, height, channels }, columns, rows) {
  const kept = Math.min(channels, 3);
  const small = newImage(width / columns, height / rows, kept);
  const line = width * channels;
  const one = fround(1 / (columns * rows));
  const mean = columns === 2 && rows === 2 ? (sum) => (sum + 2) >> 2 : (sum) => round(fround(sum * one));
  for (let y = 0, to = 0; y < small.height; y += 1) {
    for (let x = 0; x < small.width; x += 1) {
      const corner = y * rows * line + x * columns * channels;
      for (let channel = 0; channel < kept; channel += 1, to += 1) {
        let sum = 0;
        for (let row = 0, from = corner + channel; row < rows; row += 1, from += line) {
          for (let at = from, end = from + columns * channels; at < end; at += channels) sum += data[at];
        }
        small.data[to] = mean(sum);
      }
    }
  }
  return small;
}

function addGrey(row, data, line, channels, { starts, firsts, weights }, weight) {
  for (let x = 0; x < row.length; x += 1) {
    let from = line + firsts[x];
    let sum = 0;
    for (let step = starts[x], end = starts[x + 1]; step < end; step += 1, from += 1) {
      sum = fround(sum + fround(weights[step] * data[from]));
    }
    row[x] += fround(weight * sum);
  }
}

function addColour(row, data, line, channels, { starts, firsts, weights }, weight) {
  for (let x = 0, to = 0; x < firsts.length; x += 1, to += 3) {
    let from = line + firsts[x] * channels;
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let step = starts[x], end = starts[x + 1]; step < end; step += 1, from += channels) {
      const part = weights[step];
      red = fround(red + fround(part * data[from]));
      green = fround(green + fround(part * data[from + 1]));
      blue = fround(blue + fround(part * data[from + 2]));
    }
    row[to] += fround(weight * red);
    row[to + 1] += fround(weight * green);
    row[to + 2] += fround(weight * blue);
  }
}

/** An image made larger (INTER_LINEAR), with weights in multiples of 1/2048 as in OpenCV. */
export function resizeLinear(image, width, height) {
  const { data, channels } = image;
  const kept = Math.min(channels, 3);
  const large = newImage(width, height, kept);
  const place = (to, from, length) => {
    const at = Math.max(0, Math.min(from - 1, fround((to + 0.5) * (from / length) - 0.5)));
    const low = Math.floor(at);
    const high = round(fround(at - low) * 2048);
    return [low, Math.min(from - 1, low + 1), 2048 - high, high];
  };
  const columns = Array.from({ length: width }, (_, x) => place(x, image.width, width));
  for (let y = 0; y < height; y += 1) {
    const [above, below, upper, lower] = place(y, image.height, height);
    for (let x = 0; x < width; x += 1) {
      const [left, right, before, after] = columns[x];
      for (let channel = 0; channel < kept; channel += 1) {
        const row = (line) =>
          data[(line * image.width + left) * channels + channel] * before +
          data[(line * image.width + right) * channels + channel] * after;
        const sum = ((upper * (row(above) >> 4)) >> 16) + ((lower * (row(below) >> 4)) >> 16);
        large.data[(y * width + x) * kept + channel] = (sum + 2) >> 2;
      }
    }
  }
  return large;
}

/** Resize by averaging to make an image smaller, else by interpolation. */
export function resize(image, width, height, scale) {
  return scale < 1 ? resizeArea(image, width, height) : resizeLinear(image, width, height);
}

/** An image of at most `maxSide` pixels a side, and its scale. */
export function downscale(image, maxSide) {
  const scale = Math.min(1, maxSide / Math.max(image.width, image.height));
  if (scale === 1) return [image, 1];
  return [resizeArea(image, ...scaledSize(image.width, image.height, scale)), scale];
}

// Positions are rounded to 1/32 of a pixel, by way of 1/1024, and weights to 1/32768, as OpenCV does.
const CUBIC_ONE = 1 << 15;
let cubicTable = null;

/** 16 integer weights for each of the 32 x 32 positions between four pixels. */
function cubicWeights() {
  const a = -0.75;
  const outer = (t) => ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
  const inner = (t) => ((a + 2) * t - (a + 3)) * t * t + 1;
  const line = Array.from({ length: 32 }, (_, step) => {
    const x = step / 32;
    const three = [outer(x + 1), inner(x), inner(1 - x)].map(fround);
    return [...three, fround(1 - three[0] - three[1] - three[2])];
  });
  const table = new Int32Array(32 * 32 * 16);
  for (let down = 0, at = 0; down < 32; down += 1) {
    for (let across = 0; across < 32; across += 1, at += 16) {
      let sum = 0;
      for (let i = 0; i < 16; i += 1) {
        const weight = round(fround(line[down][i >> 2] * line[across][i & 3]) * CUBIC_ONE);
        sum += table[at + i] = Math.min(weight, CUBIC_ONE - 1); // a short
      }
      // A rounding error of the sum is corrected in one of the four weights at the lower right.
      const last = [10, 11, 14, 15];
      const pick = (better) => last.reduce((best, i) => (better(table[at + i], table[at + best]) ? i : best));
      const most = pick((value, best) => value > best);
      const least = pick((value, best) => value < best);
      table[at + (sum < CUBIC_ONE ? most : least)] -= sum - CUBIC_ONE;
    }
  }
  return table;
}

/** A square sampled from a grey image, by a matrix (2, 3) from square to image; edges repeated. */
export function warpCubic({ data, width, height }, matrix, side) {
  cubicTable ??= cubicWeights();
  const warped = newImage(side, side, 1);
  const [[a, b, c], [d, e, f]] = matrix;
  const clamp = (value, end) => (value < 0 ? 0 : value >= end ? end - 1 : value);
  for (let row = 0; row < side; row += 1) {
    const startX = round((b * row + c) * 1024) + 16;
    const startY = round((e * row + f) * 1024) + 16;
    for (let column = 0; column < side; column += 1) {
      const x = (startX + round(a * column * 1024)) >> 5;
      const y = (startY + round(d * column * 1024)) >> 5;
      const left = (x >> 5) - 1;
      const top = (y >> 5) - 1;
      let weight = ((y & 31) * 32 + (x & 31)) * 16;
      let sum = CUBIC_ONE / 2;
      for (let i = 0; i < 4; i += 1) {
        const line = clamp(top + i, height) * width;
        for (let j = 0; j < 4; j += 1, weight += 1) sum += cubicTable[weight] * data[line + clamp(left + j, width)];
      }
      warped.data[row * side + column] = Math.max(0, Math.min(255, sum >> 15));
    }
  }
  return warped;
}

/** The same for an RGB image, bilinear, with one colour beyond the edge. */
export function warpLinear({ data, width, height, channels }, matrix, side, border) {
  const warped = newImage(side, side, 3);
  const [[a, b, c], [d, e, f]] = matrix;
  const line = width * channels;
  const look = (y, x, channel) =>
    y < 0 || x < 0 || y >= height || x >= width ? border[channel] : data[y * line + x * channels + channel];
  for (let row = 0, to = 0; row < side; row += 1) {
    const startX = round((b * row + c) * 1024) + 16;
    const startY = round((e * row + f) * 1024) + 16;
    for (let column = 0; column < side; column += 1, to += 3) {
      const x = (startX + round(a * column * 1024)) >> 5;
      const y = (startY + round(d * column * 1024)) >> 5;
      const left = x >> 5;
      const top = y >> 5;
      const across = (x & 31) / 32;
      const down = (y & 31) / 32;
      if (left >= 0 && top >= 0 && left + 1 < width && top + 1 < height) {
        const corner = top * line + left * channels;
        for (let channel = 0; channel < 3; channel += 1) {
          const at = corner + channel;
          const upper = data[at] + across * (data[at + channels] - data[at]);
          const lower = data[at + line] + across * (data[at + line + channels] - data[at + line]);
          warped.data[to + channel] = (upper + down * (lower - upper) + 0.5) | 0;
        }
      } else {
        for (let channel = 0; channel < 3; channel += 1) {
          const upper = look(top, left, channel) * (1 - across) + look(top, left + 1, channel) * across;
          const lower = look(top + 1, left, channel) * (1 - across) + look(top + 1, left + 1, channel) * across;
          warped.data[to + channel] = (upper * (1 - down) + lower * down + 0.5) | 0;
        }
      }
    }
  }
  return warped;
}

/** An index beyond an edge, mirrored at the outermost pixel (BORDER_REFLECT_101). */
export function reflect(place, length) {
  if (place < 0) return -place;
  return place >= length ? 2 * length - 2 - place : place;
}

/** A Gaussian blur of floats, with a kernel as wide as OpenCV's. */
export function blur({ data, width, height }, sigma) {
  const reach = (round(sigma * 8 + 1) | 1) >> 1;
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)));
  const total = kernel.reduce((sum, weight) => sum + weight, 0);
  const pass = (from, length, lines, step, stride) => {
    const out = new Float32Array(from.length);
    for (let line = 0; line < lines; line += 1) {
      for (let place = 0; place < length; place += 1) {
        let sum = 0;
        for (let i = -reach; i <= reach; i += 1) {
          sum += kernel[i + reach] * from[line * stride + reflect(place + i, length) * step];
        }
        out[line * stride + place * step] = sum / total;
      }
    }
    return out;
  };
  const across = pass(data, width, height, 1, width);
  return { data: pass(across, height, width, width, 1), width, height, channels: 1 };
}

export function deviation(values) {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / values.length);
}
