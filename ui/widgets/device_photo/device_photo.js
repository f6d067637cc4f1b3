/*
 * A photo that only this browser has: drawn here, from its own copy. Or the offer to send it to the
 * server, which reads it as any other upload.
 */

/** What each mounted component shows; Streamlit calls the function below at every rerun. */
const shown = new WeakMap();

export default function ({ data, parentElement }) {
  const before = shown.get(parentElement);
  const wanted = JSON.stringify(data);
  if (before?.wanted === wanted) return before.leave;
  if (before?.url) URL.revokeObjectURL(before.url);
  const now = { wanted, url: null };
  now.leave = () =>
    setTimeout(() => {
      if (!parentElement.isConnected && now.url) URL.revokeObjectURL(now.url);
    });
  shown.set(parentElement, now);
  show(parentElement, data, now).catch(() => gone(parentElement, data));
  return now.leave;
}

async function show(root, { module, number, picture, offer, gone: text }, now) {
  const photos = await import(new URL(module, document.baseURI).href);
  const photo = photos.kept(number);
  if (shown.get(root) !== now) return;
  if (!photo) return gone(root, { picture, gone: text });
  if (picture) {
    const blob = await drawn(photo.url, picture);
    if (shown.get(root) !== now) return;
    now.url = URL.createObjectURL(blob);
    const image = root.querySelector("img");
    image.alt = picture.alt;
    image.src = now.url;
    image.hidden = false;
  }
  if (offer) {
    const place = root.querySelector(".offer");
    const button = place.querySelector("button");
    place.querySelector("p").textContent = offer.text;
    button.textContent = offer.label;
    button.onclick = () => {
      const uploader = document.querySelector(`.st-key-${offer.uploader}`);
      const input = uploader?.querySelector("input[type=file]");
      // An uploader that holds a file is already sending it.
      if (input && !uploader.querySelector("[data-testid=stFileUploaderFile]")) photos.handOver(photo.file, input);
    };
    place.hidden = false;
  }
}

function gone(root, { picture, gone: text }) {
  root.querySelector("img").hidden = true;
  root.querySelector(".offer").hidden = true;
  const place = root.querySelector(".gone");
  place.textContent = picture ? text : "";
  place.hidden = !picture;
}

/** A part of the photo with its face outlined: `emotion/annotation.py`. */
async function drawn(url, { part, whole, outline }) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const scale = image.naturalWidth / whole.width;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(part.width * scale);
  canvas.height = Math.round(part.height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.translate(-part.x, -part.y);
  pen.drawImage(image, 0, 0, whole.width, whole.height);
  if (outline) {
    const { x, y, width, height, line, edge, radius } = outline;
    for (const [colour, thickness] of [
      ["rgb(29 20 25)", line + 2 * edge],
      ["#fff", line],
    ]) {
      pen.strokeStyle = colour;
      pen.lineWidth = thickness;
      pen.beginPath();
      pen.roundRect(x, y, width - 1, height - 1, radius);
      pen.stroke();
    }
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("not drawn"))), "image/jpeg", 0.92);
  });
}
