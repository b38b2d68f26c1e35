// The list of events under the diagram: a row for each, made only near the visible part of the page.

/** A part of the page: `element("p", { class: "note" }, "text", child)`. Text is never read as HTML. */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== ""));
  return made;
}

/** What the timeline shows: the layout, the filter, the selection. */
const view = {
  rows: undefined,
  columns: undefined,
  filter: { lane: "", cluster: "", operation: "", isConeOnly: false },
  showRegisters: false,
  selected: -1,
  /** The causal cone: ascending, and as a set. */
  cone: [],
  coneSet: eventSet([]),
  matches: [],
  matchSet: eventSet([]),
  isDimmed: (id) => view.coneSet.size > 0 && !view.coneSet.has(id),
};

const timeline = document.getElementById("timeline");
const canvas = svg("svg", { id: "diagram", "aria-hidden": "true" });
const rowBox = element("div", { id: "rows", role: "presentation" });

/** The heights between which rows and diagram are drawn at present. */
const drawn = { top: 0, bottom: -1 };

/** The number of each event's sentence in the explanation, from 1. */
const sentenceOf = new Map(run.explanation.map((sentence, index) => [sentence.event, index + 1]).reverse());

/** The events that the filter keeps. */
function filtered() {
  const { lane, cluster, operation, isConeOnly } = view.filter;
  const keeps = (id) => {
    const event = run.events[id];
    if (lane !== "" && event.lane !== Number(lane)) return false;
    if (cluster !== "" && !event.clusters?.includes(cluster)) return false;
    if (operation !== "" && event.operation !== operation) return false;
    return true;
  };
  const from = isConeOnly && view.cone.length > 0 ? view.cone : run.events.map((_, id) => id);
  return from.filter(keeps);
}

/** Lays the rows out anew, after a change of the filter or of the window. */
function layOut() {
  view.columns = layoutColumns(timeline.clientWidth);
  view.rows = layoutRows(filtered());
  timeline.style.height = `${Math.max(view.rows.height, 60)}px`;
  drawLaneNames();
  redraw();
}

/** Draws the visible part anew. */
function redraw() {
  drawn.bottom = -1;
  drawVisible();
}

/** Draws the visible part, unless what is drawn contains it. */
function drawVisible() {
  const top = Math.max(0, -timeline.getBoundingClientRect().top);
  const bottom = Math.min(view.rows.height, top + window.innerHeight);
  if (top >= drawn.top && bottom <= drawn.bottom) return;
  const margin = window.innerHeight / 2;
  drawn.top = Math.max(0, top - margin);
  drawn.bottom = Math.min(view.rows.height, bottom + margin);
  drawDiagram(canvas, view, drawn.top, Math.max(drawn.bottom, drawn.top));
  drawRows();
}

function drawRows() {
  const { ids, y } = view.rows;
  const made = [];
  for (let row = firstAtLeast(y, drawn.top - ROW); row < ids.length && y[row] < drawn.bottom + ROW; row++) {
    made.push(drawRow(row));
  }
  rowBox.replaceChildren(...made);
  if (view.selected >= 0 && isShown(view.rows, view.selected) && document.getElementById(`event-${view.selected}`)) {
    timeline.setAttribute("aria-activedescendant", `event-${view.selected}`);
  } else {
    timeline.removeAttribute("aria-activedescendant");
  }
}

function drawRow(row) {
  const id = view.rows.ids[row];
  const event = run.events[id];
  const text = element("span", { class: "row-text", title: event.text }, ...rowText(id, event));
  text.style.left = `${view.columns.textAt}px`;
  const time = element("span", { class: "row-time" }, seconds(event.at));
  time.style.width = `${view.columns.gutter - 8}px`;
  const made = element(
    "div",
    {
      id: `event-${id}`,
      role: "option",
      class: rowClass(id),
      "aria-selected": String(id === view.selected),
      "aria-setsize": view.rows.ids.length,
      "aria-posinset": row + 1,
    },
    time,
    text,
  );
  made.dataset.event = id;
  made.style.top = `${view.rows.y[row] - ROW / 2}px`;
  return made;
}

function rowClass(id) {
  const names = ["row"];
  if (id === view.selected) names.push("is-selected");
  if (id === failureEvent) names.push("is-failure");
  if (view.coneSet.has(id)) names.push("in-cone");
  if (view.isDimmed(id)) names.push("is-dimmed");
  if (view.matchSet.has(id)) names.push("is-match");
  return names.join(" ");
}

function rowText(id, event) {
  const parts = [];
  if (id === failureEvent) parts.push(element("strong", { class: "fails" }, "✗ fails "));
  if (sentenceOf.has(id)) {
    const label = `sentence ${sentenceOf.get(id)} of the explanation`;
    parts.push(element("span", { class: "badge", role: "img", "aria-label": label }, String(sentenceOf.get(id))));
  }
  parts.push(element("span", { class: "row-lane" }, laneName(event.lane)), " ");
  const registers = view.showRegisters ? registersWritten(event) : "";
  if (registers === "") parts.push(shortText(event));
  else parts.push(element("span", { class: "row-register" }, `◇ ${registers}`));
  return parts;
}

/** The text of an event without what the diagram shows. */
function shortText(event) {
  return event.text.replace(/, arriving at [\d.]+$/, "").replace(" (attempt 1)", "");
}

const LANE_KINDS = { client: "client", controlPlane: "control plane", witness: "witness" };

/** The names of the lanes above the diagram, which stay while the page scrolls. */
function drawLaneNames() {
  const { columns } = view;
  const lanes = document.getElementById("lanes");
  const isNarrow = columns.lane < 60;
  lanes.replaceChildren(...run.lanes.map((lane, index) => laneHeading(lane, index, isNarrow)));
  lanes.classList.toggle("is-upright", isNarrow);
  const time = element("span", { class: "heading" }, "seconds");
  time.style.width = `${columns.gutter - 8}px`;
  time.style.textAlign = "right";
  const event = element("span", { class: "heading" }, "event");
  event.style.left = `${columns.textAt}px`;
  lanes.append(time, event);
  if (columns.curve === 0) return;
  const curve = element("span", { class: "heading" }, isNarrow ? "P" : "P(failure)");
  curve.style.left = `${columns.curveAt}px`;
  curve.title = "how many of the futures drawn anew from here failed";
  lanes.append(curve);
}

function laneHeading(lane, index, isNarrow) {
  // The kind stands below the name, where there is room for it.
  const short = isNarrow ? lane.name : lane.name.replace(/\/witness$/, "");
  const name = element("span", { class: "lane-name", title: lane.name }, short);
  const long = LANE_KINDS[lane.kind] ?? lane.kind;
  const kind = element("span", { class: "lane-kind" }, view.columns.lane < 80 ? long.split(" ")[0] : long);
  const crowded = view.filter.cluster === "" ? crowdedOut(view.rows, view.columns, index) : 0;
  if (crowded > 0) {
    const title = `the statuses of ${crowded} more clusters: filter by a cluster to see its own`;
    name.append(element("span", { class: "more", title }, ` +${crowded}`));
  }
  const made = element("span", { class: `lane ${lane.kind}` }, name, kind);
  made.style.left = `${view.columns.gutter + index * view.columns.lane}px`;
  made.style.width = `${view.columns.lane}px`;
  return made;
}

/** Scrolls the page so that an event is in sight, unless it is. */
function reveal(id) {
  const y = yOfEvent(view.rows, id) + timeline.getBoundingClientRect().top;
  const head = document.getElementById("lanes").getBoundingClientRect().bottom;
  const hidden = Math.max(0, Math.min(head, window.innerHeight / 2));
  if (y > hidden + 2 * ROW && y < visibleBottom() - 3 * ROW) return;
  const target = window.scrollY + y - (hidden + visibleBottom()) / 2;
  window.scrollTo({ top: target, behavior: "instant" });
  drawVisible();
}

/** Where the part of the page ends that the inspector does not cover. */
function visibleBottom() {
  const box = document.getElementById("inspector").getBoundingClientRect();
  return box.top > window.innerHeight / 3 && box.left < 40 ? Math.min(box.top, window.innerHeight) : window.innerHeight;
}
