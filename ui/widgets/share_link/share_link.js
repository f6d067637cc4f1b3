/*
 * A button that copies the address of a set. The address is made here, because only the browser
 * knows how it reached the page; if it may not copy, it shows the address to copy by hand.
 */

export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  const status = parentElement.querySelector("p");
  const field = parentElement.querySelector("input");
  const address = new URL(data.address, window.location.href).href;
  button.textContent = data.label;
  field.setAttribute("aria-label", data.label);
  if (field.value !== address) {
    field.value = address;
    field.hidden = true;
    status.textContent = "";
  }
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(address);
      field.hidden = true;
      status.textContent = data.done;
    } catch {
      status.textContent = data.by_hand;
      field.hidden = false;
      field.select();
    }
  };
}
