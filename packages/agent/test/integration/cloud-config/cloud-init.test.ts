/** Cloud-configs on a machine that has cloud-init: what it gets, and what it leaves to the agent. */
import { createHash } from "node:crypto";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runPendingCommands } from "../../../src/cloud-config/index.ts";
import { machineRoot, type MachineRoot } from "./machine-root.ts";

const SEED = "var/lib/cloud/seed/nocloud";
const HASH = `$6$salt$${"x".repeat(86)}`;

let machine: MachineRoot;
beforeEach(async () => {
  machine = await machineRoot();
});
afterEach(() => machine.remove());

/** As cloud-init does first. */
async function beginInstance(): Promise<void> {
  const [, instance = ""] = /^instance-id: (\S+)$/m.exec(await machine.text(`${SEED}/meta-data`)) ?? [];
  await mkdir(machine.path(`var/lib/cloud/instances/${instance}`), { recursive: true });
}

/** As cloud-init, or a person, has made her. */
async function putAlice(hash: string): Promise<void> {
  await machine.put("etc/passwd", `${await machine.text("etc/passwd")}alice:x:1000:1000::/home/alice:/bin/bash\n`);
  await machine.put("etc/group", `${await machine.text("etc/group")}alice:x:1000:\n`);
  await machine.put("etc/shadow", `${await machine.text("etc/shadow")}alice:${hash}:20000:0:99999:7:::\n`, 0o600);
  await mkdir(machine.path("home/alice"), { recursive: true });
}

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

  it("leaves cloud-init the seed of a file that cannot be read now, and applies the others once it has begun", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    const unread = ["/oem/99_custom.yaml"];
    const texts = (name: string): readonly string[] => [`write_files: [{path: /etc/motd, content: ${name}}]\n`];
    await machine.applyAll(["hostname: a\n", ...texts("old")]);
    const seed = await machine.text(`${SEED}/user-data`);
    expect((await machine.applyAll(texts("new"), { unread })).changes).toEqual([]);
    await beginInstance();
    const { changes } = await machine.applyAll(texts("new"), { unread });
    expect(changes.map(({ subject }) => subject)).toEqual(["/etc/motd"]);
    expect(await machine.text(`${SEED}/user-data`)).toBe(seed);
    // Once all of it is read it goes to cloud-init.
    await machine.applyAll(["hostname: a\n", ...texts("new")]);
    expect(await machine.text(`${SEED}/user-data`)).toContain("content: new");
  });

  it("loses the mark that Windows' editors put before it: behind a second header nobody could read it", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    await machine.apply("\ufeff#cloud-config\nhostname: a\n");
    expect(await machine.text(`${SEED}/user-data`)).toBe("#cloud-config\nhostname: a\n");
    await machine.apply("\ufeffhostname: b\n");
    expect(await machine.text(`${SEED}/user-data`)).toBe("#cloud-config\nhostname: b\n");
    await mkdir(machine.path("oem"));
    await machine.put("usr/bin/yip", "", 0o755);
    await machine.apply("\ufeff#cloud-config\r\nhostname: a\r\n");
    expect(await machine.text("oem/99_ros-agent.yaml")).toBe("#cloud-config\r\nhostname: a\r\n");
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
    await beginInstance();
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

  it("leaves what cloud-init has applied to people: a password that is locked, and a file that was changed", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    const first = `#cloud-config
users: [{name: alice, passwd: ${HASH}}]
write_files: [{path: /etc/motd, content: hello}]
`;
    await machine.apply(first);
    await beginInstance();
    await putAlice(`!${HASH}`);
    await machine.put("etc/motd", "by hand\n");
    const before = await machine.snapshot();
    expect(await machine.apply(first)).toMatchObject({ changes: [], problems: [] });
    expect(await machine.snapshot()).toEqual(before);
    // What comes later is ours to do; a password that is there stays nevertheless.
    const { changes, remarks, problems } = await machine.apply(first.replace("hello", "hello all"));
    expect(problems).toEqual([]);
    expect(changes.map(({ subject }) => subject)).toEqual([
      "/etc/motd",
      "/var/lib/rancheros/nocloud-seed.json",
      "/var/lib/cloud/seed/nocloud/user-data",
    ]);
    expect(remarks).toEqual([expect.stringContaining("user alice has a password already, which stays")]);
    expect(await machine.text("etc/motd")).toBe("hello all");
    expect(await machine.text("etc/shadow")).toContain(`\nalice:!${HASH}:`);
  });

  it("leaves the passwords of its users to people also where it was switched off after it began", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    const text = `#cloud-config\nusers: [{name: alice, passwd: ${HASH}}]\n`;
    await machine.apply(text);
    await beginInstance();
    await putAlice(`!${HASH}`);
    await machine.put("etc/cloud/cloud-init.disabled", "");
    expect(await machine.apply(text)).toMatchObject({ tool: "native", problems: [] });
    expect(await machine.text("etc/shadow")).toContain(`\nalice:!${HASH}:`);
  });

  it("gives a user that comes later the password, also where applying was broken off before it", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    await machine.apply("#cloud-config\nhostname: a\n");
    await beginInstance();
    await putAlice("!");
    const { problems } = await machine.apply(`#cloud-config\nusers: [{name: alice, passwd: ${HASH}}]\n`);
    expect(problems).toEqual([]);
    expect(await machine.text("etc/shadow")).toContain(`\nalice:${HASH}:`);
  });

  it("is applied to its end where it is of several files, of which cloud-init takes each list from the last", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    const texts = ["/etc/motd", "/etc/issue"].map(
      (path) => `#cloud-config\nwrite_files: [{path: ${path}, content: hello}]\n`,
    );
    await machine.applyAll(texts);
    await beginInstance();
    await machine.put("etc/issue", "hello", 0o644);
    expect((await machine.applyAll(texts)).problems).toEqual([]);
    expect(await machine.text("etc/motd")).toBe("hello");
    await machine.put("etc/motd", "by hand\n");
    const before = await machine.snapshot();
    expect((await machine.applyAll(texts)).changes).toEqual([]);
    expect(await machine.snapshot()).toEqual(before);
  });

  it("is tried again at the next start where not all of what came later could be applied", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    await machine.apply("#cloud-config\nhostname: a\n");
    await beginInstance();
    const later = "#cloud-config\nwrite_files: [{path: /etc/motd/welcome, content: hello}]\n";
    await machine.put("etc/motd", "a file\n");
    expect((await machine.apply(later)).problems).toHaveLength(1);
    expect((await machine.apply(later)).problems).toHaveLength(1);
    await rm(machine.path("etc/motd"));
    expect((await machine.apply(later)).problems).toEqual([]);
    expect(await machine.text("etc/motd/welcome")).toBe("hello");
    expect(await machine.text(`${SEED}/user-data`)).toBe(later);
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
    ["as the record says", () => Promise.resolve()],
    ["of earlier agents, which kept no record", () => rm(machine.path("var/lib/rancheros/runcmd.json"))],
  ])("runs no command again where cloud-init was switched off after it began, %s", async (_what, change) => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    const text = "#cloud-config\nruncmd: ['exit 7']\n";
    await machine.apply(text);
    await beginInstance();
    await machine.put("etc/cloud/cloud-init.disabled", "");
    await change();
    expect(await machine.apply(text)).toMatchObject({ tool: "native", problems: [] });
    expect(await machine.text("var/lib/rancheros/runcmd.json")).not.toContain("waiting");
    await machine.apply(text.replace("]", ", 'exit 8']"));
    expect(await machine.text("var/lib/rancheros/runcmd.json")).toMatch(/waiting.*exit 8/);
    expect(await machine.text("var/lib/rancheros/runcmd.json")).not.toContain("exit 7");
  });

  it("runs itself of several files what cloud-init does not: it takes runcmd from the last one that has it", async () => {
    await machine.put("usr/bin/cloud-init", "", 0o755);
    const texts = ["'exit 7', 'true'", "'exit 8', 'true'"].map((lines) => `#cloud-config\nruncmd: [${lines}]\n`);
    texts.push("#cloud-config\nhostname: a\n");
    await machine.applyAll(texts);
    expect(await machine.text("var/lib/rancheros/runcmd.json")).not.toContain("waiting");
    await beginInstance();
    await machine.applyAll(texts);
    const record = await machine.text("var/lib/rancheros/runcmd.json");
    expect(record.match(/"waiting".*/g)).toEqual([expect.stringContaining("exit 7")]);
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
