// The page of a campaign, in a browser: of a search that finds a planted bug, and of one that finds nothing.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { assertAccessible, launch, open } from "./browser.mjs";
import { screenshot } from "./pages.mjs";

const folder = join(import.meta.dirname, "../../target/pages/campaign");
let browser;
let found;
let clean;

/** The page of a sweep: its address. */
function pageOf(name, ...more) {
  const report = join(folder, name);
  mkdirSync(report, { recursive: true });
  const run = ["sweep", "--seeds", "0..3000", "--report", report, ...more];
  try {
    execFileSync(process.env.DSQL_SIM, run, { stdio: ["ignore", "ignore", "inherit"] });
  } catch ({ status }) {
    assert.equal(status, 1, "a search that finds something ends with 1");
  }
  return pathToFileURL(join(report, "index.html")).href;
}

before(async () => {
  browser = await launch();
  found = pageOf("found", "--mutant", "stale-timer", "--mutant", "protection-ignored");
  clean = pageOf("clean");
});

after(() => browser.close());

/** Opens a page, runs the test, and demands that the browser met no fault. */
async function withPage(address, work, options) {
  const opened = await open(browser, address, options);
  await work(opened.page);
  assert.deepEqual(opened.faults, []);
  await opened.close();
}

for (const theme of ["light", "dark"]) {
  for (const width of [1400, 600]) {
    test(`the page is accessible at ${width} pixels, ${theme}`, async () => {
      await withPage(
        found,
        async (page) => {
          await page.screenshot({ path: screenshot(`campaign-${width}-${theme}`) });
          await assertAccessible(page);
        },
        { width, theme },
      );
    });

    test(`a clean page has its parts in view at ${width} pixels, ${theme}`, async () => {
      await withPage(
        clean,
        async (page) => {
          await page.screenshot({ path: screenshot(`campaign-clean-${width}-${theme}`) });
          for (const part of ["cells", "marks", "invariants", "mutants"]) {
            await page.locator(`#${part}-title`).evaluate((title) => title.scrollIntoView());
            assert.ok(await page.locator(`#${part} .scroll`).first().isVisible());
            await page.screenshot({ path: screenshot(`campaign-${part}-${width}-${theme}`) });
          }
        },
        { width, theme },
      );
    });

    test(`the page is no wider than a window of ${width} pixels, ${theme}`, async () => {
      await withPage(
        found,
        async (page) => {
          const [wide, window] = await page.evaluate(() => [document.body.scrollWidth, document.body.clientWidth]);
          assert.ok(wide <= window, `${wide} pixels of ${window}`);
        },
        { width, theme },
      );
    });
  }
}

test("a violation has its rule, its seeds, its scenario, and a link to the file", async () => {
  await withPage(found, async (page) => {
    assert.match(await page.locator(".verdict").textContent(), /✗ \d+ invariants violated/);
    const violation = page.locator(".violation", { hasText: "protected-not-deleted" });
    assert.match(await violation.locator("h3").textContent(), /in [\d\u202f]+ seeds?, first \d+/);
    assert.match(await violation.locator(".rule").first().textContent(), /deletion protection/);
    assert.match(await violation.locator(".scenario").textContent(), /delete-cluster/);
    const link = violation.getByRole("link", { name: "protected-not-deleted.scenario" });
    assert.equal(await link.getAttribute("href"), "protected-not-deleted.scenario");
  });
});

test("a campaign without a violation says so, and which goals it missed", async () => {
  await withPage(clean, async (page) => {
    assert.equal(await page.locator(".verdict").textContent(), "✓ no violation");
    assert.equal(await page.locator(".violation").count(), 0);
    const goals = page.locator("#goals tbody tr");
    assert.equal(await goals.count(), 7);
    assert.match(await goals.first().textContent(), /coverage marks/);
  });
});

test("the heat map names every operation, and each cell has a number or cannot occur", async () => {
  await withPage(clean, async (page) => {
    const operations = await page.locator(".group th").allTextContents();
    assert.ok(operations.includes("CreateCluster") && operations.includes("DeleteStream"));
    const cells = await page.locator(".heat-map td").allTextContents();
    assert.ok(cells.length > 1000 && cells.every((text) => /^([\d\u202f]+|–)$/.test(text)));
    assert.ok(await page.locator(".heat-map td.h0, .heat-map td.h1").count());
  });
});

test("a key leads to each part, and scrolls its table", async () => {
  await withPage(clean, async (page) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.locator(":focus").textContent(), "Skip to the result");
    await page.getByRole("link", { name: "Heat map" }).focus();
    await page.keyboard.press("Enter");
    assert.match(page.url(), /#cells$/);
    await page.keyboard.press("Tab");
    const map = page.getByRole("region", { name: "Heat map" });
    assert.ok(await map.evaluate((node) => node === document.activeElement));
    await page.keyboard.press("End");
    await page.waitForFunction(() => document.activeElement.scrollTop > 0);
  });
});

test("the page on paper has whole tables", async () => {
  await withPage(found, async (page) => {
    await page.emulateMedia({ media: "print" });
    await page.pdf({ path: screenshot("campaign-print").replace(".png", ".pdf") });
    const cut = await page
      .locator(".scroll")
      .evaluateAll((nodes) => nodes.filter((node) => getComputedStyle(node).overflowY !== "visible").length);
    assert.equal(cut, 0);
    assert.ok(!(await page.locator("nav").isVisible()));
  });
});
