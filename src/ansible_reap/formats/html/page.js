"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));
  all(".zoom, .check, .search, #theme").forEach((tool) => { tool.hidden = false; });

  const theme = byId("theme");
  if (theme) {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
    const label = () => { theme.textContent = isDark() ? "Light" : "Dark"; theme.setAttribute("aria-label", theme.textContent + " colours"); };
    theme.addEventListener("click", () => { document.documentElement.dataset.theme = isDark() ? "light" : "dark"; label(); });
    dark.addEventListener("change", label);
    label();
  }

  const table = document.querySelector("table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const search = byId("search"), count = byId("count"), tiles = all(".tile"), chart = byId("chart");
  const noun = table.dataset.noun || "job", nouns = table.dataset.nouns || noun + "s";
  let state = "";

  function filter() {
    const wanted = (search ? search.value : "").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = (!state || row.dataset.state.split(" ").includes(state)) && wanted.every((word) => words.get(row).includes(word));
      row.hidden = !fits;
      shown += fits;
      const bar = byId("b" + row.id.slice(1));
      if (bar) bar.classList.toggle("dim", !fits);
    }
    if (count) count.textContent = (shown === rows.length ? "" : shown + " of ") + rows.length + " " + (rows.length === 1 ? noun : nouns);
  }
  if (search) {
    let later = 0;
    search.addEventListener("input", () => { clearTimeout(later); later = setTimeout(filter, 80); });
  }
  tiles.forEach((tile) => tile.addEventListener("click", () => {
    state = state === tile.dataset.state ? "" : tile.dataset.state;
    tiles.forEach((each) => each.setAttribute("aria-pressed", String(each.dataset.state === state)));
    filter();
  }));

  const collator = new Intl.Collator("en", { numeric: true });
  all("thead th", table).forEach((head, column) => {
    if (head.dataset.fixed !== undefined) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      all("thead th", table).forEach((each) => each.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => { const cell = row.cells[column]; return cell.dataset.key === undefined ? cell.textContent : cell.dataset.key; };
      const keys = new Map(rows.map((row) => [row, key(row)]));
      const number = rows.every((row) => keys.get(row) !== "" && !Number.isNaN(Number(keys.get(row))));
      const order = number ? (a, b) => Number(keys.get(a)) - Number(keys.get(b)) : (a, b) => collator.compare(keys.get(a), keys.get(b));
      rows.slice().sort((a, b) => (down ? -1 : 1) * order(a, b)).forEach((row) => body.appendChild(row));
    });
  });

  if (!chart) return;
  const canvas = chart.querySelector(".canvas");
  const zoom = byId("zoom"), onlyBad = byId("only-bad");
  if (zoom) zoom.addEventListener("input", () => {
    const middle = (chart.scrollLeft + chart.clientWidth / 2) / canvas.scrollWidth;
    canvas.style.setProperty("--zoom", zoom.value);
    chart.scrollLeft = middle * canvas.scrollWidth - chart.clientWidth / 2;
  });
  if (onlyBad) onlyBad.addEventListener("change", () => all(".lanes:not(.bad)", chart).forEach((each) => { each.hidden = onlyBad.checked; }));

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.appendChild(tip);
  const rowOf = (bar) => byId("j" + bar.id.slice(1));
  function show(bar) {
    const row = rowOf(bar), head = document.createElement("b");
    const cells = Array.from(row.cells);
    const lines = [cells[1].textContent, cells[0].textContent + " \u00b7 " + cells[3].textContent, cells[2].querySelector(".where").textContent, cells[6].textContent.slice(0, 200)];
    head.textContent = cells[2].firstChild.textContent + (cells[2].querySelector(".item") || { textContent: "" }).textContent;
    tip.replaceChildren(head, ...lines.filter(Boolean).map((line) => Object.assign(document.createElement("span"), { textContent: line })));
    tip.hidden = false;
    const at = bar.getBoundingClientRect(), size = tip.getBoundingClientRect();
    const left = Math.max(at.left, chart.getBoundingClientRect().left);
    tip.style.left = Math.max(8, Math.min(left, innerWidth - size.width - 8)) + "px";
    tip.style.top = (at.bottom + size.height + 12 < innerHeight ? at.bottom + 8 : at.top - size.height - 8) + "px";
  }
  const hide = () => { tip.hidden = true; };
  canvas.addEventListener("mouseover", (event) => (event.target.classList.contains("bar") ? show(event.target) : hide()));
  canvas.addEventListener("mouseleave", hide);
  let current = null;
  // A move with the keyboard scrolls the chart: the tip goes along then.
  chart.addEventListener("scroll", () => (current && document.activeElement === canvas ? show(current) : hide()), { passive: true });

  function go(bar) {
    if (!bar) return;
    if (current) { current.classList.remove("at"); current.removeAttribute("aria-selected"); }
    current = bar;
    bar.classList.add("at");
    bar.setAttribute("aria-selected", "true");
    canvas.setAttribute("aria-activedescendant", bar.id);
    bar.scrollIntoView({ block: "nearest", inline: "nearest" });
    show(bar);
  }
  function open(bar) {
    const row = rowOf(bar);
    hide();
    all("tr.found").forEach((each) => each.classList.remove("found"));
    row.hidden = false;
    row.classList.add("found");
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
  }
  canvas.addEventListener("click", (event) => { if (event.target.classList.contains("bar")) open(event.target); });
  canvas.addEventListener("blur", hide);
  canvas.addEventListener("keydown", (event) => {
    const bars = all(".lanes:not([hidden]) .bar:not(.dim)", chart);
    if (!bars.length) return;
    const place = bars.indexOf(current);
    const lane = current && current.closest(".lanes");
    const hosts = Array.from(new Set(bars.map((bar) => bar.closest(".lanes"))));
    const beside = (step) => {
      const next = hosts[hosts.indexOf(lane) + step];
      if (!next) return null;
      const left = parseFloat(current.style.left);
      const distance = (bar) => Math.abs(parseFloat(bar.style.left) - left);
      return bars.filter((bar) => next.contains(bar)).reduce((a, b) => (distance(b) < distance(a) ? b : a));
    };
    const moves = {
      ArrowRight: () => bars[place + 1], ArrowLeft: () => bars[place - 1], Home: () => bars[0], End: () => bars[bars.length - 1],
      ArrowDown: () => (current ? beside(1) : bars[0]), ArrowUp: () => (current ? beside(-1) : bars[0]),
    };
    if (event.key === "Enter" && current) { open(current); event.preventDefault(); }
    else if (event.key === "Escape") hide();
    else if (moves[event.key]) { go(moves[event.key]()); event.preventDefault(); }
  });
})();
