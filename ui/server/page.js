/* What a style sheet cannot say of Streamlit's menu on narrow screens. */
{
  const OPEN = '[data-testid="stExpandSidebarButton"]';
  const CLOSE = '[data-testid="stSidebarCollapseButton"] button';

  /* Streamlit names the buttons after a sidebar that no visitor has seen. Their accessible names are
     to be what is written on them. */
  const rename = (selector, name) => {
    const button = document.querySelector(selector);
    if (button && button.getAttribute("aria-label") !== name) button.setAttribute("aria-label", name);
  };
  new MutationObserver(() => {
    rename(OPEN, "Menu");
    rename(CLOSE, "Close menu");
  }).observe(document.documentElement, { childList: true, subtree: true });

  /* The menu covers the page that was chosen in it. Streamlit closes it where the browser says that it
     is a phone's, and leaves it open in any other narrow window. */
  addEventListener("click", ({ target }) => {
    if (!target.closest?.('[data-testid="stSidebarNavLink"]')) return;
    setTimeout(() => document.querySelector(`${CLOSE}[aria-expanded="true"]`)?.click(), 100);
  });
}
