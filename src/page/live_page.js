// The live page: draws the events of /_sim/events, and sends what a person clicks to the other paths of /_sim/.

const byId = (id) => document.getElementById(id);

/** An element with attributes and children. Texts are never read as HTML. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// ---- The connection ----

let token = sessionStorage.getItem("dsql-sim-token") ?? "";

const headers = () => (token ? { Authorization: `Bearer ${token}` } : {});

const pause = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));

function showConnection(text, isOpen) {
  byId("connection").textContent = text;
  byId("connection").classList.toggle("broken", !isOpen);
}

/** Asks for the token of the server until it is entered. */
function askForToken() {
  const form = byId("token-form");
  showConnection("waiting for the token", false);
  form.hidden = false;
  byId("token").focus();
  return new Promise((resume) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      token = byId("token").value;
      sessionStorage.setItem("dsql-sim-token", token);
      form.hidden = true;
      resume();
    };
  });
}

/** Calls `take` with the name and the data of every event, until the server closes the connection. */
async function readEvents(body, take) {
  let text = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
      if (data) take(name, JSON.parse(data));
    }
  }
}

async function watch() {
  for (;;) {
    try {
      const answer = await fetch("/_sim/events", { headers: headers() });
      if (answer.status === 401) {
        await askForToken();
        continue;
      }
      if (!answer.ok) throw new Error((await answer.json()).message);
      showConnection("connected", true);
      await readEvents(answer.body, take);
      showConnection("the server has closed the connection; trying again", false);
    } catch (error) {
      showConnection(`not connected (${error.message}); trying again`, false);
    }
    stopTime();
    await pause(2000);
  }
}

/** Sends a body to the control interface, and shows what it answers. */
async function send(path, body, said) {
  try {
    const options = { method: "POST", headers: { ...headers(), "Content-Type": "application/json" } };
    const answer = await fetch(`/_sim/${path}`, { ...options, body: JSON.stringify(body) });
    const { message } = await answer.json();
    say(answer.ok ? said : `Refused: ${message}`, answer.ok);
    return answer.ok;
  } catch (error) {
    say(`Not sent: ${error.message}`, false);
    return false;
  }
}

function say(text, isGood) {
  byId("said").textContent = text;
  byId("said").classList.toggle("refused", !isGood);
}

// ---- The picture ----

const picture = {};
let calls = [];
let lines = [];

function take(name, sections) {
  const isNew = name === "picture";
  calls = (isNew ? [] : calls).concat(sections.calls.list).slice(-60);
  lines = (isNew ? [] : lines).concat(gap(sections.lines.more, isNew), sections.lines.list).slice(-300);
  Object.assign(picture, sections);
  for (const [section, draw] of Object.entries(DRAWN)) if (section in sections) draw(sections[section]);
  if (sections.calls.list.length > 0 || "open" in sections) drawCalls();
  if (isNew || sections.lines.list.length > 0) drawTrace();
  if (["regions", "links", "rules"].some((section) => section in sections)) drawLines();
}

const gap = (more, isNew) => (more > 0 && !isNew ? [`… ${more} more lines`] : []);

const DRAWN = {
  clock: drawClock,
  regions: drawRegions,
  clusters: drawClusters,
  faults: drawFaults,
  waits: drawWaits,
  violations: drawViolations,
};

function showMore(name, more) {
  document.querySelector(`[data-more=${name}]`).textContent = more > 0 ? `and ${more.toLocaleString("en")} more` : "";
}

/** Replaces the items of a list, or says that there are none. */
function fill(id, items, none) {
  const list = byId(id);
  const empty =
    list.tagName === "TBODY"
      ? make("tr", {}, make("td", { colspan: 4, class: "quiet" }, none))
      : make("li", { class: "quiet" }, none);
  list.replaceChildren(...(items.length > 0 ? items : [empty]));
}

const SYMBOLS = {
  CREATING: "◔",
  ACTIVE: "●",
  IDLE: "◐",
  INACTIVE: "○",
  UPDATING: "◑",
  DELETING: "◌",
  DELETED: "◌",
  FAILED: "✕",
  PENDING_SETUP: "◇",
  PENDING_DELETE: "◈",
};

const status = (name, text = name) =>
  make(
    "span",
    { class: "status", "data-status": name },
    make("span", { "aria-hidden": "true" }, SYMBOLS[name] ?? "•"),
    ` ${text}`,
  );

function drawClusters({ list, more }) {
  const row = (cluster) => {
    const peer =
      cluster.peer && `${cluster.peer.name} in ${cluster.peer.region}${cluster.peer.isLinked ? "" : ", not linked"}`;
    return make(
      "tr",
      {},
      make("th", { scope: "row", title: `${cluster.identifier}, account ${cluster.account}` }, cluster.name),
      make("td", {}, cluster.region),
      make("td", {}, status(cluster.status)),
      make("td", {}, peer ?? (cluster.witness ? `none; witness ${cluster.witness}` : "–")),
    );
  };
  fill("clusters", list.map(row), "No clusters.");
  showMore("clusters", more);
}

function drawCalls() {
  const { list, more } = picture.open;
  const item = (call) => {
    const isOpen = call.endedMilliseconds === undefined;
    const end = isOpen ? "waits" : call.outcome;
    const time =
      seconds(call.beganMilliseconds) + (isOpen ? "" : `, ${call.endedMilliseconds - call.beganMilliseconds} ms`);
    return make(
      "li",
      {},
      make("span", { class: "outcome", "data-outcome": end }, end),
      ` ${call.client} `,
      make("span", { class: "quiet" }, "→"),
      ` ${call.region} `,
      make("strong", {}, call.operation),
      call.cluster ? ` ${call.cluster}` : "",
      call.detail ? ` ${call.detail}` : "",
      make("span", { class: "quiet" }, ` ${time}`),
    );
  };
  fill("calls", [...list, ...calls.toReversed()].map(item), "No calls yet.");
  showMore("calls", more);
}

function drawWaits({ list, more }) {
  const item = ({ waiter, missing, action }) => {
    const nodes = missing.flatMap(([name, state], index) => [
      index > 0 ? ", " : "",
      make("strong", {}, name),
      state === "up" ? "" : make("span", { class: "bad" }, ` (${state})`),
    ]);
    return make(
      "li",
      {},
      make("strong", {}, waiter),
      " waits for ",
      ...(nodes.length > 0 ? nodes : ["its own timer"]),
      ` to ${action}`,
    );
  };
  fill("waits", list.map(item), "Nothing waits.");
  showMore("waits", more);
}

function drawViolations(violations) {
  const item = ({ invariant, message, atMilliseconds }) =>
    make("p", {}, make("strong", {}, `Violation of ${invariant} at ${seconds(atMilliseconds)}: `), message);
  byId("violations").replaceChildren(...violations.map(item));
}

function drawTrace() {
  const area = byId("trace").parentElement;
  const isAtEnd = area.scrollHeight - area.scrollTop - area.clientHeight < 40;
  byId("trace").textContent = lines.join("\n");
  if (isAtEnd) area.scrollTop = area.scrollHeight;
}

// ---- The clock ----

let shownAt = 0;

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(3)} s`;

const isPaused = () => picture.clock?.paused ?? true;

function drawClock(clock) {
  shownAt = performance.now();
  const isWall = clock.clock === "wall";
  const speed = isWall && `runs at ${clock.speed.toLocaleString("en")}×`;
  const wall = clock.paused ? "paused: calls wait" : speed;
  const pace = isWall ? wall : "stepped: stands still between calls";
  byId("pace").textContent = `${clock.hasEnded ? "the run has ended" : pace}; seed ${clock.seed}`;
  byId("pause").hidden = !isWall;
  byId("speed").parentElement.hidden = !isWall;
  byId("pause").textContent = clock.paused ? "Run" : "Pause";
  byId("step").disabled = isWall && !clock.paused;
  if (isWall && document.activeElement !== byId("speed")) showSpeed(String(clock.speed));
  byId("save").disabled = !clock.isRecorded;
  byId("save-note").textContent = clock.isRecorded
    ? ""
    : "A scenario can be saved if the server records the calls: start it with --record FILE or --clock stepped.";
  drawTime();
}

function showSpeed(speed) {
  const select = byId("speed");
  if (![...select.options].some((option) => option.value === speed))
    select.append(make("option", { value: speed }, `${speed}×`));
  select.value = speed;
}

function drawTime() {
  const { clock } = picture;
  if (!clock) return;
  const passed =
    isPaused() || clock.clock !== "wall" || clock.hasEnded ? 0 : (performance.now() - shownAt) * clock.speed;
  const now = Math.floor(clock.virtualMilliseconds + passed);
  const part = (unit, most, digits) => String(Math.floor(now / unit) % most).padStart(digits, "0");
  const days = Math.floor(now / 86_400_000);
  const text = `${days > 0 ? `${days} d ` : ""}${part(3_600_000, 24, 2)}:${part(60_000, 60, 2)}:${part(1000, 60, 2)}.${part(1, 1000, 3)}`;
  if (byId("time").textContent !== text) byId("time").textContent = text;
}

/** Time stands still on a page that has lost its server. */
function stopTime() {
  if (picture.clock) picture.clock = { ...picture.clock, paused: true };
}

setInterval(drawTime, 50);

byId("pause").onclick = () =>
  send("clock", { paused: !isPaused() }, isPaused() ? "The clock runs." : "The clock is paused.");
byId("step").onclick = () => send("clock", { step: true }, "One event has happened.");
byId("speed").onchange = ({ target }) =>
  send("clock", { speed: Number(target.value) }, `The speed is ${target.value}×.`);
byId("advance").onclick = () => {
  const by = byId("advance-by").value;
  send("advance", { by }, `Advanced by ${by}.`);
};
byId("reset").onclick = () => {
  const seed = byId("seed").value;
  send("reset", seed === "" ? {} : { seed: Number(seed) }, "The world has begun again.");
};

byId("save").onclick = async () => {
  const answer = await fetch("/_sim/scenario", { headers: headers() });
  if (!answer.ok) return say(`Refused: ${(await answer.json()).message}`, false);
  const link = make("a", { href: URL.createObjectURL(await answer.blob()), download: "recorded.scenario" });
  link.click();
  URL.revokeObjectURL(link.href);
  say("Saved as recorded.scenario. It replays with dsql-sim run recorded.scenario.", true);
};

// ---- The board ----

const regionButton = (name) => document.querySelector(`[data-region="${name}"]`);

const NODE_SYMBOLS = { up: "●", down: "✕", dark: "■", unused: "○" };

function drawRegions(regions) {
  for (const region of regions) {
    const button = regionButton(region.name);
    const node = (short, name, state) =>
      make(
        "span",
        { class: "node", "data-state": state },
        make(
          "span",
          { "aria-hidden": "true" },
          `${NODE_SYMBOLS[state]} ${short}${["up", "unused"].includes(state) ? "" : ` ${state}`}`,
        ),
        make("span", { class: "unseen" }, `${name} ${state}, `),
      );
    const states = [region.controlPlane ?? "unused", region.witness ?? "unused"];
    const isUnused = states.every((state) => state === "unused");
    const nodes = [node("plane", "control plane", states[0]), node("witness", "witness node", states[1])];
    button.querySelector(".nodes").replaceChildren(...(isUnused ? ["not used yet"] : nodes));
    const counts = Object.entries(region.statuses).map(([name, count]) => status(name, `${count} ${name}`));
    button.querySelector(".count").replaceChildren(...counts);
    button.classList.toggle("unused", isUnused);
    button.classList.toggle("dark", states[0] === "dark");
    button.classList.toggle("down", states.includes("down"));
  }
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with attributes. */
function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/**
 * Draws the lines between Regions: pairs with their witness over the Regions of a row, and rules of the network below
 * them. Between two rows, lines go from edge to edge.
 */
function drawLines() {
  const board = byId("board").getBoundingClientRect();
  const box = (name) => {
    const { left, top, bottom, width } = regionButton(name).getBoundingClientRect();
    return { x: left - board.left + width / 2, top: top - board.top, bottom: bottom - board.top };
  };
  const shapes = [];
  const draw = (kind, from, to, { isBelow = false, shift = 0, mark }) => {
    const [one, other] = [box(from), box(to)].toSorted((a, b) => a.top - b.top || a.x - b.x);
    const isRow = other.top < one.bottom;
    const start = { x: one.x + shift, y: isRow && !isBelow ? one.top : one.bottom };
    const end = { x: other.x + shift, y: isRow && isBelow ? other.bottom : other.top };
    const height = isRow ? (12 + Math.abs(end.x - start.x) / 16) * (isBelow ? 1 : -1) : 0;
    const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 + height };
    shapes.push(shape("path", { class: kind, d: `M${start.x} ${start.y} Q${middle.x} ${middle.y} ${end.x} ${end.y}` }));
    if (mark) {
      const label = shape("text", { class: kind, x: middle.x, y: middle.y - height / 2 });
      label.textContent = mark;
      shapes.push(label);
    }
  };
  for (const { from, to, witness, linked } of picture.links ?? []) {
    for (const end of [from, to]) draw("witness", end, witness, { shift: -14 });
    draw(linked > 0 ? "linked" : "declared", from, to, {});
  }
  for (const { from, to, isPartition } of picture.rules?.list ?? []) {
    if (!from || !to || from === to) continue;
    draw(isPartition ? "cut" : "rule", from, to, { isBelow: true, shift: 14, mark: isPartition ? "✕" : "!" });
  }
  byId("lines").replaceChildren(...shapes);
}

new ResizeObserver(drawLines).observe(byId("board"));

// ---- Faults ----

/** The Regions that are selected, the first one first. */
const chosen = () => [byId("one").value, byId("other").value];

/** The Regions that are pressed on the board, in the order of the clicks. */
let clicked = chosen();

function showChosen() {
  for (const button of document.querySelectorAll("[data-region]")) {
    button.setAttribute("aria-pressed", clicked.includes(button.dataset.region));
  }
}

for (const button of document.querySelectorAll("[data-region]")) {
  button.onclick = () => {
    const name = button.dataset.region;
    clicked = clicked.includes(name) ? clicked.filter((known) => known !== name) : [...clicked.slice(-1), name];
    if (clicked[0]) byId("one").value = clicked[0];
    if (clicked[1]) byId("other").value = clicked[1];
    showChosen();
  };
}

showChosen();

for (const select of [byId("one"), byId("other")]) {
  select.onchange = () => {
    clicked = chosen();
    showChosen();
  };
}

function inject(text) {
  return send("faults", { faults: text.split("\n") }, `Injected: ${text.replaceAll("\n", ", ")}`);
}

for (const button of document.querySelectorAll("[data-fault]")) {
  const [one, other] = [/\bONE\b/g, /\bOTHER\b/g];
  button.onclick = () => inject(button.dataset.fault.replaceAll(one, chosen()[0]).replaceAll(other, chosen()[1]));
}

byId("heal").onclick = () => {
  const restarts = (picture.regions ?? []).flatMap(({ name, controlPlane, witness }) => [
    ...(["down", "dark"].includes(controlPlane) ? [`restart ${name}`] : []),
    ...(["down", "dark"].includes(witness) ? [`restart ${name}/witness`] : []),
  ]);
  inject(["heal", ...restarts].join("\n"));
};

byId("fault-form").onsubmit = async (event) => {
  event.preventDefault();
  if (await inject(byId("fault").value)) byId("fault").value = "";
};

function drawFaults({ list, more }) {
  const item = ({ text, end }) => {
    const parts = [make("code", {}, text)];
    if (end) {
      const button = make("button", { type: "button", "aria-label": `End ${text}` }, "End");
      button.onclick = async () => {
        // The button goes with its fault, and the focus must not.
        if (await inject(end)) byId("active-title").focus();
      };
      parts.push(" ", button);
    }
    return make("li", {}, ...parts);
  };
  fill("faults", list.map(item), "No fault is active.");
  if (more > 0) byId("faults").append(make("li", { class: "quiet" }, `and ${more} more`));
}

watch();
