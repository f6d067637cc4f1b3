/* What a style sheet cannot do for Streamlit's menu on narrow screens. */
{
  const OPEN = '[data-testid="stExpandSidebarButton"]';
  const CLOSE = '[data-testid="stSidebarCollapseButton"] button';

  /* Streamlit names the buttons after a sidebar, which the page does not have. Their accessible names
     should match their labels. */
  const rename = (selector, name) => {
    const button = document.querySelector(selector);
    if (button && button.getAttribute("aria-label") !== name) button.setAttribute("aria-label", name);
  };
  new MutationObserver(() => {
    rename(OPEN, "Menu");
    rename(CLOSE, "Close menu");
  }).observe(document.documentElement, { childList: true, subtree: true });

  /* The open menu covers the page that was chosen in it. Streamlit closes it only if the browser says
     that it runs on a phone, and not in other narrow windows. */
  addEventListener("click", ({ target }) => {
    if (!target.closest?.('[data-testid="stSidebarNavLink"]')) return;
    setTimeout(() => document.querySelector(`${CLOSE}[aria-expanded="true"]`)?.click(), 100);
  });
}
