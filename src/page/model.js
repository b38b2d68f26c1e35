// The run: what the document has, and what follows from it. No other part reads the document's JSON.
"use strict";

/** The document, with every list present. */
const run = readRun();

function readRun() {
  const read = JSON.parse(document.getElementById("run").textContent);
  for (const list of ["explanation", "waits", "cone", "lanes", "events", "messages", "calls", "bands", "downs"]) {
    read[list] ??= [];
  }
  read.statuses ??= [];
  read.text ??= "";
  return read;
}

/** The event of the failure, or -1. A run that ends with an open call fails at its last event. */
const failureEvent = run.failure ? (run.failure.event ?? run.cone.at(-1) ?? run.events.length - 1) : -1;

/** The causal cone of the failure in the document, which is the minimal one, and the event that shows the failure. */
const failureCone = [...new Set(failureEvent < 0 ? run.cone : [...run.cone, failureEvent])].sort((a, b) => a - b);

/** The events of each line of the scenario, by the line's number from 1. */
const eventsOfLine = groupByLine();

function groupByLine() {
  const groups = new Map();
  run.events.forEach((event, id) => {
    if (event.line === undefined) return;
    if (!groups.has(event.line)) groups.set(event.line, []);
    groups.get(event.line).push(id);
  });
  return groups;
}

/** A virtual time in nanoseconds as seconds. */
function seconds(time) {
  return (time / 1e9).toFixed(3);
}

/** A span of time in nanoseconds, in the unit that a person would choose. */
function duration(time) {
  if (time < 1e6) return `${Math.round(time / 1e3)} µs`;
  if (time < 1e9) return `${Math.round(time / 1e6)} ms`;
  if (time < 120e9) return `${(time / 1e9).toFixed(1)} s`;
  if (time < 7200e9) return `${Math.round(time / 60e9)} min`;
  return `${(time / 3600e9).toFixed(1)} h`;
}

function laneName(lane) {
  return lane === undefined ? "world" : run.lanes[lane].name;
}

/** The causal cone of an event: itself and all that it depends on, ascending. */
function causalCone(id) {
  if (id === failureEvent && run.cone.length > 0) return failureCone;
  const isInside = new Uint8Array(id + 1);
  isInside[id] = 1;
  const cone = [];
  for (let at = id; at >= 0; at--) {
    if (isInside[at] === 0) continue;
    cone.push(at);
    for (const cause of run.events[at].causes ?? []) isInside[cause] = 1;
  }
  return cone.reverse();
}

/** A set of events, for many lookups: `has` and `size`. */
function eventSet(ids) {
  const isInside = new Uint8Array(run.events.length);
  for (const id of ids) isInside[id] = 1;
  return { size: ids.length, has: (id) => isInside[id] === 1 };
}

/** The events that depend directly on an event, at most `most` of them. */
function directEffects(id, most) {
  const found = [];
  for (let at = id + 1; at < run.events.length && found.length < most; at++) {
    if (run.events[at].causes?.includes(id)) found.push(at);
  }
  return found;
}

/** The durable state of each lane's node, and the last event that it includes. */
const replayed = {
  upTo: -1,
  lanes: run.lanes.map(() => ({ clusters: new Map(), tokens: new Map(), registers: new Map() })),
};

/** The durable state after an event: for each lane its tables, each a map from key to value. */
function stateAfter(id) {
  for (let at = replayed.upTo + 1; at <= id; at++) applyWrites(run.events[at]);
  for (let at = replayed.upTo; at > id; at--) undoWrites(run.events[at]);
  replayed.upTo = id;
  return replayed.lanes;
}

function applyWrites(event) {
  for (const write of event.writes ?? []) {
    const table = tableOf(event, write);
    write.before = table.get(write.key);
    put(table, write.key, write.value);
  }
}

function undoWrites(event) {
  for (const write of (event.writes ?? []).toReversed()) put(tableOf(event, write), write.key, write.before);
}

function tableOf(event, write) {
  const tables = replayed.lanes[event.lane] ?? {};
  tables[write.table] ??= new Map();
  return tables[write.table];
}

function put(table, key, value) {
  if (value === undefined || value === null) table.delete(key);
  else table.set(key, value);
}

/** The calls that have begun and not ended after an event. */
function callsInFlight(id) {
  return run.calls.filter((call) => call.begin <= id && (call.end === undefined || call.end > id));
}

/** Whether a node is down after an event. */
function isDown(lane, id) {
  const time = run.events[id].at;
  return run.downs.some((down) => down.lane === lane && isDuring(down, id, time));
}

function isDuring(span, id, time) {
  const hasBegun = span.event === undefined ? span.from <= time : span.event <= id;
  return hasBegun && (span.to === undefined || span.to > time);
}

/** The faults in force after an event. */
function bandsDuring(id) {
  const time = run.events[id].at;
  return run.bands.filter((band) => isDuring(band, id, time));
}

/** What a search reads of each event, made when the first search needs it. */
let searchTexts;

/** The events whose text or content contains every word. */
function findEvents(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  searchTexts ??= run.events.map(searchText);
  const found = [];
  searchTexts.forEach((text, id) => {
    if (words.every((word) => text.includes(word))) found.push(id);
  });
  return found;
}

function searchText(event) {
  const content = event.content === undefined ? "" : JSON.stringify(event.content);
  return `${laneName(event.lane)} ${event.text} ${event.kind} ${content}`.toLowerCase();
}

/**
 * A link register in one line: the ballot that its acceptor promised, and what it accepted.
 *
 * The value has a pair for each flag, for the two clusters that the key names.
 */
function registerText(key, value) {
  const clusters = key.split(",")[0].split(" and ");
  const { promised, ...rest } = value ?? {};
  const members = Object.entries({ promised, ...rest }).filter(([, member]) => member !== null && member !== undefined);
  return members.map(([name, member]) => `${name} ${acceptedText(clusters, member)}`).join("; ");
}

function acceptedText(clusters, member) {
  if (!Array.isArray(member) || member.length !== 2) return plain(member);
  const [ballot, value] = member;
  return [`round ${ballot.round ?? plain(ballot)}`, ...flagTexts(clusters, value)].join(", ");
}

/** The flags that are set, each with the cluster that it is about, and the other members. */
function flagTexts(clusters, value) {
  return Object.entries(value ?? {}).flatMap(([name, member]) => {
    if (!Array.isArray(member)) return [`${name} ${plain(member)}`];
    return clusters.filter((_, index) => member[index] === true).map((cluster) => `${cluster} ${name}`);
  });
}

function plain(value) {
  return typeof value === "string" ? value : JSON.stringify(value).replaceAll('"', "");
}

/** The registers that an event wrote, in one line, or nothing. */
function registersWritten(event) {
  const writes = (event.writes ?? []).filter((write) => write.table === "registers");
  return writes.map(({ key, value }) => `${value ? registerText(key, value) : "removed"} (${key})`).join("; ");
}

/** The line of the scenario that an event belongs to: its own, its call's, or the failure's. */
function lineOf(id) {
  const event = run.events[id];
  const begin = run.calls[event.call]?.begin;
  return event.line ?? (id === failureEvent ? run.failure.line : undefined) ?? run.events[begin]?.line;
}

/** The three largest rises of the probability of the failure, each with the event behind it. */
function probabilityJumps() {
  const steps = (run.probability ?? []).map((step, index, all) => {
    const share = step.failed / step.of;
    const before = index === 0 ? 0 : all[index - 1].failed / all[index - 1].of;
    return { event: step.event, share, before };
  });
  const rises = steps.filter((step) => step.share - step.before >= 0.05);
  return rises.sort((a, b) => b.share - b.before - (a.share - a.before)).slice(0, 3);
}
