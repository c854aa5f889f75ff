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
    document.dispatchEvent(new Event("themechange"));
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

  // Columns of a table are dragged, or moved with the buttons of its form: both
  // end in the same hidden field.
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
    over.before(dragged);
    const url = new URL(location.href);
    const order = [...over.parentElement.querySelectorAll("[data-column]")].map((th) => th.dataset.column);
    url.searchParams.set("columns", order.join(","));
    location.assign(url);
  });

  // Pages that wait for something look again.
  const waiting = document.querySelector("[data-reload]");
  if (waiting) setTimeout(() => location.reload(), 1000 * Number(waiting.dataset.reload));

  // Pictures are drawn from the tables beside them, so that both say the same.
  const draw = (box) => {
    const table = document.getElementById(box.dataset.chart);
    const rows = [...table.tBodies[0].rows];
    if (!rows.length || !window.uPlot) return;
    const labels = rows.map((row) => row.cells[0].textContent.trim());
    const values = rows.map((row) => Number(row.cells[1].dataset.value ?? row.cells[1].textContent));
    const style = getComputedStyle(root);
    const ink = style.getPropertyValue("--color-base-content"), line = style.getPropertyValue("--color-primary"), grid = style.getPropertyValue("--color-base-300");
    const bars = box.dataset.kind === "bars";
    const xs = labels.map((_, i) => i);
    box.replaceChildren();
    const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    new uPlot({
      width: box.clientWidth, height: 176,
      cursor: { show: false }, legend: { show: false },
      scales: { x: { time: false, range: [-0.6, labels.length - 0.4] }, y: { range: (_, min, max) => [0, Math.max(1, max * 1.1)] } },
      series: [{}, bars
        ? { paths: uPlot.paths.bars({ size: [0.6, 64] }), fill: line, stroke: line, points: { show: false } }
        : { stroke: line, width: 2, points: { show: false }, fill: line + "22" }],
      axes: [
        { ...axis, grid: { show: false }, splits: () => xs.filter((i) => i % Math.ceil(labels.length / (bars ? 12 : 6)) === 0), values: (_, at) => at.map((i) => labels[i]) },
        { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6] },
      ],
    }, [xs, values], box);
  };
  const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);
  if (window.uPlot) {
    drawAll();
    document.addEventListener("themechange", drawAll);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
    let width = innerWidth;
    addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawAll(); } });
  }
})();
