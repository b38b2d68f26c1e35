// The page of each kind of failure, from the program to the browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, launch, open } from "./browser.mjs";
import { reportOf, screenshot } from "./pages.mjs";

const REGIONS = "regions use1=us-east-1 use2=us-east-2 usw2=us-west-2\n";
const WITNESS = '"multiRegionProperties": { "witnessRegion": "us-west-2" }';

/** The scenario of a mutant, with the mutant in it. */
function planted(mutant) {
  const path = join(import.meta.dirname, `../mutants/${mutant}.scenario`);
  return readFileSync(path, "utf8").replace(/^seed /m, `mutant ${mutant}\nseed `);
}

/** Scenarios that fail, each in its own way, with the name of what fails. */
const FAILURES = {
  violation: { invariant: "storage-is-what-was-written", text: planted("acceptor-forgets-in-crash") },
  expectation: {
    invariant: "expectation",
    text: `# A cluster is ACTIVE as soon as its creation is answered.
#
# It is CREATING then, and another Region is cut off meanwhile.

seed 1
${REGIONS}partition use1<->use2
create-cluster region=use1 as=blue
{ ${WITNESS} }
create-cluster region=use2 as=green
{ ${WITNESS} }
update-cluster region=use1
{ "identifier": "$blue.identifier", "multiRegionProperties": { "witnessRegion": "us-west-2", "clusters": ["$green.arn"] } }
crash use2
expect blue is ACTIVE
`,
  },
  stuck: { invariant: "nothing-stuck", text: planted("timers-forgotten-in-crash") },
  "time-out": {
    invariant: "expectation",
    text: `# A waiter reads ACTIVE within its time.
#
# The cluster waits for a peer in PENDING_SETUP.

seed 1
create-cluster region=us-east-1 as=blue
{ ${WITNESS} }
wait cluster-active region=us-east-1
{ "identifier": "$blue.identifier" }
expect outcome ok
`,
  },
};

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser.close());

for (const [kind, { invariant, text }] of Object.entries(FAILURES)) {
  const address = () => reportOf(text, kind);
  test(`the page of a failure by ${kind} shows it and goes to it`, async () => {
    const { page, faults, close } = await open(browser, address());
    const run = await page.evaluate("run");
    assert.equal(run.failure.invariant, invariant);
    assert.ok(run.events.length > 0, "the run has events");
    const title = page.getByRole("heading", { name: invariant });
    assert.ok((await title.boundingBox()).y < 500, "the failure is in view");
    await page.keyboard.press("f");
    const row = page.locator("[role=option][aria-selected=true]");
    assert.equal(await row.count(), 1, "an event is selected");
    assert.match(await row.textContent(), /fails/);
    await page.getByLabel("only the causal cone").check();
    const cone = new Set([...run.cone, run.failure.event]);
    assert.equal(Number(await row.getAttribute("aria-setsize")), cone.size);
    assert.deepEqual(faults, []);
    await close();
  });

  test(`the scenario of a failure by ${kind} and its events lead to each other`, async () => {
    const { page, faults, close } = await open(browser, address());
    const line = page.locator(".line .line-link").first();
    await line.click();
    const row = page.locator("[role=option][aria-selected=true]");
    const marked = page.locator(".line[aria-current=true]");
    const { event, number } = await page.evaluate("({ event: view.selected, number: run.events[view.selected].line })");
    assert.equal(await row.getAttribute("id"), `event-${event}`);
    assert.equal(await marked.getAttribute("id"), `line-${number}`);
    assert.deepEqual(faults, []);
    await close();
  });

  for (const theme of ["light", "dark"]) {
    test(`the page of a failure by ${kind} is accessible, ${theme}`, async () => {
      const { page, close } = await open(browser, address(), { theme });
      await page.screenshot({ path: screenshot(`${kind}-${theme}`) });
      await assertAccessible(page);
      await page.keyboard.press("f");
      await page.screenshot({ path: screenshot(`${kind}-${theme}-failure`) });
      await assertAccessible(page);
      await close();
    });
  }
}
