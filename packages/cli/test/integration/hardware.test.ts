/** `ros-agent hardware` on the machine that the tests run on. */
import { cpus, totalmem } from "node:os";
import type { Hardware } from "@rancheros/agent/hardware";
import { describe, expect, it } from "vitest";

import { rosAgent } from "./ros-agent.ts";

describe("hardware", () => {
  it("agrees with --json with what Node knows, and has every field", async () => {
    const { code, stdout, stderr } = await rosAgent(["hardware", "--json"]);
    expect(code, stderr).toBe(0);
    const hardware = JSON.parse(stdout) as Hardware;
    expect(Object.keys(hardware)).toEqual(["cpu", "memory", "disks", "networkInterfaces"]);
    expect(Object.keys(hardware.cpu)).toContain("maxSpeedMhz");
    expect(hardware.cpu.logicalCores).toBe(cpus().length);
    expect(hardware.memory.totalBytes).toBe(totalmem());
    expect(stderr).toBe("");
  });

  it("is a line a part for people", async () => {
    const { code, stdout } = await rosAgent(["hardware"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Processor {2}\S/);
    expect(stdout).toMatch(/^Memory {5}\S/m);
  });
});
