// What the console's pages do beyond HTML. Every page works without it.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  // Light or dark: the cookie lets the server write it into the next page.
  const theme = () => root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const toggleTheme = () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    document.cookie = "theme=" + root.dataset.theme + "; path=/; max-age=31536000; samesite=lax";
  };

  const say = (text) => {
    const live = document.getElementById("live");
    if (live) live.textContent = text;
  };

  const copy = async (button) => {
    const text = button.dataset.copy || document.getElementById(button.dataset.copyFrom).textContent;
    try {
      await navigator.clipboard.writeText(text);
      const label = button.textContent;
      button.textContent = "Copied";
      say("Copied to the clipboard.");
      setTimeout(() => { button.textContent = label; }, 1500);
    } catch {
      say("The browser doesn't allow copying here: select the text instead.");
    }
  };

  // A page that is one question opens as a dialog over the page that asks it.
  const openSheet = async (link) => {
    const sheet = document.getElementById("sheet");
    try {
      const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const body = page.querySelector("[data-sheet]");
      if (!answer.ok || answer.redirected || !body) throw new Error("not a dialog");
      sheet.replaceChildren(document.adoptNode(body));
      const title = sheet.querySelector("h1, h2");
      if (title) { title.id = "sheet-title"; sheet.setAttribute("aria-labelledby", "sheet-title"); }
      sheet.showModal();
    } catch {
      location.assign(link.href);
    }
  };

  document.addEventListener("click", (event) => {
    const on = event.target.closest("[data-copy], [data-copy-from], [data-toggle-theme], [data-toggle-menu], [data-close], a[data-dialog], [data-shortcuts], [data-confirm-target]");
    if (!on) return;
    if (on.matches("[data-copy], [data-copy-from]")) copy(on);
    else if (on.matches("[data-toggle-theme]")) { event.preventDefault(); toggleTheme(); }
    else if (on.matches("[data-shortcuts]")) document.getElementById("shortcuts").showModal();
    else if (on.matches("[data-toggle-menu]")) {
      const open = document.getElementById(on.getAttribute("aria-controls")).classList.toggle("open");
      on.setAttribute("aria-expanded", String(open));
    } else if (on.matches("[data-close]")) {
      const dialog = on.closest("dialog");
      if (dialog) { event.preventDefault(); dialog.close(); }
    } else if (on.matches("a[data-dialog]") && !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      openSheet(on);
    }
  });

  // One click, one thing: the server sees to it too.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method.toLowerCase() !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    const button = event.submitter;
    if (button) { button.setAttribute("aria-busy", "true"); button.classList.add("opacity-70"); }
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const b of form.querySelectorAll("[aria-busy]")) { b.removeAttribute("aria-busy"); b.classList.remove("opacity-70"); }
    }
  });

  // Controls that act as soon as they change, beside a button that does it.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const go = document.querySelector('[data-key="' + CSS.escape(event.key) + '"]');
    if (event.key === "?") document.getElementById("shortcuts")?.showModal();
    else if (event.key === "/") document.querySelector("[data-search]")?.focus();
    else if (go) go.click();
    else return;
    event.preventDefault();
  });

  // Columns of a table are dragged by their headers, or moved with Shift and an arrow
  // key while the header has the focus. Either way the address says so.
  const reorder = (header, column) => {
    const url = new URL(location.href);
    url.searchParams.set("columns", [...header.querySelectorAll("[data-column]")].map((th) => th.dataset.column).join(","));
    try { sessionStorage.setItem("column", column); } catch { /* the focus is lost, no more */ }
    location.assign(url);
  };
  try {
    const moved = sessionStorage.getItem("column");
    sessionStorage.removeItem("column");
    const th = moved && document.querySelector('th[data-column="' + CSS.escape(moved) + '"]');
    if (th) (th.querySelector("a") || th).focus();
  } catch { /* as above */ }
  document.addEventListener("keydown", (event) => {
    const th = event.shiftKey && event.target.closest?.("th[data-column]");
    const beside = th && { ArrowLeft: th.previousElementSibling, ArrowRight: th.nextElementSibling }[event.key];
    if (!beside || !beside.matches("[data-column]")) return;
    event.preventDefault();
    if (event.key === "ArrowLeft") beside.before(th); else beside.after(th);
    reorder(th.parentElement, th.dataset.column);
  });
  let dragged = null;
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("th[data-column]");
    if (dragged) event.dataTransfer.effectAllowed = "move";
  });
  document.addEventListener("dragover", (event) => {
    const over = event.target.closest?.("th[data-column]");
    if (!dragged || !over || over.closest("table") !== dragged.closest("table")) return;
    event.preventDefault();
    for (const th of over.parentElement.children) th.classList.toggle("drop", th === over);
  });
  document.addEventListener("dragend", () => {
    dragged = null;
    for (const th of document.querySelectorAll("th.drop")) th.classList.remove("drop");
  });
  document.addEventListener("drop", (event) => {
    const over = event.target.closest?.("th[data-column]");
    if (!dragged || !over || over === dragged) return;
    event.preventDefault();
    const headers = [...over.parentElement.children];
    if (headers.indexOf(dragged) < headers.indexOf(over)) over.after(dragged); else over.before(dragged);
    reorder(over.parentElement, dragged.dataset.column);
  });

  // Parts of a page that change by themselves are fetched anew. What somebody types
  // or reads elsewhere on the page stays as it is.
  const refresh = async (part) => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      if (!fresh) return;
      if (fresh.textContent !== part.textContent && !part.contains(document.activeElement)) {
        part.replaceWith(document.adoptNode(fresh));
        part = document.getElementById(part.id);
      }
      if (fresh.dataset.live) setTimeout(refresh, 1000 * Number(fresh.dataset.live), part);
      else say(part.textContent.replace(/\s+/g, " ").trim().slice(0, 200));
    } catch {
      setTimeout(refresh, 10000, part); // the server may be starting again
    }
  };
  for (const part of document.querySelectorAll("[data-live]")) setTimeout(refresh, 1000 * Number(part.dataset.live), part);

  // A form that goes on by itself: long work in steps, each of which can be seen.
  document.querySelector("form[data-continue]")?.requestSubmit();

  // One menu is open at a time, and Escape or a click elsewhere closes it.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.popup[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest?.("details.popup[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });
})();
