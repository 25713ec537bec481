/** Prints "passed failed skipped" for a result file of vitest's JSON reporter. */
import { readFileSync } from "node:fs";

interface VitestResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: count-tests.ts FILE");
const results = JSON.parse(readFileSync(file, "utf8")) as VitestResults;
// A file that cannot be loaded, or whose hooks fail, has no failed test but is a failure all the same.
const brokenFiles = results.testResults.filter(
  ({ status, assertionResults }) => status === "failed" && assertionResults.every((test) => test.status !== "failed"),
).length;
const skipped = results.numPendingTests + results.numTodoTests;
console.log(`${results.numPassedTests} ${results.numFailedTests + brokenFiles} ${skipped}`);
