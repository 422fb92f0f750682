"use strict";
(() => {
  const all = (selector) => document.querySelectorAll(selector);
  const one = (id) => document.getElementById(id);
  for (const element of all("[data-scripted]")) element.hidden = false;

  // Costs at another load: all of them are in the page, one is shown.
  const slider = one("load");
  const loads = [...new Set([...all("[data-load]")].map((element) => element.dataset.load))];
  const show = () => {
    const load = loads[Number(slider.value)];
    for (const element of all("[data-load]")) element.hidden = element.dataset.load !== load;
    for (const element of all("[data-load-name]")) element.textContent = load;
    one("load-name").textContent = load;
    slider.setAttribute("aria-valuetext", load);
  };
  slider.value = "0"; // browsers keep what it was
  slider.addEventListener("input", show);

  // Light or dark: as the system has it, until somebody chooses.
  const theme = one("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const now = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const label = () => { theme.textContent = now() === "dark" ? "Light" : "Dark"; };
  try {
    const kept = localStorage.getItem("tinystack-theme");
    if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  } catch { /* a page from disk may have no storage */ }
  theme.addEventListener("click", () => {
    root.dataset.theme = now() === "dark" ? "light" : "dark";
    label();
    try { localStorage.setItem("tinystack-theme", root.dataset.theme); } catch { /* as above */ }
  });
  dark.addEventListener("change", label);
  label();

  // Copying: the text is in the page to be selected where this is not allowed.
  for (const button of all("[data-copy]")) {
    button.addEventListener("click", async () => {
      let said = "Copied";
      try { await navigator.clipboard.writeText(button.dataset.copy); } catch { said = "Copying is not allowed here: select the text"; }
      one("said").textContent = said;
      setTimeout(() => { one("said").textContent = ""; }, 2500);
    });
  }

  // What a link leads to is open, and all of it is printed.
  addEventListener("beforeprint", () => { for (const details of all("details")) details.open = true; });
})();
