// The space-time diagram: only what stands between two heights is drawn. Each sign differs from the others by its form
// as well as by its colour.

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Draws what stands between the heights `top` and `bottom`, into an SVG element that begins at `top`. */
function drawDiagram(canvas, view, top, bottom) {
  const { columns } = view;
  const width = columns.textAt;
  canvas.setAttribute("viewBox", `0 ${top} ${width} ${bottom - top}`);
  canvas.setAttribute("width", width);
  canvas.setAttribute("height", bottom - top);
  canvas.style.top = `${top}px`;
  canvas.replaceChildren(
    patterns(),
    drawBands(view, top, bottom),
    drawLanes(view, top, bottom),
    drawStatuses(view, top, bottom),
    drawBreaks(view, top, bottom),
    drawMessages(view, top, bottom),
    drawMarks(view, top, bottom),
    drawCurve(view, top, bottom),
  );
}

function isWithin(extent, top, bottom) {
  return extent.from < bottom && extent.to > top;
}

/** The hatchings of bands, and the head of an arrow. */
function patterns() {
  const pattern = (id, path, size) =>
    svg(
      "pattern",
      { id, width: size, height: size, patternUnits: "userSpaceOnUse" },
      svg("path", { d: path, class: "hatch" }),
    );
  const head = svg(
    "marker",
    { id: "head", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    svg("path", { d: "M0 0.5 L8 4 L0 7.5 Z", class: "head" }),
  );
  return svg(
    "defs",
    {},
    pattern("band-cut", "M-2 2 L2 -2 M0 8 L8 0 M6 10 L10 6", 8),
    pattern("band-outage", "M0 0 L8 8 M8 0 L0 8", 8),
    pattern("band-other", "M1.5 2 h1.5 M5.5 6 h1.5", 8),
    pattern("band-down", "M0 3 H6", 6),
    head,
  );
}

/** The hatching of a kind of fault. */
function hatching(kind) {
  if (kind === "partition" || kind === "drop") return "band-cut";
  return kind === "outage" ? "band-outage" : "band-other";
}

function drawBands(view, top, bottom) {
  const group = svg("g", { class: "bands" });
  // The texts of all bands stand above the areas of all.
  const texts = [];
  for (const extent of extentsOf(view.rows).bands) {
    if (!isWithin(extent, top, bottom)) continue;
    const x = xOfLane(view.columns, extent.lane) - view.columns.lane / 2;
    const from = Math.max(extent.from, top);
    const box = { x: x + 1, y: from, width: view.columns.lane - 2, height: Math.min(extent.to, bottom) - from };
    group.append(svg("rect", { ...box, class: `band ${hatching(extent.span.kind)}` }));
    group.append(svg("rect", { ...box, fill: `url(#${hatching(extent.span.kind)})` }));
    const column = x + 10 + extent.slot * 12;
    if (column < x + view.columns.lane / 2 - 6) {
      texts.push(...upright(extent, extent.span.text, column, top, bottom, "band-text"));
    }
  }
  group.append(...texts);
  return group;
}

/** A text along a span, turned by a quarter, cut to the length, and repeated on a long one. */
function upright(extent, text, x, top, bottom, style) {
  const step = 360;
  const first = extent.from + Math.max(0, Math.floor((top - extent.from) / step)) * step;
  const texts = [];
  for (let y = first; y < Math.min(extent.to, bottom); y += step) {
    const room = Math.min(extent.to - y, step) - 6;
    const cut = fitted(text, room);
    // Only a span that is shorter than its text has it cut.
    if (cut === "" || (cut !== text && y > extent.from)) continue;
    texts.push(svg("text", { transform: `translate(${x} ${y + 4}) rotate(90)`, class: style }, cut));
  }
  return texts;
}

/** As much of a text as has room. */
function fitted(text, room) {
  const letters = Math.floor(room / 5.6);
  if (text.length <= letters) return text;
  return letters < Math.min(5, text.length) ? "" : `${text.slice(0, letters - 1)}…`;
}

function drawLanes(view, top, bottom) {
  const group = svg("g", { class: "lane-lines" });
  run.lanes.forEach((lane, index) => {
    const x = xOfLane(view.columns, index);
    group.append(svg("line", { x1: x, x2: x, y1: top, y2: bottom, class: `lane-line ${lane.kind}` }));
  });
  for (const extent of extentsOf(view.rows).downs) {
    if (isWithin(extent, top, bottom)) group.append(...drawDown(view, extent, top, bottom));
  }
  return group;
}

/** A node that is down: its lane is broken off, with a bar at both ends. */
function drawDown(view, extent, top, bottom) {
  const x = xOfLane(view.columns, extent.span.lane);
  const from = Math.max(extent.from, top);
  const to = Math.min(extent.to, bottom);
  const half = Math.min(7, view.columns.lane / 3);
  const bar = (y) => svg("path", { d: `M${x - half} ${y} H${x + half}`, class: "down-end" });
  const box = { x: x - half, y: from, width: 2 * half, height: to - from };
  const drawn = [svg("rect", { ...box, class: "down" }), svg("rect", { ...box, fill: "url(#band-down)" })];
  drawn.push(bar(extent.from));
  if (extent.span.to !== undefined) drawn.push(bar(extent.to));
  return drawn.concat(upright(extent, "down", x - 3, top, bottom, "down-text"));
}

function drawStatuses(view, top, bottom) {
  const group = svg("g", { class: "statuses" });
  const cluster = view.filter.cluster;
  for (const extent of extentsOf(view.rows).statuses) {
    if (!isWithin(extent, top, bottom)) continue;
    if (cluster && extent.span.cluster !== cluster) continue;
    const slot = cluster ? 0 : extent.slot;
    // The heading of the lane counts the clusters that it has no room for.
    if (!hasRoom(view.columns, slot)) continue;
    const x = xOfLane(view.columns, extent.span.lane) + 10 + slot * 15;
    group.append(...drawStatus(extent, x, top, bottom));
  }
  return group;
}

function drawStatus(extent, x, top, bottom) {
  const { cluster, status } = extent.span;
  const from = Math.max(extent.from, top);
  const style = `status ${status.toLowerCase().replaceAll("_", "-")}`;
  const height = Math.max(Math.min(extent.to, bottom) - from - 1, 1);
  const room = extent.to - extent.from;
  const full = `${cluster} ${status}`;
  const text = full.length * 5.6 + 6 <= room ? full : status;
  return [
    svg("rect", { x, y: from, width: 13, height, rx: 2, class: style }),
    ...upright(extent, text, x + 3.5, top, bottom, "status-text"),
  ];
}

/** Folded stretches: a gap in every lane, with its duration. */
function drawBreaks(view, top, bottom) {
  const group = svg("g", { class: "breaks" });
  const { gutter, lane } = view.columns;
  const end = gutter + lane * run.lanes.length;
  for (const fold of view.rows.breaks) {
    if (fold.y < top - BREAK || fold.y > bottom + BREAK) continue;
    group.append(svg("path", { d: zigzag(gutter, end, fold.y), class: "fold" }));
    group.append(svg("text", { x: gutter - 8, y: fold.y + 4, class: "fold-text" }, duration(fold.gap)));
  }
  return group;
}

function zigzag(from, to, y) {
  const steps = Math.max(2, Math.round((to - from) / 12));
  const width = (to - from) / steps;
  let path = `M${from} ${y}`;
  for (let step = 1; step <= steps; step++) {
    path += ` L${(from + step * width).toFixed(1)} ${y + (step === steps ? 0 : step % 2 ? 3 : -3)}`;
  }
  return path;
}

function drawMessages(view, top, bottom) {
  const group = svg("g", { class: "messages" });
  for (const extent of extentsOf(view.rows).messages) {
    if (extent.hasRow && isWithin(extent, top - ROW, bottom + ROW)) group.append(drawMessage(view, extent));
  }
  return group;
}

function drawMessage(view, { from, to, message }) {
  const begin = xOfLane(view.columns, message.from);
  const end = xOfLane(view.columns, message.to);
  const style = `message ${message.fate}${message.copyOf === undefined ? "" : " copy"}`;
  const group = svg("g", { class: style + (view.isDimmed(message.sent) ? " dim" : "") });
  const isLost = message.fate === "lost";
  // A lost message ends on its way; what never left the node that sent it, beside its lane.
  const share = isLost ? 0.6 : message.fate === "inFlight" ? 0.5 : 1;
  const x = begin + (end - begin) * share;
  const path = begin === end ? loop(begin, from, to) : `M${begin} ${from} L${x} ${to}`;
  const tip = isLost || message.fate === "inFlight" ? {} : { "marker-end": "url(#head)" };
  group.append(svg("path", { d: path, class: "shaft", ...tip }));
  if (isLost) group.append(cross(begin === end ? begin + 14 : x, to));
  if (message.fate === "held") group.append(hourglass((begin + end) / 2, (from + to) / 2));
  if (message.copyOf !== undefined) {
    group.append(svg("text", { x: (begin + end) / 2 - 6, y: (from + to) / 2 - 3, class: "copy-text" }, "×2"));
  }
  return group;
}

/** A message of a node to itself. */
function loop(x, from, to) {
  const end = Math.max(to, from + 8);
  return `M${x} ${from} C${x + 22} ${from} ${x + 22} ${end} ${x + 3} ${end}`;
}

function cross(x, y) {
  const arm = 5;
  return svg("path", {
    d: `M${x - arm} ${y - arm} L${x + arm} ${y + arm} M${x + arm} ${y - arm} L${x - arm} ${y + arm}`,
    class: "cross",
  });
}

function hourglass(x, y) {
  return svg("path", { d: `M${x - 5} ${y - 6} h10 l-10 12 h10 Z`, class: "hold" });
}

/** The form of each kind of event, around the origin. */
const MARKS = {
  invoked: "M-5 -5 L6 0 L-5 5 Z",
  retried: "M-5 -5 L6 0 L-5 5 Z M-8 -5 V5",
  ended: "M5 -5 L-6 0 L5 5 Z",
  replied: "M4 -4 L-4 0 L4 4 Z",
  sent: "M-3 0 a3 3 0 1 0 6 0 a3 3 0 1 0 -6 0",
  arrived: "M-3 0 a3 3 0 1 0 6 0 a3 3 0 1 0 -6 0",
  copied: "M-6 0 a3 3 0 1 0 6 0 a3 3 0 1 0 -6 0 M0 0 a3 3 0 1 0 6 0 a3 3 0 1 0 -6 0",
  lost: "M-4 -4 L4 4 M4 -4 L-4 4",
  held: "M-4 -5 h8 l-8 10 h8 Z",
  wrote: "M-4.5 -4.5 h9 v9 h-9 Z",
  forgot: "M-4.5 -4.5 h9 v9 h-9 Z M-4.5 4.5 L4.5 -4.5",
  noted: "M-5 0 L0 -5 L5 0 L0 5 Z",
  crashed: "M-7 -7 L7 7 M7 -7 L-7 7",
  restarted: "M-6 0 a6 6 0 1 0 12 0 a6 6 0 1 0 -12 0 M0 -6 V0",
  fired: "M-5 0 a5 5 0 1 0 10 0 a5 5 0 1 0 -10 0 M0 -3.5 V0 L3 2",
  faultInjected: "M2 -8 L-5 1 H-1 L-2 8 L5 -1 H1 Z",
  injected: "M2 -8 L-5 1 H-1 L-2 8 L5 -1 H1 Z",
  remark: "M-4 0 H4",
};

/** The name of an event's form: a remark that a line of the scenario makes is about a fault. */
function markOf(event) {
  if (event.kind === "remark" && event.line !== undefined) return "faultInjected";
  return event.kind in MARKS ? event.kind : "remark";
}

function drawMarks(view, top, bottom) {
  const group = svg("g", { class: "marks" });
  const { ids, y } = view.rows;
  for (let row = firstAtLeast(y, top - ROW); row < ids.length && y[row] < bottom + ROW; row++) {
    group.append(drawMark(view, ids[row], y[row]));
  }
  return group;
}

function drawMark(view, id, y) {
  const event = run.events[id];
  const x = event.lane === undefined ? view.columns.gutter + 8 : xOfLane(view.columns, event.lane);
  const kind = markOf(event);
  const group = svg("g", { transform: `translate(${x} ${y})`, class: `mark ${kind}` });
  if (view.isDimmed(id)) group.classList.add("dim");
  if (view.showRegisters && registersWritten(event) !== "") {
    group.append(svg("path", { d: "M0 -9 L9 0 L0 9 L-9 0 Z", class: "register" }));
  }
  if (id === failureEvent) group.append(svg("circle", { r: 10, class: "failure-ring" }));
  if (id === view.selected) group.append(svg("circle", { r: 13, class: "selected-ring" }));
  group.append(svg("path", { d: MARKS[kind] }));
  return group;
}

/** The probability of the failure after each event at which it was measured, as a curve of steps. */
function drawCurve(view, top, bottom) {
  const group = svg("g", { class: "curve" });
  const { curve, curveAt } = view.columns;
  if (curve === 0) return group;
  for (const share of [0, 0.5, 1]) {
    const x = curveAt + share * curve;
    group.append(svg("line", { x1: x, x2: x, y1: top, y2: bottom, class: "curve-axis" }));
  }
  const steps = stepsWithin(view, top, bottom);
  if (steps.length === 0) return group;
  const points = steps.flatMap(({ x, y, before }) => [`${before} ${y}`, `${x} ${y}`]);
  points.push(`${steps.at(-1).x} ${Math.max(steps.at(-1).y, bottom)}`);
  group.append(svg("path", { d: `M${points.join(" L")}`, class: "curve-line" }));
  for (const { x, y, share, rise } of steps) {
    if (Math.abs(rise) < 0.05) continue;
    group.append(svg("circle", { cx: x, cy: y, r: 3, class: "curve-step" }));
    const isRight = share > 0.5;
    const label = { x: isRight ? x - 5 : x + 5, y: y - 4, class: isRight ? "curve-text right" : "curve-text" };
    group.append(svg("text", label, `${Math.round(share * 100)} %`));
  }
  return group;
}

/** The steps of the curve from the last one above `top` to the first one below `bottom`. */
function stepsWithin(view, top, bottom) {
  const { curve, curveAt } = view.columns;
  const steps = [];
  let before = 0;
  for (const { event, failed, of } of run.probability) {
    const share = failed / of;
    const y = yOfEvent(view.rows, event);
    const step = { x: curveAt + share * curve, y, before: curveAt + before * curve, share, rise: share - before };
    if (y < top && steps.length > 0) steps.pop();
    steps.push(step);
    before = share;
    if (y > bottom) break;
  }
  return steps;
}
