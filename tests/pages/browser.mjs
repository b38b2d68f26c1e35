// The Chromium of the tests, and what a test asks of every page.

import assert from "node:assert/strict";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A headless Chromium: that of the environment variable CHROMIUM. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/**
 * A page in a window of its own, with the faults it has met: errors on its console, exceptions, and requests to
 * addresses that `isOwn` does not know.
 */
export async function open(browser, address, { width = 1400, height = 900, theme = "light", isOwn } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, bypassCSP: false });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const isExpected = request.url().split("#")[0] === address.split("#")[0] || isOwn?.(request.url());
    if (!isExpected) faults.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  return { page, faults, close: () => context.close() };
}

/** Demands that axe finds no serious and no critical fault. */
export async function assertAccessible(page) {
  const result = await new AxeBuilder({ page }).analyze();
  const grave = result.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const lines = grave.flatMap(({ id, help, nodes }) => [
    `${id}: ${help}`,
    ...nodes.slice(0, 5).map((node) => `  ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`),
  ]);
  assert.equal(lines.length, 0, lines.join("\n"));
}
