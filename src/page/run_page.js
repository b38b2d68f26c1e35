// The page in motion: selection, keys, filters, search. The last part of the script.

/** Selects an event, or none for -1, and highlights a cone: its own, unless another is given. */
function select(id, cone) {
  view.selected = id;
  // A filter by the cone keeps the cone while its events are gone through.
  const isKept = view.filter.isConeOnly && view.coneSet.has(id) && id !== failureEvent;
  if (!isKept) setCone(cone ?? (id < 0 ? [] : causalCone(id)));
  if (view.filter.isConeOnly && !isKept) layOut();
  if (id >= 0 && !isShown(view.rows, id)) clearFilters();
  if (id >= 0) reveal(id);
  redraw();
  drawSelected();
  markLine();
  markSentence();
  remember(id);
  if (id >= 0) say(`${seconds(run.events[id].at)} seconds, ${laneName(run.events[id].lane)} ${run.events[id].text}`);
}

function setCone(cone) {
  view.cone = cone;
  view.coneSet = eventSet(cone);
}

function markSentence() {
  for (const button of document.querySelectorAll("#summary [data-select]")) {
    const isCurrent = Number(button.dataset.select) === view.selected;
    if (isCurrent) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

/** Keeps the selected event in the address, so that a link to the file opens it. */
function remember(id) {
  try {
    history.replaceState(null, "", id < 0 ? location.pathname + location.search : `#event-${id}`);
  } catch {
    // Some browsers keep a file from changing its address.
  }
}

/** Selects the event `step` rows away from the selected one, or the first in sight. */
function move(step) {
  const { ids, rowOf, y } = view.rows;
  if (ids.length === 0) return;
  if (view.selected < 0) {
    const row = Math.min(firstAtLeast(y, -timeline.getBoundingClientRect().top), ids.length - 1);
    select(ids[row]);
    return;
  }
  const own = rowOf[view.selected];
  const next = step > 0 && ids[own] !== view.selected ? own : own + step;
  if (next >= 0 && next < ids.length) select(ids[next]);
}

/** Selects the event `step` further in the highlighted cone, which stays that of the event where the walk began. */
function walkCone(step) {
  const cone = view.cone.length > 0 ? view.cone : failureCone;
  const at = cone.indexOf(view.selected);
  const next = at < 0 ? cone.length - 1 : at + step;
  if (next >= 0 && next < cone.length) select(cone[next], cone);
}

function fill(box, values) {
  for (const [value, label] of values) box.append(element("option", { value }, label));
  box.parentElement.hidden = values.length < 2;
}

function distinct(values) {
  return [...new Set(values)].filter((value) => value !== undefined).sort();
}

/** The most clusters and operations that a filter offers. */
const MOST_OPTIONS = 500;

function fillFilters() {
  const lanes = run.lanes.map((lane, index) => [String(index), lane.name]);
  const same = (values) => values.slice(0, MOST_OPTIONS).map((value) => [value, value]);
  fill(document.getElementById("filter-lane"), lanes);
  fill(document.getElementById("filter-cluster"), same(distinct(run.events.flatMap((event) => event.clusters ?? []))));
  fill(document.getElementById("filter-operation"), same(distinct(run.events.map((event) => event.operation))));
}

function readFilters() {
  const value = (id) => document.getElementById(id).value;
  view.filter = {
    lane: value("filter-lane"),
    cluster: value("filter-cluster"),
    operation: value("filter-operation"),
    isConeOnly: document.getElementById("filter-cone").checked,
  };
  view.showRegisters = document.getElementById("show-registers").checked;
  layOut();
  if (view.selected >= 0) reveal(view.selected);
  say(`${view.rows.ids.length} events`);
}

function clearFilters() {
  for (const id of ["filter-lane", "filter-cluster", "filter-operation"]) document.getElementById(id).value = "";
  document.getElementById("filter-cone").checked = false;
  view.filter = { lane: "", cluster: "", operation: "", isConeOnly: false };
  layOut();
}

function search() {
  const query = document.getElementById("search").value;
  view.matches = findEvents(query);
  view.matchSet = eventSet(view.matches);
  showCount(query.trim() !== "");
  redraw();
}

function showCount(isSearched) {
  const count = view.matches.length;
  const at = view.matches.indexOf(view.selected);
  const position = at < 0 ? "" : `${at + 1} of `;
  const noun = count === 1 ? "match" : "matches";
  document.getElementById("matches").textContent = isSearched ? `${position}${count.toLocaleString("en")} ${noun}` : "";
}

/** Selects the next match of the search, or the one before. */
function moveMatch(step) {
  search();
  const { matches } = view;
  if (matches.length === 0) return;
  const after = firstAtLeast(matches, step > 0 ? view.selected + 1 : view.selected);
  const index = step > 0 ? after : after - 1;
  select(matches[(index + matches.length) % matches.length]);
  showCount(true);
}

function clear() {
  const box = document.getElementById("search");
  if (box.value !== "") {
    box.value = "";
    search();
  } else {
    select(-1);
  }
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  n: () => walkCone(1),
  p: () => walkCone(-1),
  f: () => failureEvent >= 0 && select(failureEvent),
  "/": () => document.getElementById("search").focus(),
  "?": () => document.getElementById("help").showModal(),
  Escape: clear,
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("help").open) return;
  const isTyping = event.target.matches?.("input[type=search], select");
  if (isTyping && event.key !== "Escape") return;
  const action = KEYS[event.key] ?? (event.target === timeline ? timelineKey(event.key) : undefined);
  if (action === undefined) return;
  event.preventDefault();
  action();
}

/** The keys of a list, which scroll the page elsewhere. */
function timelineKey(key) {
  const { ids } = view.rows;
  const keys = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    PageDown: () => move(Math.min(20, ids.length - 1 - view.rows.rowOf[Math.max(view.selected, 0)])),
    PageUp: () => move(-Math.min(20, view.rows.rowOf[Math.max(view.selected, 0)])),
    Home: () => ids.length > 0 && select(ids[0]),
    End: () => ids.length > 0 && select(ids.at(-1)),
  };
  return keys[key];
}

const THEMES = ["system", "light", "dark"];

function changeTheme() {
  const root = document.documentElement;
  const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "system") + 1) % THEMES.length];
  root.dataset.theme = next;
  document.getElementById("theme").textContent = `Theme: ${next}`;
}

/** Runs a function at most once for each frame. */
function oncePerFrame(work) {
  let isAwaited = false;
  return () => {
    if (isAwaited) return;
    isAwaited = true;
    requestAnimationFrame(() => {
      isAwaited = false;
      work();
    });
  };
}

function listen() {
  document.addEventListener("keydown", onKey);
  timeline.addEventListener("click", (event) => {
    const row = event.target.closest("[data-event]");
    if (row !== null) select(Number(row.dataset.event));
  });
  window.addEventListener("scroll", oncePerFrame(drawVisible), { passive: true });
  new ResizeObserver(oncePerFrame(onResize)).observe(timeline);
  const filters = document.getElementById("filters");
  filters.addEventListener("change", (event) => event.target.id !== "search" && readFilters());
  filters.addEventListener("submit", (event) => event.preventDefault());
  const box = document.getElementById("search");
  let timer;
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 120);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") moveMatch(event.shiftKey ? -1 : 1);
  });
  document.getElementById("theme").addEventListener("click", changeTheme);
  document.getElementById("help-button").addEventListener("click", KEYS["?"]);
  document.getElementById("unfold").addEventListener("click", unfold);
  window.addEventListener("hashchange", () => namedEvent() >= 0 && select(namedEvent()));
  window.addEventListener("beforeprint", drawPrint);
  matchMedia("print").addEventListener("change", (event) => event.matches && drawPrint());
}

function onResize() {
  if (timeline.clientWidth !== view.columns.width) layOut();
  else drawVisible();
}

/** Shows the details of the selected event in a narrow window, or hides them. */
function unfold() {
  const isOpen = document.getElementById("inspector").classList.toggle("is-open");
  document.getElementById("unfold").setAttribute("aria-expanded", String(isOpen));
  if (view.selected >= 0) reveal(view.selected);
}

/** The event that the address names, or -1. */
function namedEvent() {
  const id = Number(/^#event-(\d+)$/.exec(location.hash)?.[1] ?? -1);
  return id < run.events.length ? id : -1;
}

function start() {
  timeline.append(rowBox, canvas);
  drawSummary();
  drawScenario();
  fillFilters();
  document.getElementById("filter-cone").parentElement.hidden = run.events.length === 0;
  layOut();
  drawSelected();
  drawLegend();
  listen();
  const id = namedEvent();
  if (id >= 0) select(id);
  else if (failureEvent >= 0) showFailureInPlace();
}

/** Marks the failure's cone and describes the failure, while the page stays at its beginning. */
function showFailureInPlace() {
  view.selected = failureEvent;
  setCone(causalCone(failureEvent));
  redraw();
  drawSelected();
  markLine();
  markSentence();
}

start();
