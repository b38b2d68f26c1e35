// How large the pages of long runs are, and how long a browser takes to open them and to draw a frame while the page
// scrolls. The figures are printed for a person: machines differ. What is demanded is that the pages work.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, open } from "./browser.mjs";
import { runOf } from "./document.mjs";
import { pageOf } from "./pages.mjs";

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser.close());

/** Scrolls through the page in steps, and gives the time of each frame in milliseconds, ascending. */
function scrollTimes(page) {
  return page.evaluate(async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    let before = await frame();
    for (let step = 0; step < 150; step++) {
      window.scrollBy(0, 300);
      const now = await frame();
      times.push(now - before);
      before = now;
    }
    return times.sort((a, b) => a - b);
  });
}

for (const count of [1_000, 10_000, 200_000]) {
  test(`a run of ${count} events opens, and the last event is reached`, { timeout: 120_000 }, async (context) => {
    const address = pageOf(runOf(count), `events-${count}`);
    const opened = await open(browser, address);
    const opening = await opened.page.evaluate(() => {
      const [navigation] = performance.getEntriesByType("navigation");
      const [painted] = performance.getEntriesByName("first-contentful-paint");
      return Math.max(navigation.loadEventEnd, painted?.startTime ?? 0);
    });
    const times = await scrollTimes(opened.page);
    const keyed = await opened.page.evaluate(() => {
      const begin = performance.now();
      for (let press = 0; press < 20; press++) {
        document.dispatchEvent(new KeyboardEvent("keydown", { key: press === 0 ? "f" : "k", bubbles: true }));
      }
      return (performance.now() - begin) / 20;
    });
    const searched = await opened.page.evaluate(() => {
      const begin = performance.now();
      document.getElementById("search").value = "crashes";
      document.getElementById("search").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
      return performance.now() - begin;
    });
    const megabytes = (statSync(fileURLToPath(address)).size / 1e6).toFixed(1);
    const [median, most] = [times[75], times.at(-1)].map((time) => time.toFixed(1));
    context.diagnostic(
      `${count} events: ${megabytes} MB, open in ${Math.round(opening)} ms, frames ${median} ms (most ${most} ms), ` +
        `a key ${keyed.toFixed(1)} ms, the first search ${Math.round(searched)} ms`,
    );
    await opened.page.keyboard.press("Escape");
    await opened.page.keyboard.press("f");
    assert.equal(await opened.page.locator("[aria-selected=true]").getAttribute("id"), `event-${count - 1}`);
    const rows = await opened.page.locator("[role=option]").count();
    assert.ok(rows < 200, `${rows} rows are in the document: those near the visible part`);
    assert.deepEqual(opened.faults, []);
    await opened.close();
  });
}
