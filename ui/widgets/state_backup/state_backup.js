/*
 * Keeps the visitor's state in the memory of this page, in case the server loses it. State `kept`: the
 * text that Python wrote. Streamlit sends it along with the next message, even to a server that does
 * not know this page. It is in no storage of the browser, and goes with the tab.
 *
 * The page's address gets the part that may be in an address, replacing the previous one: the Back
 * button leads to other pages, not to earlier likes.
 */

export default function ({ data, setStateValue }) {
  if (data.text !== data.known) setStateValue("kept", data.text);
  const address = new URL(window.location.href);
  if (data.mine) address.searchParams.set(data.parameter, data.mine);
  else address.searchParams.delete(data.parameter);
  if (address.href !== window.location.href) {
    window.history.replaceState(window.history.state, "", address);
  }
}
