/*
 * A photo of several people: every face can be tapped, and below is a small portrait of each, also for
 * the keyboard and screen readers. Sends the trigger `chosen`: a face's index, or the number that
 * stands for everyone.
 */

/** Mounted component → { number, url } of a photo that only this browser has. */
const urls = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const photo = parentElement.querySelector(".photo");
  const people = parentElement.querySelector(".people");
  const image = photo.querySelector("img");
  const own = urls.get(parentElement);
  const url = data.image ?? (own?.number === data.number ? own.url : "");
  if (url && image.src !== url) image.src = url;
  if (data.module) showOwn(parentElement, data);
  image.alt = data.alt;
  parentElement.querySelector(".ask").textContent = data.ask;
  people.setAttribute("aria-label", data.ask);

  const choose = (face) => setTriggerValue("chosen", face);
  const all = data.chosen === data.everyone.value;
  resize(photo, "button", data.faces.length, () => {
    const outline = document.createElement("button");
    outline.type = "button";
    outline.tabIndex = -1; // the portraits below do the same
    outline.setAttribute("aria-hidden", "true");
    outline.append(document.createElement("span"));
    return outline;
  });
  resize(people, "button", data.faces.length + 1, () => {
    const button = document.createElement("button");
    button.type = "button";
    return button;
  });

  const outlines = photo.querySelectorAll("button");
  const buttons = people.querySelectorAll("button");
  data.faces.forEach(({ label, box, crop }, face) => {
    const on = all || data.chosen === face;
    const outline = outlines[face];
    outline.className = on ? "on" : "";
    outline.onclick = () => choose(face);
    outline.querySelector("span").textContent = face + 1;
    for (const side of ["left", "top", "width", "height"]) outline.style[side] = `${box[side]}%`;

    const portrait = buttons[face];
    portrait.className = `face${data.chosen === face ? " on" : ""}`;
    portrait.setAttribute("aria-label", label);
    portrait.setAttribute("aria-pressed", String(data.chosen === face));
    portrait.onclick = () => choose(face);
    portrait.style.backgroundImage = url && `url("${url}")`;
    portrait.style.backgroundSize = `${10000 / crop.width}% ${10000 / crop.height}%`;
    portrait.style.backgroundPosition =
      `${share(crop.left, crop.width)}% ${share(crop.top, crop.height)}%`;
  });
  const everyone = buttons[data.faces.length];
  everyone.className = `everyone${all ? " on" : ""}`;
  everyone.textContent = data.everyone.label;
  everyone.setAttribute("aria-pressed", String(all));
  everyone.onclick = () => choose(data.everyone.value);
}

async function showOwn(root, { module, number }) {
  if (urls.get(root)?.number === number) return;
  const mine = { number, url: "" };
  urls.set(root, mine);
  const photos = await import(new URL(module, document.baseURI).href);
  mine.url = photos.kept(number)?.url ?? "";
  if (urls.get(root) !== mine || !mine.url) return;
  root.querySelector("img").src = mine.url;
  for (const portrait of root.querySelectorAll(".face")) portrait.style.backgroundImage = `url("${mine.url}")`;
}

/** The CSS background position, a percentage of the space left over, that starts at `from`. */
const share = (from, extent) => (extent >= 100 ? 0 : (from / (100 - extent)) * 100);

function resize(parent, selector, count, make) {
  const here = parent.querySelectorAll(`:scope > ${selector}`);
  for (let i = here.length; i < count; i += 1) parent.append(make());
  for (let i = count; i < here.length; i += 1) here[i].remove();
}
