/** What the operator's executable does where its output is not read to the end. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const MAIN = path.resolve(import.meta.dirname, "../../src/main.ts");

/** @param rest  of a shell's line that begins with the operator's command `crds` */
async function shell(rest: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const line = `"$0" "$1" crds ${rest}; echo "status \${PIPESTATUS[0]}"`;
  return promisify(execFile)("bash", ["-c", line, process.execPath, MAIN], { timeout: 60_000 });
}

it("ends well and says nothing where its reader has read enough", async () => {
  // It is gone long before the modules are loaded.
  const { stdout, stderr } = await shell("| true");
  expect({ stdout, stderr }).toEqual({ stdout: "status 0\n", stderr: "" });
});

it("says in one line that its output could not be written, and fails", async () => {
  const { stdout, stderr } = await shell(">/dev/full");
  expect(stdout).toBe("status 1\n");
  expect(stderr).toMatch(/^Error: stdout could not be written: .*ENOSPC.*\n$/);
});
