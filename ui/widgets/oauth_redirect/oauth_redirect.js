/*
 * Out: writes the cookie that binds a sign-in to this browser, and goes to Spotify.
 * In: takes code and state out of the address, and the cookie out of the browser.
 *
 * State `cleaned_up`: the cookie of the sign-in whose address has been cleaned up. Streamlit itself
 * would clear the address by adding an entry to the browser's history, where the one with the code
 * would remain.
 */

const done = new Set();

export default function ({ data, setStateValue }) {
  const { url, cookie, value, seconds, leaving, press } = data;
  const turn = `${leaving}:${cookie}:${press}`;
  if (done.has(turn)) return; // Streamlit calls this at every rerun.
  done.add(turn);
  const secure = location.protocol.startsWith("https") ? "; secure" : "";
  if (leaving) {
    document.cookie = `${cookie}=${value}; path=/; max-age=${seconds}; samesite=strict${secure}`;
    location.assign(url);
  } else {
    history.replaceState(history.state, "", location.pathname);
    if (cookie) document.cookie = `${cookie}=; path=/; max-age=0; samesite=strict${secure}`;
    setStateValue("cleaned_up", cookie);
  }
}
