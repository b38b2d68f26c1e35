// The page of a run, in a browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, launch, open } from "./browser.mjs";
import { runOf } from "./document.mjs";
import { pageOf, screenshot } from "./pages.mjs";

const run = runOf(240);
const failure = run.failure.event;
let browser;
let address;

before(async () => {
  browser = await launch();
  address = pageOf(run, "small");
});

after(() => browser.close());

/** Opens the page, runs the test, and demands that the browser met no fault. */
async function withPage(work, options) {
  const opened = await open(browser, address, options);
  await work(opened.page);
  assert.deepEqual(opened.faults, []);
  await opened.close();
}

const selected = (page) => page.locator("[role=option][aria-selected=true]").getAttribute("id");
const inSight = (locator) =>
  locator.evaluate((node) => {
    const box = node.getBoundingClientRect();
    return box.top >= 0 && box.bottom <= window.innerHeight;
  });

for (const theme of ["light", "dark"]) {
  for (const width of [1400, 600]) {
    test(`the page is accessible at ${width} pixels, ${theme}`, async () => {
      await withPage(
        async (page) => {
          await page.screenshot({ path: screenshot(`run-${width}-${theme}-top`) });
          await assertAccessible(page);
          await page.keyboard.press("f");
          await page.screenshot({ path: screenshot(`run-${width}-${theme}-failure`) });
          await assertAccessible(page);
        },
        { width, theme },
      );
    });
  }
}

test("the list of keys, the matches of a search and the open sheet of a narrow window are accessible", async () => {
  await withPage(async (page) => {
    await page.keyboard.press("?");
    assert.ok(await page.getByRole("dialog").isVisible());
    await assertAccessible(page);
    await page.keyboard.press("Escape");
    await page.getByLabel("Search").fill("Prepare");
    await page.keyboard.press("Enter");
    await assertAccessible(page);
  });
  await withPage(
    async (page) => {
      await page.getByRole("button", { name: /its peer is gone/, expanded: false }).click();
      assert.ok(await page.locator("#selected").isVisible());
      await assertAccessible(page);
    },
    { width: 500 },
  );
});

test("the failure is in view when the page opens, and f goes to its event", async () => {
  await withPage(async (page) => {
    assert.ok(await inSight(page.getByText(run.failure.message).first()));
    assert.ok(await inSight(page.getByRole("heading", { level: 1 })));
    await page.keyboard.press("f");
    assert.equal(await selected(page), `event-${failure}`);
    assert.ok(await inSight(page.locator(`#event-${failure}`)));
  });
});

test("keys go to the neighbours in time and in the cone", async () => {
  await withPage(async (page) => {
    await page.keyboard.press("f");
    await page.keyboard.press("k");
    assert.equal(await selected(page), `event-${failure - 1}`);
    await page.keyboard.press("j");
    await page.keyboard.press("p");
    assert.equal(await selected(page), `event-${run.cone.at(-2)}`);
    await page.keyboard.press("p");
    assert.equal(await selected(page), `event-${run.cone.at(-3)}`);
    await page.keyboard.press("n");
    assert.equal(await selected(page), `event-${run.cone.at(-2)}`);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("[aria-selected=true]").count(), 0);
  });
});

test("the arrow keys of the list move the selection, and its descendant is the selected row", async () => {
  await withPage(async (page) => {
    await page.keyboard.press("f");
    const list = page.getByRole("listbox");
    await list.focus();
    await page.keyboard.press("ArrowUp");
    assert.equal(await selected(page), `event-${failure - 1}`);
    assert.equal(await list.getAttribute("aria-activedescendant"), `event-${failure - 1}`);
    await page.keyboard.press("Home");
    assert.equal(await selected(page), "event-0");
    assert.ok(await inSight(page.locator("#event-0")));
  });
});

test("a selected event shows its content, its cone and the state of every Region", async () => {
  await withPage(async (page) => {
    await page.locator("#event-0").click();
    const panel = page.locator("#selected");
    assert.match(await panel.textContent(), /"clientToken": "token-0"/);
    assert.match(await panel.textContent(), /Calls in flight/);
    await page.keyboard.press("f");
    for (const region of ["us-east-1", "us-east-2", "us-west-2"]) {
      assert.equal(await panel.getByRole("heading", { name: region, exact: true }).count(), 1);
    }
    assert.match(await panel.textContent(), /clusters \(\d\)/);
    const dimmed = await page.locator(".row.is-dimmed").count();
    const inCone = await page.locator(".row.in-cone").count();
    assert.ok(dimmed > 0 && inCone > 0, `${dimmed} rows are dimmed, ${inCone} are in the cone`);
  });
});

test("a sentence of the explanation selects its event", async () => {
  await withPage(async (page) => {
    const sentence = page.getByRole("button", { name: run.explanation[1].text });
    await sentence.click();
    assert.equal(await selected(page), `event-${run.explanation[1].event}`);
    assert.equal(await sentence.getAttribute("aria-current"), "true");
    await page.locator("#selected").getByRole("button", { name: "sentence 3 →" }).click();
    assert.equal(await selected(page), `event-${failure}`);
  });
});

test("filters keep the events of a lane, a cluster, an operation or the cone", async () => {
  await withPage(async (page) => {
    const count = async () => Number(await page.locator("[role=option]").first().getAttribute("aria-setsize"));
    await page.getByRole("combobox", { name: "Lane" }).selectOption("use2");
    assert.equal(await count(), run.events.filter((event) => event.lane === 3).length);
    await page.getByRole("combobox", { name: "Lane" }).selectOption("all");
    await page.getByRole("combobox", { name: /^Cluster/ }).selectOption("c1");
    assert.equal(await count(), run.events.filter((event) => event.clusters?.includes("c1")).length);
    await page.getByRole("combobox", { name: /^Cluster/ }).selectOption("all");
    await page.getByRole("combobox", { name: "Operation" }).selectOption("CreateCluster");
    assert.equal(await count(), run.events.filter((event) => event.operation === "CreateCluster").length);
    await page.getByRole("combobox", { name: "Operation" }).selectOption("all");
    await page.keyboard.press("f");
    await page.getByLabel("only the causal cone").check();
    assert.equal(await count(), run.cone.length);
  });
});

test("the search counts its matches and goes through them", async () => {
  await withPage(async (page) => {
    await page.keyboard.press("/");
    await page.keyboard.type("witness crashes");
    const matches = page.locator("#matches");
    await page.waitForFunction(() => document.getElementById("matches").textContent.includes("0 matches"));
    await page.locator("#search").fill("crashes before");
    const crashes = run.events.flatMap((event, id) => (event.kind === "crashed" ? [id] : []));
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.locator("#search").fill("crashes before");
    await page.keyboard.press("Enter");
    assert.equal(await selected(page), `event-${crashes[0]}`);
    await page.keyboard.press("Enter");
    assert.equal(await selected(page), `event-${crashes[1]}`);
    assert.equal(await matches.textContent(), `2 of ${crashes.length} matches`);
  });
});

test("a line of the scenario selects its events, and an event marks its line", async () => {
  await withPage(async (page) => {
    const line = run.events.findIndex((event) => event.line === 10);
    await page.getByRole("button", { name: /^Line 10,/ }).click();
    assert.equal(await selected(page), `event-${line}`);
    assert.equal(await page.locator("[aria-current=true].line").getAttribute("id"), "line-10");
    await page.keyboard.press("Escape");
    await page.locator("#event-0").click();
    assert.equal(await page.locator("[aria-current=true].line").getAttribute("id"), "line-7");
  });
});

test("registers are shown on demand", async () => {
  await withPage(async (page) => {
    assert.equal(await page.locator(".row-register").count(), 0);
    await page.getByLabel("link registers").check();
    assert.ok((await page.locator(".row-register").count()) > 0);
  });
});

test("the theme of the page can differ from the system's", async () => {
  await withPage(async (page) => {
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await paper();
    await page.locator("#theme").click();
    await page.locator("#theme").click();
    assert.equal(await page.locator("#theme").textContent(), "Theme: dark");
    assert.notEqual(await paper(), light);
  });
});

test("the page on paper has the explanation and the cone as a table", async () => {
  await withPage(async (page) => {
    await page.emulateMedia({ media: "print" });
    await page.pdf({ path: screenshot("run-print").replace(".png", ".pdf") });
    assert.equal(await page.locator("#print tbody tr").count(), run.cone.length);
    assert.ok(await page.locator("#print table").isVisible());
    assert.ok(await page.locator(".explanation ol").isVisible());
    assert.ok(!(await page.locator("#timeline").isVisible()));
  });
});

test("a link to an event opens it", async () => {
  const opened = await open(browser, `${address}#event-12`);
  assert.equal(await selected(opened.page), "event-12");
  await opened.close();
});

test("the page of a run without a failure says that it passed", async () => {
  const { failure: _, cone, explanation, probability, ...passed } = runOf(60);
  const opened = await open(browser, pageOf(passed, "passed"));
  assert.match(await opened.page.locator("#summary").textContent(), /passed/);
  await opened.page.keyboard.press("j");
  assert.equal(await selected(opened.page), "event-0");
  assert.deepEqual(opened.faults, []);
  await opened.close();
});
