// Where each event stands: rows downwards in the order of time, idle stretches folded, lanes side by side.

const ROW = 22;
const BREAK = 30;
const TOP = 10;
/** The time beside the lanes. */
const GUTTER = 76;
/** An idle stretch of this many nanoseconds is folded. */
const FOLD_AT = 500e6;
/** Pixels for each nanosecond of a stretch that is not folded. */
const SCALE = 20 / FOLD_AT;

/**
 * The layout of the rows of some events, ascending.
 *
 * `y` has the middle of each row, `rowOf` the row of each event of the run: its own, or the next one's if it has none.
 */
function layoutRows(ids) {
  const y = new Float64Array(ids.length);
  const breaks = [];
  let bottom = TOP;
  for (let row = 0; row < ids.length; row++) {
    const gap = row === 0 ? 0 : run.events[ids[row]].at - run.events[ids[row - 1]].at;
    if (gap >= FOLD_AT) breaks.push({ y: bottom + BREAK / 2, gap });
    bottom += gap >= FOLD_AT ? BREAK : gap * SCALE;
    y[row] = bottom + ROW / 2;
    bottom += ROW;
  }
  const times = Float64Array.from(ids, (id) => run.events[id].at);
  return { ids, y, times, breaks, rowOf: rowsOfEvents(ids), height: bottom + TOP, spans: undefined };
}

function rowsOfEvents(ids) {
  const rowOf = new Int32Array(run.events.length);
  let row = 0;
  for (let id = 0; id < rowOf.length; id++) {
    while (row < ids.length && ids[row] < id) row++;
    rowOf[id] = row;
  }
  return rowOf;
}

/** Whether an event has a row of its own. */
function isShown(rows, id) {
  return rows.ids[rows.rowOf[id]] === id;
}

/** The height of an event; of one without a row, that above the next row. */
function yOfEvent(rows, id) {
  if (id === undefined) return rows.height;
  const row = rows.rowOf[id];
  if (row >= rows.ids.length) return rows.height - TOP;
  return rows.ids[row] === id ? rows.y[row] : rows.y[row] - ROW / 2;
}

/** The height of a time: between the rows around it. */
function yOfTime(rows, time) {
  if (time === undefined) return rows.height;
  const row = firstAtLeast(rows.times, time);
  if (row >= rows.ids.length) return rows.height;
  if (rows.times[row] === time || row === 0) return rows.y[row];
  const share = (time - rows.times[row - 1]) / (rows.times[row] - rows.times[row - 1]);
  return rows.y[row - 1] + share * (rows.y[row] - rows.y[row - 1]);
}

/** The first index of an ascending list whose value is at least `value`. */
function firstAtLeast(list, value) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The columns of a window of this width: lanes, the curve of the probability, the text. */
function layoutColumns(width) {
  const curve = run.probability?.length ? (width < 700 ? 48 : 84) : 0;
  const text = Math.max(width < 700 ? 150 : 280, width * (width < 700 ? 0.48 : 0.4));
  const count = Math.max(run.lanes.length, 1);
  const gutter = width < 700 ? 66 : GUTTER;
  // Very many lanes leave the text less room, rather than stand closer than their names can.
  const closest = Math.max(4, Math.min(13, (width - gutter - curve - 150) / count));
  const lane = Math.min(132, Math.max(closest, (width - gutter - curve - text) / count));
  const end = gutter + lane * count;
  return { gutter, lane, curve, curveAt: end + 8, textAt: end + (curve ? curve + 20 : 12), width };
}

function xOfLane(columns, lane) {
  return columns.gutter + (lane + 0.5) * columns.lane;
}

/** The vertical extents of messages, statuses, bands and crashes, computed once for a layout. */
function extentsOf(rows) {
  rows.spans ??= {
    messages: run.messages.map((message) => messageExtent(rows, message)),
    statuses: withSlots(
      run.statuses.map((span) => spanExtent(rows, span)),
      (extent) => extent.span.lane,
    ),
    bands: withSlots(bandExtents(rows), (extent) => extent.lane),
    downs: run.downs.map((span) => spanExtent(rows, span)),
  };
  return rows.spans;
}

function messageExtent(rows, message) {
  const from = yOfEvent(rows, message.sent);
  const isOpen = message.end === undefined;
  const to = isOpen ? from + ROW * 1.5 : Math.max(yOfEvent(rows, message.end), from);
  const hasRow = isShown(rows, message.sent) || (!isOpen && isShown(rows, message.end));
  return { from, to, hasRow, message };
}

function spanExtent(rows, span) {
  const from = span.event === undefined ? yOfTime(rows, span.from) : yOfEvent(rows, span.event);
  return { from, to: Math.max(yOfTime(rows, span.to), from + 2), span };
}

function bandExtents(rows) {
  const all = run.lanes.map((_, lane) => lane);
  return run.bands.flatMap((span) => {
    const extent = spanExtent(rows, span);
    return (span.lanes ?? all).map((lane) => ({ ...extent, lane }));
  });
}

/** Whether a status in this slot of its lane stays clear of the next lane. */
function hasRoom(columns, slot) {
  return slot === 0 ? columns.lane >= 26 : 23 + slot * 15 <= columns.lane - 10;
}

/** How many of a lane's clusters, at most, stand beyond its room at one time. */
function crowdedOut(rows, columns, lane) {
  const slots = extentsOf(rows)
    .statuses.filter((extent) => extent.span.lane === lane)
    .map((extent) => extent.slot);
  return new Set(slots.filter((slot) => !hasRoom(columns, slot))).size;
}

/** Gives each extent the first slot of its lane that is free where it begins. */
function withSlots(extents, laneOf) {
  const ends = new Map();
  for (const extent of extents.toSorted((a, b) => a.from - b.from)) {
    const lane = laneOf(extent);
    if (!ends.has(lane)) ends.set(lane, []);
    const slots = ends.get(lane);
    const key = extent.span.cluster;
    // A cluster keeps its slot from one status to the next.
    let slot = slots.findIndex((it) => it.key !== undefined && it.key === key && it.end <= extent.from + 2);
    if (slot < 0) slot = slots.findIndex((it) => it.end <= extent.from);
    if (slot < 0) slot = slots.length;
    slots[slot] = { end: extent.to, key };
    extent.slot = slot;
  }
  return extents;
}
