// Virtual time for a program in JavaScript: the stepped clock of the server, and the fake timers of node's test runner.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { CreateClusterCommand, GetClusterCommand, waitUntilClusterActive } from "@aws-sdk/client-dsql";

import { Server } from "./server.mjs";

/** The calls that are under way. */
let open = 0;

/** A client whose calls are counted, from the request to the answer that is read; the pauses of retries are not. */
function counted(client) {
  const count = (next) => async (call) => {
    open += 1;
    try {
      return await next(call);
    } finally {
      open -= 1;
    }
  };
  client.middlewareStack.add(count, { step: "deserialize", priority: "high" });
  return client;
}

/** Runs `work`. While it waits for timers alone, a second passes for them and for the simulation. */
async function inVirtualTime(server, seed, work) {
  await server.sim("reset", JSON.stringify({ seed, faults: "drop us-east-1->client-1 times=1" }));
  const { epochMilliseconds } = await (await fetch(`${server.url}/_sim/time`)).json();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: epochMilliseconds });
  try {
    let isDone = false;
    const result = work().finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await new Promise(setImmediate);
      if (open === 0 && !isDone) {
        await server.sim("advance", '{"by": "1s"}');
        mock.timers.tick(1000);
      }
    }
    return [await result, await server.sim("verdict")];
  } finally {
    mock.timers.reset();
  }
}

async function provision(client) {
  const began = Date.now();
  // Tokens of the SDK are random; one of the program's own is the same in each run.
  const { identifier } = await client.send(new CreateClusterCommand({ clientToken: "orders" }));
  await waitUntilClusterActive({ client, maxWaitTime: 120, minDelay: 2, maxDelay: 2 }, { identifier });
  const { status } = await client.send(new GetClusterCommand({ identifier }));
  return { identifier, status, seconds: (Date.now() - began) / 1000 };
}

test("a program that waits for minutes is the same run each time", async () => {
  const server = await Server.start("--clock", "stepped", "--client-timeout", "5s");
  const run = async (seed) => {
    const client = counted(server.client("us-east-1"));
    const [made, verdict] = await inVirtualTime(server, seed, () => provision(client));
    client.destroy();
    assert.deepEqual(verdict.violations, []);
    return { ...made, hash: verdict.hash };
  };
  const first = await run(7);
  assert.equal(first.status, "ACTIVE");
  assert.ok(first.seconds >= 2, `${first.seconds}`);
  assert.deepEqual(await run(7), first);
  assert.notEqual((await run(8)).hash, first.hash);
  await server.stop();
});
