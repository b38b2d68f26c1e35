// Documents of runs in the form of `dsql-sim report --format json`, of any size, for the page of a run.

const LANES = [
  { name: "ops", kind: "client" },
  { name: "use1", kind: "controlPlane", region: "us-east-1" },
  { name: "use1/witness", kind: "witness", region: "us-east-1" },
  { name: "use2", kind: "controlPlane", region: "us-east-2" },
  { name: "use2/witness", kind: "witness", region: "us-east-2" },
  { name: "usw2/witness", kind: "witness", region: "us-west-2" },
];

const SCENARIO = `# A side that was deleted is no peer of a linked cluster.
#
# The deletion is decided while the answer of the witness is under way.

seed 7
regions use1=us-east-1 use2=us-east-2 usw2=us-west-2
create-cluster region=use1 as=blue
{ "deletionProtectionEnabled": false, "multiRegionProperties": { "witnessRegion": "us-west-2" } }
partition use2<->use1
crash use1
delay use1<->usw2 by=2s
update-cluster region=use1
run until=quiet
`;

/** A run of this many events, which fails at the last one. Nothing in it is random. */
export function runOf(count) {
  const run = {
    format: 1,
    version: "0.1.0",
    file: "scenarios/peering/a_deleted_side_is_no_peer.scenario",
    text: SCENARIO,
    seed: 7,
    hash: "55ba28009854690a",
    claim:
      "A side that was deleted is no peer of a linked cluster.\n" +
      "The deletion is decided while the answer of the witness is under way.",
    reproduce: "dsql-sim run scenarios/peering/a_deleted_side_is_no_peer.scenario --seed 7",
    lanes: LANES,
    events: [],
    messages: [],
    calls: [],
    bands: [],
    downs: [],
    statuses: [],
    waits: ["ops waits for use1 (down) to answer UpdateCluster"],
  };
  const clock = { at: 0 };
  for (let round = 0; run.events.length < count - 1; round++) addRound(run, clock, round);
  run.events.length = count - 1;
  finish(run, clock);
  return run;
}

function addRound(run, clock, round) {
  const cluster = `c${round % 3}`;
  const home = round % 2 === 0 ? 1 : 3;
  const add = (step, event) => {
    clock.at += step;
    run.events.push({ at: clock.at, ...event });
    return run.events.length - 1;
  };
  const operation = round % 4 === 0 ? "CreateCluster" : "UpdateCluster";
  const call = run.calls.length;
  const region = LANES[home].region;
  const about = { clusters: [cluster], operation, call };
  const text = `calls ${region} ${operation} as ${cluster}`;
  const content = { clientToken: `token-${round}`, multiRegionProperties: { witnessRegion: "us-west-2" } };
  const begin = add(round % 6 === 5 ? 76e9 : 4e6, {
    lane: 0,
    kind: "invoked",
    text,
    line: 7,
    causes: previous(run),
    content,
    ...about,
  });
  run.calls.push({ client: 0, region, operation, alias: cluster, begin });
  const request = addMessage(run, add, { from: 0, to: home, kind: operation, cause: begin, about });
  const writes = [
    {
      table: "clusters",
      key: cluster,
      value: { status: "CREATING", arn: `arn:aws:dsql:${region}:cluster/${cluster}` },
    },
  ];
  const wrote = add(1e6, {
    lane: home,
    kind: "wrote",
    text: `${cluster} CREATING`,
    causes: [request],
    writes,
    ...about,
  });
  addStatus(run, home, cluster, "CREATING", wrote);
  addFaults(run, add, round, home);
  const fates = ["arrived", "lost", "held", "arrived"];
  for (const [index, to] of [2, 3 + (home === 3 ? -2 : 0), 5].entries()) {
    const fate = fates[(round + index) % 4];
    const copyOf = round % 5 === 2 && index === 2 ? run.messages.length - 1 : undefined;
    addMessage(run, add, { from: home, to, kind: "Prepare", cause: wrote, fate, copyOf, about });
  }
  const register = { ballot: `${round}.${home}`, accepted: round % 3 === 0 ? "linked" : null };
  const ballot = add(1e6, {
    lane: 5,
    kind: "wrote",
    text: "accepts a ballot",
    causes: [run.events.length - 1],
    writes: [{ table: "registers", key: `${cluster}–peer`, value: register }],
    clusters: [cluster],
  });
  const active = add(60e6, {
    lane: home,
    kind: "fired",
    text: `${cluster} CREATING → ACTIVE`,
    causes: [wrote, ballot],
    writes: [{ ...writes[0], value: { ...writes[0].value, status: "ACTIVE" } }],
    clusters: [cluster],
  });
  addStatus(run, home, cluster, "ACTIVE", active);
  const answer = addMessage(run, add, { from: home, to: 0, kind: `${operation}.response`, cause: active, about });
  const end = add(0, {
    lane: 0,
    kind: "ended",
    text: `${operation} ok ACTIVE`,
    causes: [answer],
    content: { status: "ACTIVE" },
    ...about,
  });
  run.calls[call].end = end;
  run.calls[call].outcome = "ok ACTIVE";
}

/** Each call depends on the end of the one before. */
function previous(run) {
  const last = run.calls.at(-1)?.end;
  return last === undefined ? [] : [last];
}

function addMessage(run, add, { from, to, kind, cause, fate = "arrived", copyOf, about }) {
  const message = run.messages.length;
  const word = { lost: "✗ lost", held: "held back" }[fate] ?? "";
  const text = `sends ${kind} to ${LANES[to].name} ${word}`.trim();
  const sent = add(1e6, {
    lane: from,
    kind: fate === "lost" ? "lost" : "sent",
    text,
    causes: [cause],
    message,
    ...about,
  });
  run.messages.push({ kind, from, to, sent, fate, copyOf });
  if (fate === "lost") return sent;
  const end = add(fate === "held" ? 400e6 : 30e6, {
    lane: to,
    kind: "arrived",
    text: `receives ${kind}`,
    causes: [sent],
    message,
    ...about,
  });
  run.messages[message].end = end;
  return end;
}

function addStatus(run, lane, cluster, status, event) {
  const before = run.statuses.findLast((span) => span.cluster === cluster && span.lane === lane);
  const at = run.events[event].at;
  if (before && before.to === undefined) before.to = at;
  run.statuses.push({ lane, cluster, status, from: at, event });
}

function addFaults(run, add, round, home) {
  if (round % 4 === 1) {
    const event = add(1e6, { kind: "faultInjected", text: "partition use2<->use1", line: 9 });
    const from = run.events[event].at;
    run.bands.push({ kind: "partition", text: "partition use2<->use1", from, to: from + 400e6, event, lanes: [1, 3] });
  }
  if (round % 4 === 2) {
    const event = add(1e6, { lane: home, kind: "crashed", text: "crashes before the write is durable", line: 10 });
    const back = add(20e6, { lane: home, kind: "restarted", text: "restarts", causes: [event] });
    run.downs.push({ lane: home, from: run.events[event].at, to: run.events[back].at, event });
  }
  if (round % 8 === 3) {
    const event = add(1e6, { kind: "faultInjected", text: "outage us-west-2", line: 11 });
    const from = run.events[event].at;
    run.bands.push({ kind: "outage", text: "outage us-west-2", from, to: from + 300e6, event, lanes: [5] });
  }
}

/** The failure, its cone and its explanation. */
function finish(run, clock) {
  for (const list of [run.messages, run.calls, run.statuses, run.bands, run.downs])
    removeUnborn(list, run.events.length);
  const last = run.events.length;
  const crash = run.events.findLastIndex((event) => event.kind === "crashed");
  const writes = run.events.findLastIndex((event) => event.kind === "wrote");
  const causes = [...new Set([Math.max(crash, 0), Math.max(writes, 0)])].sort((a, b) => a - b);
  run.events.push({
    at: clock.at + 5e6,
    lane: 1,
    kind: "noted",
    text: "c0 ACTIVE, its peer is gone",
    causes,
    clusters: ["c0"],
  });
  run.end = clock.at + 5e6;
  const message = "us-east-1 has c0 as ACTIVE and linked, and its peer in us-east-2 was deleted at 0.109 s";
  const rule = "a linked cluster's peer durably declares it, or the two are being deleted together";
  run.failure = { invariant: "peering-symmetric", rule, message, at: run.end, event: last, line: 12 };
  run.cone = coneOf(run.events, last);
  run.explanation = [
    { text: "use1 lost its acceptance: it crashed before the write was durable.", event: causes[0] },
    {
      text: "The witness in us-west-2 had accepted the older ballot, and told use1 so after its restart.",
      event: causes.at(-1),
    },
    { text: "use1 set c0 to ACTIVE, although its peer had been deleted.", event: last },
  ];
  run.probability = run.cone
    .filter((_, index) => index % 3 === 0)
    .slice(-60)
    .map((event, index, all) => ({
      event,
      failed: index > all.length * 0.7 ? 190 : index > all.length * 0.4 ? 80 : 6,
      of: 200,
    }));
}

function removeUnborn(list, count) {
  const begins = (it) => it.sent ?? it.begin ?? it.event;
  list.splice(0, list.length, ...list.filter((it) => begins(it) < count));
  for (const it of list) {
    if (typeof it.end === "number" && it.end >= count) delete it.end;
  }
}

function coneOf(events, last) {
  const cone = new Set([last]);
  for (let id = last; id >= 0; id--) {
    if (cone.has(id)) for (const cause of events[id].causes ?? []) cone.add(cause);
  }
  return [...cone].sort((a, b) => a - b);
}
