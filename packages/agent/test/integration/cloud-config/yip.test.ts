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
  it("leaves yip nothing of an earlier run that had more files, or of an agent that gave them other names", async () => {
    await machine.put("usr/bin/yip", "", 0o755);
    const old = ["95_ros-agent.yaml", "95_ros-agent_1.yaml", "95_ros-agent_12.yaml", "99_ros-agent_001.yaml"];
    const others = ["95_ros-agent_own.yaml", "99_custom.yaml", "99_ros-agent_own.yaml"];
    for (const name of [...old, ...others]) await machine.put(`oem/${name}`, "#cloud-config\nhostname: old\n");
    // What lies in /oem anyway says nothing about what came from elsewhere.
    await machine.apply("hostname: a\n", { from: "/oem/99_custom.yaml" });
    const before = [...old, ...others].toSorted();
    expect((await readdir(machine.path("oem"))).sort()).toEqual(before);
    const dry = await machine.apply("hostname: a\n", { dryRun: true });
    const changed = ["99_ros-agent.yaml", ...old].map((name) => `/oem/${name}`);
    expect(dry.changes.map(({ subject }) => subject).toSorted()).toEqual(changed.toSorted());
    expect((await readdir(machine.path("oem"))).sort()).toEqual(before);
    expect(await machine.apply("hostname: a\n")).toMatchObject({ problems: [] });
    expect((await readdir(machine.path("oem"))).sort()).toEqual([...others, "99_ros-agent.yaml"].toSorted());
    expect((await machine.apply("hostname: a\n")).changes).toEqual([]);
  });

  it("leaves yip what an earlier run had of a file that cannot be read now", async () => {
    await machine.put("usr/bin/yip", "", 0o755);
    await mkdir(machine.path("oem"));
    await machine.applyAll(["#cloud-config\nhostname: a\n", "#cloud-config\nhostname: b\n"]);
    const handed = (): Promise<readonly string[]> =>
      Promise.all(["99_ros-agent.yaml", "99_ros-agent_001.yaml"].map((name) => machine.text(`oem/${name}`)));
    const before = await handed();
    const one = ["#cloud-config\nhostname: b\n"];
    expect(await machine.applyAll(one, { unread: ["/registration.yaml"] })).toMatchObject({
      changes: [],
      problems: [],
    });
    expect(await handed()).toEqual(before);
    // Of one in /oem, which yip reads itself, it has nothing.
    await machine.applyAll(one, { unread: ["/oem/99_custom.yaml"] });
    expect((await readdir(machine.path("oem"))).sort()).toEqual(["99_ros-agent.yaml"]);
  });

  it("has the last word over what the installation has written, in the order in which it was given", async () => {
    await machine.put("usr/bin/yip", "", 0o755);
    await machine.put("oem/90_operator.yaml", "#cloud-config\nhostname: of-an-upgrade\n");
    await machine.put("oem/99_custom.yaml", "#cloud-config\nhostname: of-the-installation\n");
    const given = Array.from({ length: 12 }, (_, index) => `#cloud-config\nhostname: given-${index}\n`);
    expect(await machine.applyAll(given)).toMatchObject({ problems: [] });
    // As yip goes through them.
    const names = (await readdir(machine.path("oem"))).sort((one, other) =>
      Buffer.compare(Buffer.from(one), Buffer.from(other)),
    );
    const texts = await Promise.all(names.map((name) => machine.text(`oem/${name}`)));
    expect(texts.map((text) => /hostname: (.*)/.exec(text)?.[1])).toEqual([
      "of-an-upgrade",
      "of-the-installation",
      ...given.map((_, index) => `given-${index}`),
    ]);
  });

  it("goes to yip as a file in /oem, and what lies in /oem is left to it", async () => {
    await machine.put("usr/bin/yip", "", 0o755);
    await mkdir(machine.path("oem"));
    const applied = await machine.apply("hostname: a\nrancherd: {role: agent}\n");
    expect(applied).toMatchObject({ tool: "yip", takesEffect: "next-start" });
    expect(await machine.text("oem/99_ros-agent.yaml")).toBe("#cloud-config\nhostname: a\nrancherd: {role: agent}\n");
    expect(await machine.text("etc/rancher/rancherd/config.yaml")).toContain("role: agent");
    await expect(stat(machine.path("etc/hostname"))).rejects.toThrow("ENOENT");
    expect((await machine.apply("hostname: a\nrancherd: {role: agent}\n")).changes).toEqual([]);
    expect(
      (await machine.apply("hostname: b\nrancherd: {role: b}\n", { from: "/oem/99_custom.yaml" })).changes,
    ).toEqual([]);
  });
});
