/*
 * Keeps the visitor's state in the memory of this page, in case the server loses it. State `kept`: the text that
 * Python wrote. Streamlit sends it along with whatever comes next, also to a server that has never
 * heard of this page. It is in no storage of the browser's, and goes with the tab.
 */

export default function ({ data, setStateValue }) {
  if (data.text !== data.known) setStateValue("kept", data.text);
}
