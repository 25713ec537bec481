/** Which test files begin first, so that at the end none runs alone for minutes. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** A minute or more each, most of which they wait; a file's size, by which vitest sorts what it has never run, does not tell. */
const LONG = [
  /\/test\/integration\/rollout\//,
  /\/drain-parity\/dry-run\.test\.ts$/,
  /\/chart\/(neighbours|release)\.test\.ts$/,
  /\/operator\/(leadership|rollout|rollout-kills|registration-token)\.test\.ts$/,
  /\/hostile\/certificates\.test\.ts$/,
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONG.some((pattern) => pattern.test(moduleId));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
