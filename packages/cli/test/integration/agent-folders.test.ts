/** Folders of the agent's that whoever calls it may not use, or nobody can: told as such, and not as an agent that hangs. */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";

import { useCommandedMachine } from "./commanded-machine.ts";
import { errorOf, rosAgent, rosAgentOfNobody } from "./ros-agent.ts";

const { folder, flags, write, startDaemon } = useCommandedMachine();
let machine: string;
beforeEach(() => {
  machine = folder();
});

describe("whoever is not root", () => {
  it("is told that, and not that the agent hangs", async () => {
    await startDaemon();
    chmodSync(machine, 0o755);
    const asked = [["status"], ["abort"], ["rollback"], ["upgrade", `registry.invalid/os@sha256:${"a".repeat(64)}`]];
    for (const args of asked) {
      const outcome = await rosAgentOfNobody([...args, ...flags(), "--json"]);
      expect(outcome.code).toBe(8);
      expect(errorOf(outcome)).toMatchObject({
        code: "FILES_UNREADABLE",
        message: `${machine}/run/rancheros/agent.sock cannot be used: this user may not`,
        mend: expect.stringContaining("as root") as string,
      });
    }
  });

  it("is told that where no agent runs", async () => {
    chmodSync(machine, 0o755);
    const config = join(machine, "config.yaml");
    write("config.yaml", "#cloud-config\nhostname: a\n");
    const runFolder = ["--run-folder", join(machine, "run/rancheros")];
    const asked = [
      ["run", "--without-operator", ...flags()],
      ["rollback", ...flags()],
      ["config", "apply", config, "--root", machine, ...runFolder],
      ["config", "runcmd", "--root", machine, ...runFolder],
    ];
    for (const args of asked) {
      const outcome = await rosAgentOfNobody([...args, "--json"]);
      expect(outcome.code).toBe(8);
      expect(errorOf(outcome)).toMatchObject({
        code: "FILES_UNSAVED",
        message: expect.stringMatching(
          /rancheros\/(agent|config|runcmd)\.lock cannot be taken: this user may not$/,
        ) as string,
        mend: expect.stringContaining("as root") as string,
      });
    }
  });
});

it("a run folder in which there can be no socket is told as such, and is a matter of the command line", async () => {
  // With the socket's name one byte more than fits, and as many as fit.
  const folderOf = (bytes: number): string => join(machine, "r".repeat(bytes - machine.length - "//agent.sock".length));
  for (const command of [["run", "--without-operator"], ["status"], ["abort"]]) {
    const outcome = await rosAgent([...command, ...flags(folderOf(108)), "--json"]);
    expect(outcome.code).toBe(2);
    const path = join(folderOf(108), "agent.sock");
    expect(errorOf(outcome)).toMatchObject({
      code: "FILES_PATH_TOO_LONG",
      message: `the path of the agent's socket has 108 bytes, and may have 107: ${path}`,
    });
  }
  const agent = await startDaemon({ runFolder: folderOf(107) });
  const outcome = await rosAgent(["status", ...flags(folderOf(107)), "--json"]);
  expect(JSON.parse(outcome.stdout)).toMatchObject({ agentPid: agent.child.pid });
});
