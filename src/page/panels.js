// What stands around the timeline: the summary on top, the selected event, the state of every Region, the scenario.

/** A button that selects an event. */
function eventButton(id, ...label) {
  const made = element("button", { type: "button", class: "event-link", onclick: () => select(id) }, ...label);
  made.dataset.select = id;
  return made;
}

function drawSummary() {
  const [claim, ...reason] = (run.claim ?? "").split("\n").map(uncommented).filter(Boolean);
  const failure = run.failure;
  const verdict = failure ? "✗ failed" : "✓ passed";
  document
    .getElementById("summary")
    .append(
      element(
        "p",
        { class: "eyebrow" },
        element("span", { class: failure ? "verdict bad" : "verdict good" }, verdict),
        element("span", {}, run.file ?? ""),
      ),
      element("h1", {}, claim ?? run.file ?? "A run"),
      reason.length > 0 ? element("p", { class: "reason" }, reason.join(" ")) : "",
      failure ? drawFailure(failure) : "",
      drawExplanation(),
      drawFacts(),
    );
}

/** A line of an opening comment without its sign. */
function uncommented(line) {
  return line.replace(/^\s*#?\s*/, "").trim();
}

function drawFailure(failure) {
  const when = failure.at === undefined ? "" : `at ${seconds(failure.at)} s`;
  return element(
    "section",
    { class: "failure", "aria-labelledby": "failure-title" },
    element("h2", { id: "failure-title" }, failure.invariant ?? "The run failed"),
    element("p", { class: "what" }, failure.message ?? ""),
    failure.rule ? element("p", { class: "rule" }, "The rule: ", failure.rule) : "",
    element(
      "p",
      { class: "where" },
      failureEvent >= 0 ? eventButton(failureEvent, `Show the failure ${when} (f)`) : when,
      failure.line ? element("span", {}, ` line ${failure.line} of the scenario`) : "",
    ),
    run.waits.length > 0 ? element("ul", { class: "waits" }, ...run.waits.map((it) => element("li", {}, it))) : "",
  );
}

/** A text whose parts in backticks are code. */
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 === 1 ? element("code", {}, part) : part));
}

function drawExplanation() {
  const jumps = probabilityJumps();
  if (run.explanation.length === 0 && jumps.length === 0) return "";
  const sentences = run.explanation.map((sentence) => {
    const at = run.events[sentence.event]?.at;
    // Most sentences name the time.
    const isTimed = at === undefined || /\d\.\d{3} s/.test(sentence.text);
    const time = element("span", { class: "sentence-time" }, isTimed ? "" : `${seconds(at)} s`);
    const text = element("span", {}, ...prose(sentence.text));
    return element("li", {}, sentence.event === undefined ? text : eventButton(sentence.event, text, time));
  });
  const percent = (share) => `${Math.round(share * 100)} %`;
  const steps = jumps.map(({ event, before, share }) => {
    const rise = `The failure became more likely, from ${percent(before)} to ${percent(share)}: `;
    return element("li", {}, eventButton(event, rise, `${laneName(run.events[event].lane)} ${run.events[event].text}`));
  });
  return element(
    "section",
    { class: "explanation", "aria-labelledby": "why" },
    element("h2", { id: "why" }, run.failure ? "Why" : "What happened"),
    sentences.length > 0 ? element("ol", {}, ...sentences) : "",
    steps.length > 0 ? element("ul", { class: "jumps" }, ...steps) : "",
  );
}

function drawFacts() {
  const facts = [
    ["seed", run.seed],
    ["hash", run.hash],
    ["version", run.version],
    ["virtual time", run.end === undefined ? undefined : `${seconds(run.end)} s`],
    ["events", run.events.length.toLocaleString("en")],
    ["in the causal cone", run.cone.length || undefined],
  ].filter(([, value]) => value !== undefined);
  const list = element("dl", {});
  for (const [name, value] of facts) {
    list.append(element("div", {}, element("dt", {}, name), element("dd", {}, String(value))));
  }
  return element("section", { class: "facts", "aria-label": "Facts" }, list, drawCommand());
}

function drawCommand() {
  if (!run.reproduce) return "";
  const code = element(
    "code",
    { id: "reproduce", tabindex: "0", role: "region", "aria-label": "Command" },
    run.reproduce,
  );
  const copy = element("button", { type: "button", id: "copy", onclick: () => copyCommand(code, copy) }, "Copy");
  return element("div", { class: "command" }, code, copy);
}

async function copyCommand(code, button) {
  try {
    await navigator.clipboard.writeText(run.reproduce);
    button.textContent = "Copied";
    say("The command is copied.");
  } catch {
    // A browser that keeps pages from the clipboard: the person copies the selected text.
    getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
}

/** Tells a screen reader. */
function say(text) {
  document.getElementById("live").textContent = text;
}

function drawSelected() {
  const panel = document.getElementById("selected");
  const id = view.selected;
  panel.scrollTop = 0;
  if (id < 0) {
    const hint =
      "Select an event to see what was sent, what it depends on, and the state of every Region then. The key ? lists the keys.";
    panel.replaceChildren(element("p", { class: "hint" }, hint));
    document.getElementById("unfold").textContent = "No event is selected";
    return;
  }
  const event = run.events[id];
  panel.replaceChildren(
    element("h2", {}, `${laneName(event.lane)} ${event.text}`),
    drawSentence(id),
    drawEventFacts(id, event),
    event.content === undefined ? "" : drawJson("Content", event.content),
    drawEventList("Depends on", event.causes ?? []),
    drawEventList("Leads to", directEffects(id, 12)),
    drawState(id),
  );
  document.getElementById("unfold").textContent = `${seconds(event.at)} s  ${laneName(event.lane)} ${event.text}`;
}

/** The sentence of the explanation that is about an event, with the ways to its neighbours. */
function drawSentence(id) {
  const index = sentenceOf.get(id);
  if (index === undefined) return "";
  const neighbour = (at, label) => {
    const sentence = run.explanation[at - 1];
    return sentence?.event === undefined ? "" : eventButton(sentence.event, label);
  };
  return element(
    "div",
    { class: "sentence" },
    element(
      "p",
      {},
      element("span", { class: "badge", "aria-hidden": "true" }, String(index)),
      ...prose(run.explanation[index - 1].text),
    ),
    element(
      "p",
      { class: "steps" },
      neighbour(index - 1, `← sentence ${index - 1}`),
      neighbour(index + 1, `sentence ${index + 1} →`),
    ),
  );
}

function drawEventFacts(id, event) {
  const list = element("dl", { class: "event-facts" });
  const add = (name, ...value) => list.append(element("div", {}, element("dt", {}, name), element("dd", {}, ...value)));
  add("event", `${id} of ${run.events.length}, ${event.kind}`);
  add("time", `${seconds(event.at)} s`);
  if (event.operation) add("operation", event.operation);
  if (event.clusters?.length) add("clusters", event.clusters.join(", "));
  if (event.line !== undefined) add("scenario", lineButton(event.line));
  const message = run.messages[event.message];
  if (message) add("message", ...messageText(id, message));
  const call = run.calls[event.call];
  if (call) add("call", ...callText(id, call));
  if (view.cone.length > 0) add("causal cone", `${view.cone.length.toLocaleString("en")} events`);
  return list;
}

function messageText(id, message) {
  const parts = [`${message.kind} from ${laneName(message.from)} to ${laneName(message.to)}, ${message.fate}`];
  if (message.copyOf !== undefined) parts.push(", a duplicate");
  if (message.sent !== id) parts.push(" ", eventButton(message.sent, "its sending"));
  if (message.end !== undefined && message.end !== id) parts.push(" ", eventButton(message.end, "its end"));
  return parts;
}

function callName(call) {
  return call.alias ? `${call.operation} as ${call.alias}` : call.operation;
}

function callText(id, call) {
  const parts = [`${callName(call)}: ${call.outcome ?? "in flight"}`];
  if (call.begin !== id) parts.push(" ", eventButton(call.begin, "its beginning"));
  if (call.end !== undefined && call.end !== id) parts.push(" ", eventButton(call.end, "its end"));
  return parts;
}

function drawEventList(title, ids) {
  if (ids.length === 0) return "";
  const items = ids.slice(0, 12).map((id) => {
    const event = run.events[id];
    const time = element("span", { class: "sentence-time" }, `${seconds(event.at)} s`);
    return element("li", {}, eventButton(id, time, ` ${laneName(event.lane)} ${shortText(event)}`));
  });
  if (ids.length > 12) items.push(element("li", {}, `and ${ids.length - 12} more`));
  return element("section", { class: "related" }, element("h3", {}, title), element("ul", {}, ...items));
}

/** JSON over several lines, with a list of plain values on one. */
function pretty(value) {
  const lines = JSON.stringify(value, null, 2);
  // A string has no line feed, so this is about the lists alone.
  return lines.replace(/\[\n\s+([^[\]{}]*?)\n\s+\]/g, (_, values) => `[${values.replace(/,\n\s+/g, ", ")}]`);
}

function drawJson(title, value) {
  return element(
    "section",
    {},
    element("h3", {}, title),
    element("pre", { tabindex: "0", role: "region", "aria-label": title }, pretty(value)),
  );
}

/** The state of every Region after an event: its nodes, what they hold durably, the calls in flight. */
function drawState(id) {
  const state = stateAfter(id);
  const written = new Set((run.events[id].writes ?? []).map((write) => `${write.table} ${write.key}`));
  const regions = new Map();
  run.lanes.forEach((lane, index) => {
    if (lane.kind === "client") return;
    const region = lane.region ?? lane.name;
    if (!regions.has(region)) regions.set(region, []);
    regions.get(region).push(drawNode(lane, index, state[index], id, written));
  });
  const boxes = [...regions].map(([region, nodes]) =>
    element("div", { class: "region" }, element("h4", {}, region), ...nodes),
  );
  const title = element("h3", {}, `State at ${seconds(run.events[id].at)} s`);
  return element("section", { class: "state" }, title, drawFaults(id), drawCalls(id), ...boxes);
}

function drawFaults(id) {
  const bands = bandsDuring(id);
  if (bands.length === 0) return "";
  const items = bands.slice(0, 20).map((band) => element("li", {}, band.text));
  return element("div", { class: "region" }, element("h4", {}, "Faults in force"), element("ul", {}, ...items));
}

function drawCalls(id) {
  const calls = callsInFlight(id);
  if (calls.length === 0) return "";
  const items = calls.slice(0, 20).map((call) => {
    const text = `${laneName(call.client)}: ${callName(call)} at ${call.region}`;
    return element("li", {}, eventButton(call.begin, text));
  });
  if (calls.length > 20) items.push(element("li", {}, `and ${calls.length - 20} more`));
  return element("div", { class: "region" }, element("h4", {}, "Calls in flight"), element("ul", {}, ...items));
}

function drawNode(lane, index, tables, id, written) {
  const kind = LANE_KINDS[lane.kind] ?? lane.kind;
  const head = element("p", { class: "node" }, kind, isDown(index, id) ? element("strong", {}, " down") : "");
  const isOwn = run.events[id].lane === index;
  const lists = Object.entries(tables)
    .filter(([, entries]) => entries.size > 0)
    .map(([table, entries]) => drawTable(table, entries, isOwn ? written : new Set()));
  return element("div", {}, head, ...(lists.length > 0 ? lists : [element("p", { class: "hint" }, "nothing written")]));
}

/** At most this many entries of a table are shown. */
const MOST_ENTRIES = 20;

function drawTable(table, entries, written) {
  const items = firstEntries(table, entries, written).map(([key, value]) => {
    return drawEntry(table, key, value, written.has(`${table} ${key}`));
  });
  if (entries.size > MOST_ENTRIES) items.push(element("li", {}, `and ${entries.size - MOST_ENTRIES} more`));
  const title = element("p", { class: "table" }, `${table} (${entries.size})`);
  return element("div", {}, title, element("ul", {}, ...items));
}

/** The first entries by key, after those that the event wrote. */
function firstEntries(table, entries, written) {
  const rank = ([key]) => (written.has(`${table} ${key}`) ? 0 : 1);
  return [...entries].sort((a, b) => rank(a) - rank(b) || (a[0] < b[0] ? -1 : 1)).slice(0, MOST_ENTRIES);
}

/** An entry in one line, which unfolds to its JSON. */
function drawEntry(table, key, value, isNew) {
  const text = ` ${entryText(table, key, value)}${isNew ? " ← now" : ""}`;
  const made = element("details", {}, element("summary", {}, element("b", {}, key), text));
  made.addEventListener("toggle", () => made.append(element("pre", {}, pretty(value))), { once: true });
  return element("li", { class: isNew ? "is-new" : undefined }, made);
}

function entryText(table, key, value) {
  if (table === "registers") return registerText(key, value);
  if (typeof value === "object" && value !== null && value.status) return value.status;
  if (table === "tokens" && value?.at !== undefined) return `${value.operation} at ${seconds(value.at)} s`;
  const text = plain(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** The lines of the scenario in blocks, so that a browser lays out only those in sight. */
const LINES_OF_A_BLOCK = 200;

function drawScenario() {
  const panel = document.getElementById("scenario");
  if (run.text === "") {
    panel.remove();
    return;
  }
  const lines = run.text.replace(/\n$/, "").split("\n");
  const blocks = [];
  for (let first = 0; first < lines.length; first += LINES_OF_A_BLOCK) {
    const block = lines.slice(first, first + LINES_OF_A_BLOCK).map((line, index) => drawLine(line, first + index + 1));
    blocks.push(element("div", { class: "block" }, ...block));
  }
  panel.append(element("h2", {}, "Scenario"), ...blocks);
}

function drawLine(text, number) {
  const events = eventsOfLine.get(number);
  const label = events ? lineButton(number, true) : String(number);
  const classes = ["line"];
  if (number === run.failure?.line) classes.push("is-failure");
  if (text.startsWith("#")) classes.push("comment");
  return element(
    "div",
    { id: `line-${number}`, class: classes.join(" ") },
    element("span", { class: "number" }, label),
    element("code", {}, text),
  );
}

/** A button for a line: selects its first event, and its next one if one of them is selected. */
function lineButton(number, isShort) {
  const events = eventsOfLine.get(number);
  const go = () => {
    const at = events.indexOf(view.selected);
    select(events[(at + 1) % events.length]);
  };
  const label = isShort ? String(number) : `line ${number}`;
  const description = `Line ${number}, ${events.length} ${events.length === 1 ? "event" : "events"}`;
  return element("button", { type: "button", class: "line-link", "aria-label": description, onclick: go }, label);
}

/** Marks the line of the selected event, and brings it in sight. */
function markLine() {
  document.querySelector(".line[aria-current]")?.removeAttribute("aria-current");
  const number = view.selected < 0 ? undefined : lineOf(view.selected);
  const line = number === undefined ? null : document.getElementById(`line-${number}`);
  if (line === null) return;
  line.setAttribute("aria-current", "true");
  const panel = document.getElementById("scenario");
  const offset = line.getBoundingClientRect().top - panel.getBoundingClientRect().top;
  if (offset < 30 || offset > panel.clientHeight - 40) panel.scrollTop += offset - panel.clientHeight / 2;
}

/** The most events that the printed table has. */
const MOST_PRINTED = 400;

/** The events of the causal cone as a table, for paper. */
function drawPrint() {
  const all = run.cone.length > 0 ? failureCone : run.events.map((_, id) => id);
  const rows = all.slice(-MOST_PRINTED).map((id) => {
    const event = run.events[id];
    const cells = [seconds(event.at), laneName(event.lane), (id === failureEvent ? "✗ " : "") + event.text];
    return element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));
  });
  const head = element("tr", {}, ...["seconds", "lane", "event"].map((name) => element("th", { scope: "col" }, name)));
  const left = all.length > MOST_PRINTED ? `, the last ${MOST_PRINTED} of ${all.length}` : "";
  const title = `${run.cone.length > 0 ? "The causal cone of the failure" : "The events"}${left}`;
  document
    .getElementById("print")
    .replaceChildren(
      element("h2", {}, title),
      element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)),
    );
}

/** The signs of the diagram, each drawn as the diagram draws it. */
function drawLegend() {
  const signs = [
    ["invoked", "a call begins"],
    ["ended", "a call ends"],
    ["sent", "a message is sent or arrives"],
    ["wrote", "a durable write"],
    ["fired", "a timer fires"],
    ["faultInjected", "a fault begins or ends"],
    ["crashed", "a node crashes"],
    ["restarted", "a node restarts"],
  ];
  const marks = signs.map(([kind, meaning]) => {
    const mark = svg("g", { class: `mark ${kind}`, transform: "translate(20 10)" }, svg("path", { d: MARKS[kind] }));
    return legendRow(mark, meaning);
  });
  const message = (fate, meaning, copyOf) =>
    legendRow(
      svg("g", {}, drawMessage(legendView, { from: 10, to: 10, message: { from: 0, to: 1, sent: 0, fate, copyOf } })),
      meaning,
    );
  document
    .getElementById("legend")
    .append(
      ...marks,
      message("arrived", "a message that arrives"),
      message("lost", "a lost message"),
      message("held", "a message that was held"),
      message("arrived", "a duplicate", 0),
    );
}

/** Two lanes, for the legend. */
const legendView = { columns: { gutter: -14, lane: 34 }, isDimmed: () => false };

function legendRow(sign, meaning) {
  const image = svg("svg", { width: 40, height: 20, viewBox: "0 0 40 20", "aria-hidden": "true" }, sign);
  return element("p", {}, image, meaning);
}
