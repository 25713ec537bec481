/** Which commit a checkout says that it is. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const SOURCE = path.resolve(import.meta.dirname, "../../src/build-commit.ts");
const run = promisify(execFile);

describe("the commit of a checkout", () => {
  let folder: string;
  let commit: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "build-commit-"));
    const checkout = path.join(folder, "checkout");
    mkdirSync(path.join(checkout, "packages/cli/src"), { recursive: true });
    writeFileSync(path.join(checkout, "packages/cli/package.json"), '{"type":"module"}');
    cpSync(SOURCE, path.join(checkout, "packages/cli/src/build-commit.ts"));
    const git = async (...args: readonly string[]) =>
      run("git", ["-C", checkout, "-c", "user.name=n", "-c", "user.email=n@example.com", ...args]);
    await git("init", "--quiet");
    await git("add", ".");
    await git("commit", "--quiet", "--message=first");
    commit = (await git("rev-parse", "HEAD")).stdout.trim();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** @param checkout  a folder with packages/cli/src/build-commit.ts */
  async function told(checkout: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const source = path.join(checkout, "packages/cli/src/build-commit.ts");
    const script = "console.log(String(await (await import(process.argv[1])).buildCommit()))";
    const args = ["--input-type=module", "--eval", script, source];
    return (await run(process.execPath, args, { env: { ...process.env, ...env }, timeout: 30_000 })).stdout.trim();
  }

  it("is told where the checkout is mine, and where it is somebody else's", async () => {
    expect(await told(path.join(folder, "checkout"))).toBe(commit);
    // What git's own tests set in place of a chown.
    expect(await told(path.join(folder, "checkout"), { GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" })).toBe(commit);
  });

  it("is not asked of somebody else's repository that a copy without its own lies in", async () => {
    const copy = path.join(folder, "checkout/copy");
    cpSync(path.join(folder, "checkout/packages"), path.join(copy, "packages"), { recursive: true });
    expect(await told(copy, { GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" })).toBe("undefined");
  });
});
