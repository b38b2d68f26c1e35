// Pages of runs as files, for the tests: of documents made here, and of scenarios that fail.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "target/pages");

/** The page of a document as a file: its address and its size in bytes. */
export function pageOf(run, name) {
  mkdirSync(folder, { recursive: true });
  const from = join(folder, `${name}.json`);
  const to = join(folder, `${name}.html`);
  writeFileSync(from, JSON.stringify(run));
  execFileSync(process.env.RUN_PAGE, [from, to]);
  return pathToFileURL(to).href;
}

/** The file of a screenshot, which a person looks at. */
export function screenshot(name) {
  mkdirSync(join(folder, "screenshots"), { recursive: true });
  return join(folder, "screenshots", `${name}.png`);
}
