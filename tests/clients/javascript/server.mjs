// `dsql-sim serve` as a child process, whose recording is replayed when it ends.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { DSQLClient } from "@aws-sdk/client-dsql";

const BINARY = process.env.DSQL_SIM;

export class Server {
  static async start(...options) {
    const recording = join(mkdtempSync(join(tmpdir(), "dsql-sim-")), "recorded.scenario");
    const pace = options.includes("--clock") ? [] : ["--speed", "600"];
    const words = ["serve", "--port", "0", ...pace, "--until-stdin-closes", "--record", recording, ...options];
    const child = spawn(BINARY, words, { stdio: ["pipe", "pipe", "inherit"] });
    const server = new Server();
    Object.assign(server, { child, recording, said: "" });
    child.stdout.setEncoding("utf8");
    await new Promise((resolve, reject) => {
      child.once("exit", () => reject(new Error("the server did not start")));
      child.stdout.on("data", (part) => {
        server.said += part;
        const ready = server.said.match(/is ready at (\S+)\nexport .*\n/);
        if (ready) {
          server.url = ready[1];
          resolve();
        }
      });
    });
    return server;
  }

  client(region, options = {}) {
    const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "none" };
    return new DSQLClient({ region, endpoint: this.url, credentials, ...options });
  }

  /** What /_sim/ answers to a POST; faults are lines of the scenario language. */
  async sim(what, text) {
    const body = what === "faults" ? JSON.stringify({ faults: [text] }) : text;
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${this.url}/_sim/${what}`, { method: "POST", headers, body });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  }

  /** Ends it, and replays what it recorded to the same hash. */
  async stop() {
    this.child.kill("SIGTERM");
    const [code] = await once(this.child, "exit");
    assert.equal(code, 0, this.said);
    const [, events, hash] = this.said.match(/(\d+) events, hash ([0-9a-f]{16}), 0 violations/);
    const again = execFileSync(BINARY, ["run", this.recording, "--format", "json"], { encoding: "utf8" });
    const report = JSON.parse(again.split("\n")[0]);
    assert.deepEqual([report.outcome, report.events, report.hash], ["pass", Number(events), hash]);
    rmSync(dirname(this.recording), { recursive: true });
  }
}
