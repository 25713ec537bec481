/**
 * Prints "passed failed skipped" for a result file of vitest's JSON reporter, and then what failed, a line each: of long
 * output often the end alone is kept.
 */
import { readFileSync } from "node:fs";
import path from "node:path";

interface VitestResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

const MAX_NAMED = 20;
const MAX_WHY_CHARACTERS = 300;

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: count-tests.ts FILE");
const results = JSON.parse(readFileSync(file, "utf8")) as VitestResults;
// A file that cannot be loaded, or whose hooks fail, has no failed test but is a failure all the same.
const brokenFiles = results.testResults.filter(
  ({ status, assertionResults }) => status === "failed" && assertionResults.every((test) => test.status !== "failed"),
);
const skipped = results.numPendingTests + results.numTodoTests;
console.log(`${results.numPassedTests} ${results.numFailedTests + brokenFiles.length} ${skipped}`);

const named = [
  ...results.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === "failed")
      .map(({ fullName, failureMessages }) => `${where(name)} > ${fullName}: ${firstLine(failureMessages?.[0])}`),
  ),
  ...brokenFiles.map(({ name, message }) => `${where(name)}: ${firstLine(message)}`),
];
for (const line of named.slice(0, MAX_NAMED)) console.log(line);
if (named.length > MAX_NAMED) console.log(`and ${named.length - MAX_NAMED} more`);

function where(name: string): string {
  return path.relative(process.cwd(), name);
}

function firstLine(message: string | undefined): string {
  const [line = ""] = (message ?? "").trim().split("\n");
  return line.length > MAX_WHY_CHARACTERS ? `${line.slice(0, MAX_WHY_CHARACTERS)}…` : line;
}
