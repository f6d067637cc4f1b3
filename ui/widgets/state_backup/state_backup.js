/*
 * Keeps the visitor's state in the memory of this page, in case the server loses it. State `kept`: the text that
 * Python wrote. Streamlit sends it along with whatever comes next, also to a server that has never
 * heard of this page. It is in no storage of the browser's, and goes with the tab.
 *
 * The address of the page gets the part of it that may stand in an address, in place of the one
 * before: the way back leads to other pages, not to other likes.
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
