/** What runs of the runcmd of cloud-configs, and what of it never a second time. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runPendingCommands } from "../../../src/cloud-config/index.ts";
import { machineRoot, type MachineRoot } from "./machine-root.ts";

let machine: MachineRoot;
beforeEach(async () => {
  machine = await machineRoot();
});
afterEach(() => machine.remove());

describe("runcmd", () => {
  const run = (): Promise<unknown> =>
    runPendingCommands(
      { root: machine.root, lockFile: join(machine.root, "..", "runcmd.lock") },
      () => undefined,
      new AbortController().signal,
    );
  const config = (script: string): string =>
    `#cloud-config\nruncmd: [${JSON.stringify(script)}, [/bin/false], "true"]\n`;

  it("runs each command once, in order, also after one that fails", async () => {
    const log = join(machine.root, "..", "log");
    await machine.apply(config(`echo ran >> ${log}`));
    await expect(run()).rejects.toMatchObject({
      code: "CLOUD_CONFIG_COMMAND_FAILED",
      message: "1 of 3 commands failed",
    });
    expect(await run()).toEqual({ ran: 0, failed: 0 });
    expect((await machine.apply(config(`echo ran >> ${log}`))).changes).toEqual([]);
    expect(await machine.text("../log")).toBe("ran\n");
    const record = JSON.parse(await machine.text("var/lib/rancheros/runcmd.json")) as {
      readonly lines: readonly { readonly state: unknown }[];
    };
    expect(record.lines.map(({ state }) => state)).toEqual([
      { kind: "ended", outcome: "exit code 0" },
      { kind: "ended", outcome: "exit code 1" },
      { kind: "ended", outcome: "exit code 0" },
    ]);
  });

  it("goes on behind a command that cannot be started", async () => {
    const log = join(machine.root, "..", "log");
    await machine.apply(`#cloud-config\nruncmd: [a, b, "echo ran >> ${log}"]\n`);
    const place = "var/lib/rancheros/runcmd.json";
    const record = JSON.parse(await machine.text(place)) as { lines: { state: { command: { script: string } } }[] };
    // As an earlier agent has recorded them, which took them for commands.
    for (const [index, script] of ["secret\0", "x".repeat(200_000)].entries()) {
      const line = record.lines[index];
      if (line !== undefined) line.state.command.script = script;
    }
    await machine.put(place, JSON.stringify(record), 0o600);
    await expect(run()).rejects.toMatchObject({ message: "2 of 3 commands failed" });
    expect(await readFile(log, "utf8")).toBe("ran\n");
    expect(await machine.text(place)).not.toContain("secret");
  });

  it("runs a line that is added or changed, and none of those that have run", async () => {
    const log = join(machine.root, "..", "log");
    const lines = (...words: readonly string[]): string =>
      `#cloud-config\nruncmd: ${JSON.stringify(words.map((word) => `echo ${word} >> ${log}`))}\n`;
    await machine.apply(lines("one", "two", "two"));
    await run();
    await machine.apply(lines("zero", "one", "two changed", "two"));
    // Somebody applies another file by hand, and the next start the first one again.
    await machine.apply(lines("by hand", "one"), { from: "/root/other.yaml" });
    expect(await run()).toEqual({ ran: 3, failed: 0 });
    await machine.apply(lines("zero", "one", "two changed", "two"));
    expect(await run()).toEqual({ ran: 0, failed: 0 });
    expect((await machine.text("../log")).replaceAll("\n", ",")).toBe("one,two,two,zero,two changed,by hand,");
  });

  it("does not run a line that has gone from its file before it ran, nor keeps the text of one that has run", async () => {
    const log = join(machine.root, "..", "log");
    await machine.apply(`#cloud-config\nruncmd: ["echo wrong >> ${log}", "true secret-word"]\n`);
    await machine.apply('#cloud-config\nruncmd: ["true secret-word"]\n');
    expect(await run()).toEqual({ ran: 1, failed: 0 });
    expect(await machine.text("var/lib/rancheros/runcmd.json")).not.toContain("secret-word");
    await machine.apply("#cloud-config\nhostname: m1\n");
    await machine.apply('#cloud-config\nruncmd: ["true secret-word"]\n');
    expect(await run()).toEqual({ ran: 0, failed: 0 });
    await expect(machine.text("../log")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("does not run again what a power cut has broken off, and goes on behind it", async () => {
    const log = join(machine.root, "..", "log");
    await machine.apply(`#cloud-config\nruncmd: ["echo one >> ${log}", "echo two >> ${log}"]\n`);
    const place = "var/lib/rancheros/runcmd.json";
    const record = JSON.parse(await machine.text(place)) as { readonly lines: [{ state: unknown }] };
    record.lines[0].state = { kind: "started" };
    await machine.put(place, JSON.stringify(record), 0o600);
    await expect(run()).rejects.toMatchObject({ code: "CLOUD_CONFIG_COMMAND_FAILED" });
    expect(await machine.text("../log")).toBe("two\n");
    expect(await run()).toEqual({ ran: 0, failed: 0 });
  });
});
