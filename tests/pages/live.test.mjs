// The live page of `dsql-sim serve`, in a browser.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { assertAccessible, launch, open } from "./browser.mjs";
import { screenshot } from "./pages.mjs";

const JSON_TYPE = { "content-type": "application/json" };

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser.close());

/** Serves while `work` runs, which gets the URL and a function that sends a request of a client in a Region. */
async function served(options, work) {
  const server = spawn(process.env.DSQL_SIM, [
    "serve",
    "--port",
    "0",
    "--until-stdin-closes",
    "--log",
    "off",
    ...options,
  ]);
  try {
    const url = await new Promise((resolve) => {
      let text = "";
      server.stdout.on("data", (chunk) => {
        text += chunk;
        if (text.includes("Ready.")) resolve(/ready at (\S+)/.exec(text)[1]);
      });
    });
    const call = async (method, path, body, region = "us-east-1") => {
      const scope = `AKIAOPS/20260101/${region}/dsql/aws4_request`;
      const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=00`;
      const request = { method, headers: { ...JSON_TYPE, authorization }, body: body && JSON.stringify(body) };
      return (await fetch(url + path, request)).json();
    };
    await work(url, call);
  } finally {
    server.stdin.end();
    if (server.exitCode === null) await once(server, "exit");
  }
}

/** Opens the page of a server, runs the test, and demands that the browser met no fault. */
async function withPage(url, work, options = {}) {
  const opened = await open(browser, `${url}/_sim/`, { isOwn: (address) => address.startsWith(url), ...options });
  await work(opened.page);
  assert.deepEqual(
    opened.faults.filter((fault) => !options.expects?.test(fault)),
    [],
  );
  await opened.close();
}

/** Waits until a condition about the page holds. */
const until = (page, condition, argument) => page.waitForFunction(condition, argument);

const shows = (page, selector, text) =>
  until(page, ([known, part]) => document.querySelector(known).textContent.includes(part), [selector, text]);

/** Clusters of one Region, a linked pair, a declared one, and the faults of the board. */
async function fill(call) {
  const witness = { witnessRegion: "us-west-2" };
  const blue = await call("POST", "/cluster", { multiRegionProperties: witness });
  const green = await call(
    "POST",
    "/cluster",
    { multiRegionProperties: { ...witness, clusters: [blue.arn] } },
    "us-east-2",
  );
  await call("POST", `/cluster/${blue.identifier}`, { multiRegionProperties: { ...witness, clusters: [green.arn] } });
  for (const region of ["eu-west-1", "eu-central-1", "ap-northeast-1"]) await call("POST", "/cluster", {}, region);
  const other = { witnessRegion: "eu-west-2" };
  const red = await call("POST", "/cluster", { multiRegionProperties: other }, "eu-west-1");
  await call("POST", "/cluster", { multiRegionProperties: { ...other, clusters: [red.arn] } }, "eu-central-1");
  await call("POST", "/_sim/advance", { by: "2m" });
  await call("DELETE", `/cluster/${blue.identifier}`);
  await call("POST", "/cluster", {}, "eu-west-1");
  const faults = ["partition us-east-1<->us-east-2", "outage ap-northeast-1", "crash eu-central-1/witness"];
  await call("POST", "/_sim/faults", { faults: [...faults, "delay eu-west-1<->eu-central-1 by=2s"] });
}

for (const theme of ["light", "dark"]) {
  for (const width of [1400, 600]) {
    test(`the live page is accessible at ${width} pixels, ${theme}`, async () => {
      await served(["--clock", "stepped"], async (url, call) => {
        await fill(call);
        await withPage(
          url,
          async (page) => {
            await shows(page, "#clusters", "PENDING_SETUP");
            await page.screenshot({ path: screenshot(`live-${width}-${theme}`), fullPage: true });
            await assertAccessible(page);
          },
          { width, theme },
        );
      });
    });
  }
}

test("calls and clusters appear as they come, and the board draws pairs and cuts", async () => {
  await served(["--speed", "60"], async (url, call) => {
    await withPage(url, async (page) => {
      await shows(page, "#calls", "No calls yet.");
      await fill(call);
      await shows(page, "#calls", "DeleteCluster");
      await shows(page, "#trace", "calls us-east-1 CreateCluster");
      await until(page, () => document.querySelectorAll("#lines path.linked").length === 1);
      await until(page, () => document.querySelectorAll("#lines path.cut").length === 1);
      const tokyo = page.locator("[data-region=ap-northeast-1]");
      assert.match(await tokyo.textContent(), /plane dark/);
      assert.match(await tokyo.textContent(), /control plane dark/);
    });
  });
});

test("a fault is injected by a click, and ended by another", async () => {
  await served([], async (url, call) => {
    const faults = async () => (await call("GET", "/_sim/faults")).faults;
    await withPage(
      url,
      async (page) => {
        await page.locator("[data-region=eu-west-1]").click();
        await page.locator("[data-region=eu-west-2]").click();
        await page.getByRole("button", { name: "Partition" }).click();
        await shows(page, "#faults", "drop eu-west-1<->eu-west-2");
        assert.equal(await page.locator("[data-region=eu-west-2]").getAttribute("aria-pressed"), "true");
        await page.getByRole("button", { name: "Outage" }).click();
        await shows(page, "[data-region=eu-west-1]", "plane dark");
        assert.deepEqual(await faults(), ["drop eu-west-1<->eu-west-2", "outage eu-west-1"]);
        await page.getByRole("button", { name: "End outage eu-west-1" }).click();
        await until(page, () => !document.querySelector("#faults").textContent.includes("outage"));
        assert.equal(await page.evaluate(() => document.activeElement.id), "active-title");
        // By the keyboard alone.
        await page.locator("#fault").fill("crash us-east-1/witness");
        await page.locator("#fault").press("Enter");
        await shows(page, "#faults", "crash us-east-1/witness");
        await page.locator("#fault").fill("crash mars-1");
        await page.locator("#fault").press("Enter");
        await shows(page, "#said", "Refused: ");
        await page.getByRole("button", { name: "Heal everything" }).click();
        await shows(page, "#faults", "No fault is active.");
        assert.deepEqual(await faults(), []);
      },
      { expects: /status of 400/ },
    );
  });
});

test("a lost answer and a call that waits are shown", async () => {
  await served(["--client-timeout", "20s", "--speed", "10"], async (url, call) => {
    await withPage(url, async (page) => {
      await page.getByRole("button", { name: "Drop next answer" }).click();
      await shows(page, "#faults", "times=1");
      const lost = call("GET", "/cluster").catch(() => "lost");
      await shows(page, "#waits", "client-1 waits for us-east-1 to answer ListClusters");
      await shows(page, "#calls", "waits client-1");
      assert.equal(await lost, "lost");
      await shows(page, "#calls", "unknown client-1");
      await shows(page, "#waits", "Nothing waits.");
    });
  });
});

test("the clock is paused, stepped, sped up and advanced, and the world begins again", async () => {
  await served([], async (url, call) => {
    const clock = () => call("GET", "/_sim/clock");
    const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
    await withPage(url, async (page) => {
      await shows(page, "#pace", "runs at 1×");
      await press(page, "Pause");
      await shows(page, "#pace", "paused");
      await call("GET", "/_sim/time");
      const before = await clock();
      const answer = call("POST", "/cluster", {});
      await shows(page, "#calls", "waits client-1");
      for (let steps = 0; !(await page.locator("#calls").textContent()).includes("ok client-1"); steps++) {
        assert.ok(steps < 20, "a call has few events");
        await press(page, "Step");
        await shows(page, "#said", "One event has happened.");
        await page.waitForTimeout(150);
      }
      assert.equal((await answer).status, "CREATING");
      assert.ok((await clock()).virtualMilliseconds > before.virtualMilliseconds);
      await page.locator("#advance-by").selectOption("10m");
      await press(page, "Advance");
      await shows(page, "#time", "00:10:");
      await shows(page, "#clusters", "ACTIVE");
      await page.locator("#speed").selectOption("600");
      await shows(page, "#said", "The speed is 600×.");
      await press(page, "Run");
      await shows(page, "#pace", "runs at 600×");
      await shows(page, "#time", "00:1");
      await page.locator("#seed").fill("7");
      await press(page, "Reset");
      await shows(page, "#pace", "seed 7");
      await shows(page, "#clusters", "No clusters.");
      assert.equal((await clock()).speed, 1);
      assert.ok(await page.locator("#save").isDisabled(), "the calls are not recorded");
    });
  });
});

test("the run is saved as a scenario", async () => {
  await served(["--clock", "stepped"], async (url, call) => {
    await call("POST", "/cluster", {}, "eu-west-1");
    await withPage(url, async (page) => {
      await shows(page, "#pace", "stepped");
      const saved = page.waitForEvent("download");
      await page.getByRole("button", { name: "Save as scenario" }).click();
      const text = readFileSync(await (await saved).path(), "utf8");
      assert.match(text, /create-cluster .*region=eu-west-1/);
    });
  });
});

test("a violation is in view the moment it occurs", async () => {
  const file = screenshot("planted").replace(".png", ".scenario");
  writeFileSync(file, "# A control plane shows deletion protection that is off as on.\n\nmutant protection-shown-on\n");
  await served(["--scenario", file], async (url, call) => {
    await withPage(url, async (page) => {
      await shows(page, "#calls", "No calls yet.");
      const made = await call("POST", "/cluster", { deletionProtectionEnabled: false });
      await call("GET", `/cluster/${made.identifier}`);
      await shows(page, "#violations", "acknowledged-is-visible");
      assert.ok(await page.getByRole("alert").isVisible());
      await page.screenshot({ path: screenshot("live-violation") });
      await assertAccessible(page);
    });
  });
});

test("a server with a token shows nothing before the page has it", async () => {
  await served(["--token", "s3cret"], async (url) => {
    await withPage(
      url,
      async (page) => {
        await shows(page, "#connection", "waiting for the token");
        await page.locator("#token").fill("wrong");
        await page.locator("#token").press("Enter");
        await until(page, () => document.querySelector("#token-form").hidden === false);
        await page.locator("#token").fill("s3cret");
        await page.locator("#token").press("Enter");
        await shows(page, "#connection", "connected");
        await page.getByRole("button", { name: "Outage" }).click();
        await shows(page, "#faults", "outage us-east-1");
      },
      { expects: /status of 401/ },
    );
  });
});

test("a page goes on when its server does not", async () => {
  let opened;
  await served([], async (url) => {
    opened = await open(browser, `${url}/_sim/`, { isOwn: (address) => address.startsWith(url) });
    await shows(opened.page, "#connection", "connected");
  });
  await shows(opened.page, "#connection", "trying again");
  await opened.close();
});
