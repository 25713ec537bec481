/** A command loads only what it needs: packages that another one needs would cost each start some of its time. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { rosAgent } from "./ros-agent.ts";

const PRELOAD = new URL("note-packages.ts", import.meta.url).href;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "packages-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function packagesOf(args: readonly string[]): Promise<readonly string[]> {
  const file = path.join(folder, "packages");
  await rosAgent(args, { NODE_OPTIONS: `--import=${PRELOAD}`, PACKAGES_FILE: file });
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
    const heavy = ["execa", "systeminformation", "typebox", "undici", "ws", "yaml"];
    expect(loaded.filter((name) => heavy.includes(name))).toEqual(needs);
  });
});
