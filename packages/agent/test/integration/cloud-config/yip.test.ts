/** Handing cloud-configs to yip, which applies what lies in /oem at each start. */
import { mkdir, readdir, stat } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { machineRoot, type MachineRoot } from "./machine-root.ts";

let machine: MachineRoot;
beforeEach(async () => {
  machine = await machineRoot();
});
afterEach(() => machine.remove());

describe("a cloud-config", () => {
  it("leaves yip nothing of an earlier run that had more files", async () => {
    await machine.put("usr/bin/yip", "", 0o755);
    await machine.put("oem/95_ros-agent_1.yaml", "#cloud-config\nhostname: old\n");
    await machine.put("oem/95_ros-agent_12.yaml", "#cloud-config\nhostname: old\n");
    await machine.put("oem/95_ros-agent_own.yaml", "#cloud-config\nhostname: somebody\n");
    // What lies in /oem anyway says nothing about what came from elsewhere.
    await machine.apply("hostname: a\n", { from: "/oem/99_custom.yaml" });
    const before = ["95_ros-agent_1.yaml", "95_ros-agent_12.yaml", "95_ros-agent_own.yaml"];
    expect((await readdir(machine.path("oem"))).sort()).toEqual(before);
    const dry = await machine.apply("hostname: a\n", { dryRun: true });
    expect(dry.changes.map(({ subject }) => subject)).toEqual([
      "/oem/95_ros-agent.yaml",
      "/oem/95_ros-agent_1.yaml",
      "/oem/95_ros-agent_12.yaml",
    ]);
    expect((await readdir(machine.path("oem"))).sort()).toEqual(before);
    expect(await machine.apply("hostname: a\n")).toMatchObject({ problems: [] });
    expect((await readdir(machine.path("oem"))).sort()).toEqual(["95_ros-agent.yaml", "95_ros-agent_own.yaml"]);
    expect((await machine.apply("hostname: a\n")).changes).toEqual([]);
  });

  it("goes to yip as a file in /oem, and what lies in /oem is left to it", async () => {
    await machine.put("usr/bin/yip", "", 0o755);
    await mkdir(machine.path("oem"));
    const applied = await machine.apply("hostname: a\nrancherd: {role: agent}\n");
    expect(applied).toMatchObject({ tool: "yip", takesEffect: "next-start" });
    expect(await machine.text("oem/95_ros-agent.yaml")).toBe("#cloud-config\nhostname: a\nrancherd: {role: agent}\n");
    expect(await machine.text("etc/rancher/rancherd/config.yaml")).toContain("role: agent");
    await expect(stat(machine.path("etc/hostname"))).rejects.toThrow("ENOENT");
    expect((await machine.apply("hostname: a\nrancherd: {role: agent}\n")).changes).toEqual([]);
    expect(
      (await machine.apply("hostname: b\nrancherd: {role: b}\n", { from: "/oem/99_custom.yaml" })).changes,
    ).toEqual([]);
  });
});
