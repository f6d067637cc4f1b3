/*
 * A slider with a word for every step. Sends the step as the trigger `step` once the thumb rests.
 */

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const range = find("input");
  const say = () => {
    const word = data.words[Number(range.value)];
    range.setAttribute("aria-valuetext", word);
    find("output").textContent = word;
  };
  find("label").textContent = data.label;
  range.setAttribute("aria-label", data.label);
  find(".ends").children[0].textContent = data.words[0];
  find(".ends").children[1].textContent = data.words.at(-1);
  range.max = String(data.words.length - 1);
  // Until Python echoes the last step sent, its older value must not move the thumb.
  if (range.dataset.sent === undefined || Number(range.dataset.sent) === data.step) {
    range.value = String(data.step);
    delete range.dataset.sent;
  }
  say();
  range.oninput = say;
  range.onchange = () => {
    range.dataset.sent = range.value;
    setTriggerValue("step", Number(range.value));
  };
}
