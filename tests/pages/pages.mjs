// Pages of runs as files, for the tests: of scenarios, and of documents that are made here.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "target/pages");

/** The address of the page that the program writes about a run of a scenario. */
export function reportOf(text, name) {
  return pathToFileURL(reportFile(text, name)).href;
}

function reportFile(text, name) {
  mkdirSync(folder, { recursive: true });
  const scenario = join(folder, `${name}.scenario`);
  const page = join(folder, `${name}.html`);
  writeFileSync(scenario, text);
  rmSync(page, { force: true });
  const { status, stderr, error } = spawnSync(process.env.DSQL_SIM, ["report", scenario, "-o", page]);
  if (error || (status !== 0 && status !== 1)) throw error ?? new Error(`report ends with ${status}: ${stderr}`);
  return page;
}

const DATA = '<script id="run" type="application/json">';

/** The address of a page like the program's with another document. */
export function pageOf(run, name) {
  const page = readFileSync(reportFile("create-cluster region=us-east-1\n{}\n", "shell"), "utf8");
  const begin = page.indexOf(DATA) + DATA.length;
  const end = page.indexOf("</script>", begin);
  const data = JSON.stringify(run).replaceAll(/[<\u0080-\uffff]/g, escaped);
  const path = join(folder, `${name}.html`);
  writeFileSync(path, page.slice(0, begin) + data + page.slice(end));
  return pathToFileURL(path).href;
}

/** A letter as the program writes it into a page: the text is ASCII, and ends no element. */
function escaped(letter) {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** The file of a screenshot, which a person looks at. */
export function screenshot(name) {
  mkdirSync(join(folder, "screenshots"), { recursive: true });
  return join(folder, "screenshots", `${name}.png`);
}
