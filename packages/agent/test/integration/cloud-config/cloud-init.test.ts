/** Cloud-configs on a machine that has cloud-init: what it gets, and what it leaves to the agent. */
import { createHash } from "node:crypto";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runPendingCommands } from "../../../src/cloud-config/index.ts";
import { machineRoot, type MachineRoot } from "./machine-root.ts";

const SEED = "var/lib/cloud/seed/nocloud";

let machine: MachineRoot;
beforeEach(async () => {
  machine = await machineRoot();
});
afterEach(() => machine.remove());

describe("a cloud-config", () => {
  it("goes to cloud-init as a NoCloud seed, of one instance for ever", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    expect(await machine.apply("#cloud-config\nhostname: a\n")).toMatchObject({ tool: "cloud-init", problems: [] });
    expect(await machine.text(`${SEED}/user-data`)).toBe("#cloud-config\nhostname: a\n");
    const instance = await machine.text(`${SEED}/meta-data`);
    expect(instance).toMatch(/^instance-id: ros-agent-[0-9a-f]{16}\n$/);
    expect((await machine.apply("#cloud-config\nhostname: a\n")).changes).toEqual([]);
    await machine.apply("#cloud-config\nhostname: b\n");
    expect(await machine.text(`${SEED}/user-data`)).toBe("#cloud-config\nhostname: b\n");
    expect(await machine.text(`${SEED}/meta-data`)).toBe(instance);
    await machine.put("etc/cloud/cloud-init.disabled", "");
    expect(await machine.apply("#cloud-config\nhostname: c\n")).toMatchObject({ tool: "native" });
  });

  it("is applied at once where cloud-init has begun with an earlier seed, and of its commands what cloud-init never had", async () => {
    const run = async (): Promise<readonly string[]> => {
      const log: string[] = [];
      const lockFile = join(machine.root, "..", "runcmd.lock");
      await runPendingCommands(
        { root: machine.root, lockFile },
        (line) => log.push(line),
        new AbortController().signal,
      );
      return log;
    };
    const first = "#cloud-config\nhostname: a\nruncmd: ['true', 'true']\n";
    const answer = `${first}users: [{name: alice}]\nwrite_files: [{path: /etc/motd, content: hello}]\n`;
    const later = answer.replace("]\n", ", 'exit 7']\n");
    await machine.put("usr/bin/cloud-init", "", 0o755);
    await machine.apply(first);
    expect(await machine.apply(answer)).toMatchObject({ takesEffect: "next-start", problems: [] });
    await expect(stat(machine.path("etc/motd"))).rejects.toThrow("ENOENT");
    expect(await run()).toEqual([]);
    const [, instance = ""] = /^instance-id: (\S+)$/m.exec(await machine.text(`${SEED}/meta-data`)) ?? [];
    await mkdir(machine.path(`var/lib/cloud/instances/${instance}`), { recursive: true });
    expect(await machine.apply(later)).toMatchObject({ tool: "cloud-init", takesEffect: "now", problems: [] });
    expect(await machine.text("etc/motd")).toBe("hello");
    expect(await machine.text("etc/passwd")).toMatch(/^alice:/m);
    // What cloud-init begins anew with some day.
    expect(await machine.text(`${SEED}/user-data`)).toBe(later);
    await expect(run()).rejects.toMatchObject({ code: "CLOUD_CONFIG_COMMAND_FAILED", details: { failed: 1 } });
    const before = await machine.snapshot();
    expect((await machine.apply(later)).changes).toEqual([]);
    expect(await machine.snapshot()).toEqual(before);
    expect(await run()).toEqual([]);
  });

  it("takes what earlier agents gave cloud-init for run, and what comes later not", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    const first = "#cloud-config\nruncmd: ['exit 7']\n";
    const instance = `ros-agent-${createHash("sha256").update(first).digest("hex").slice(0, 16)}`;
    await machine.put(`${SEED}/user-data`, first);
    await machine.put(`${SEED}/meta-data`, `instance-id: ${instance}\n`);
    await mkdir(machine.path(`var/lib/cloud/instances/${instance}`), { recursive: true });
    await machine.apply(first);
    expect(await machine.text("var/lib/rancheros/runcmd.json")).not.toContain("waiting");
    await machine.apply(first.replace("]", ", 'exit 8']"));
    expect(await machine.text("var/lib/rancheros/runcmd.json")).toMatch(/waiting.*exit 8/);
    expect(await machine.text("var/lib/rancheros/runcmd.json")).not.toContain("exit 7");
  });

  it("gives its commands to who applies it where cloud-init was switched off before it began", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    const text = "#cloud-config\nruncmd: ['exit 7']\n";
    await machine.apply(text);
    await machine.put("etc/cloud/cloud-init.disabled", "");
    expect(await machine.apply(text)).toMatchObject({ tool: "native", problems: [] });
    expect(await machine.text("var/lib/rancheros/runcmd.json")).toMatch(/waiting.*exit 7/);
  });

  it.each([
    ["a seed of the administrator's", "user-data", "#cloud-config\nhostname: theirs\n"],
    ["metadata of the administrator's", "meta-data", "instance-id: theirs\n"],
  ])("leaves %s to cloud-init as it is, and says so", async (_what, name, text) => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    await machine.put(`${SEED}/${name}`, text);
    const before = await machine.snapshot();
    const { changes, problems } = await machine.apply("#cloud-config\nhostname: a\n");
    expect([changes, problems]).toEqual([[], [expect.stringContaining(`/${SEED}/${name} is not what ros-agent`)]]);
    expect(await machine.snapshot()).toEqual(before);
  });

  it("goes on with the seed of an agent that kept no record, and with one that two kills in a row have left", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    const first = "#cloud-config\nhostname: a\n";
    const instance = `instance-id: ros-agent-${createHash("sha256").update(first).digest("hex").slice(0, 16)}\n`;
    await machine.put(`${SEED}/user-data`, first);
    await machine.put(`${SEED}/meta-data`, instance);
    expect((await machine.apply("#cloud-config\nhostname: b\n")).problems).toEqual([]);
    for (const name of ["c", "d", "e"]) {
      expect((await machine.apply(`#cloud-config\nhostname: ${name}\n`)).problems).toEqual([]);
      expect(await machine.text(`${SEED}/user-data`)).toBe(`#cloud-config\nhostname: ${name}\n`);
      expect(await machine.text(`${SEED}/meta-data`)).toBe(instance);
      // The record was written, and the seed was not.
      await machine.put(`${SEED}/user-data`, "#cloud-config\nhostname: b\n");
    }
  });

  it("knows its own seed after a kill between any two of its writes, and none that was changed by hand", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    const one = "#cloud-config\nhostname: one\n";
    const two = "#cloud-config\nhostname: two\n";
    await machine.apply(one);
    const instance = await machine.text(`${SEED}/meta-data`);
    await machine.apply(two);
    // Killed after the record was written, before the file was.
    await machine.put(`${SEED}/user-data`, one, 0o600);
    expect(await machine.apply(two)).toMatchObject({ problems: [] });
    expect(await machine.text(`${SEED}/user-data`)).toBe(two);
    await rm(machine.path(`${SEED}/meta-data`));
    expect(await machine.apply(two)).toMatchObject({ problems: [] });
    expect(await machine.text(`${SEED}/meta-data`)).not.toBe("");
    await machine.put(`${SEED}/meta-data`, instance, 0o600);
    await machine.put(`${SEED}/user-data`, "#cloud-config\nhostname: by-hand\n", 0o600);
    expect((await machine.apply(two)).problems).toHaveLength(1);
    expect(await machine.text(`${SEED}/user-data`)).toContain("by-hand");
  });
});
