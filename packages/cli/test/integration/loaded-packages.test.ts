/** A command loads only what it needs: packages that another one needs would cost each start some of its time. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startSources } from "./ros-agent.ts";

const PRELOAD = new URL("note-packages.ts", import.meta.url).href;

const HEAVY = ["execa", "systeminformation", "typebox", "undici", "ws", "yaml"];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "packages-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function packagesOf(args: readonly string[]): Promise<readonly string[]> {
  const file = path.join(folder, "packages");
  await startSources(args, { NODE_OPTIONS: `--import=${PRELOAD}`, PACKAGES_FILE: file }).outcome;
  return readFileSync(file, "utf8").split("\n");
}

describe("the packages that are loaded", () => {
  it.each([
    { args: ["version"], needs: [] },
    { args: ["get-tpm-hash", "--tcti", "swtpm:host=127.0.0.1,port=1"], needs: [] },
    { args: ["smbios", "--dump", "/nonexistent"], needs: [] },
    { args: ["hardware", "--timeout", "1ms"], needs: [] },
    { args: ["drain", "--kubeconfig", "/nonexistent"], needs: ["yaml"] },
    {
      args: ["register", "https://127.0.0.1:1/v1-rancheros/registration/t", "--tcti", "swtpm:host=127.0.0.1,port=1"],
      needs: ["ws", "yaml"],
    },
  ])("$args.0: $needs", async ({ args, needs }) => {
    const loaded = await packagesOf(args);
    expect(loaded).toContain("@oclif/core");
    expect(loaded.filter((name) => HEAVY.includes(name))).toEqual(needs);
  });

  it("by the daemon are those of the way to an operator, and none that reads hardware or checks schemas", async () => {
    const file = path.join(folder, "packages-of-run");
    for (const name of ["state", "run", "host"]) mkdirSync(path.join(folder, name));
    const [state, run, host] = ["state", "run", "host"].map((name) => path.join(folder, name));
    const folders = [`--state-folder=${state}`, `--run-folder=${run}`, `--host-root=${host}`];
    const { child, outcome } = startSources(["run", "--without-operator", ...folders], {
      NODE_OPTIONS: `--import=${PRELOAD}`,
      PACKAGES_FILE: file,
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("ready")) child.kill("SIGTERM");
    });
    expect((await outcome).code).toBe(0);
    const loaded = readFileSync(file, "utf8").split("\n");
    expect(loaded.filter((name) => HEAVY.includes(name))).toEqual(["ws", "yaml"]);
    // It reads one command line and stays for years.
    expect(loaded.filter((name) => name.startsWith("@oclif/"))).toEqual([]);
  });
});
