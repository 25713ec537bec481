/** The bundle that scripts/ros-agent runs says what the sources say, and is made anew where they have changed. */
import { execFile } from "node:child_process";
import { realpathSync, utimesSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

import { COMMANDS } from "../../src/command-table.ts";
import { rosAgent } from "./ros-agent.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
const CURRENT = `${ROOT}dist/ros-agent/current`;
const A_SOURCE = fileURLToPath(new URL("../../src/summaries.ts", import.meta.url));

async function buildIfStale(): Promise<string> {
  await run(`${ROOT}scripts/build-agent`, ["--if-stale"]);
  return realpathSync(CURRENT);
}

async function bundled(...args: readonly string[]): Promise<string> {
  return (await run(`${ROOT}scripts/ros-agent`, args)).stdout;
}

beforeAll(buildIfStale);

describe("the bundle of ros-agent", () => {
  it.each(Object.keys(COMMANDS))("has the help of %s", async (command) => {
    const { stdout } = await rosAgent([command, "--help"]);
    expect(stdout).toContain("USAGE");
    expect(await bundled(command, "--help")).toBe(stdout);
  });

  it("finds the program that asks for the hardware", async () => {
    const hardware: unknown = JSON.parse(await bundled("hardware", "--json"));
    expect(hardware).toHaveProperty("memory");
    expect(hardware).toHaveProperty("cpu");
  });

  it("is made anew when a source is newer, and only then", async () => {
    const before = await buildIfStale();
    expect(await buildIfStale()).toBe(before);
    utimesSync(A_SOURCE, new Date(), new Date());
    const [one, other] = await Promise.all([buildIfStale(), buildIfStale()]);
    expect(one).not.toBe(before);
    expect(other).toBe(one);
  });
});
