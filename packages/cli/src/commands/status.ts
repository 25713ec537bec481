/** `ros-agent status` */
import { boolean } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { MACHINE_FLAGS } from "../machine-flags.ts";
import { SUMMARIES } from "../summaries.ts";

const WATCH_MS = 1_000;

export class Status extends AgentCommand {
  static override id = "status";
  static override summary = SUMMARIES.status;
  static override usage = "<%= command.id %> [FLAGS]";
  static override description =
    "The phase of the upgrade and since when, what it waits for, what went wrong last, the node, the operator, and how the " +
    "last upgrades ended. The agent that runs is asked; where none runs, its journal is read. The exit code is 0 whatever " +
    "the phase is.";
  static override examples = ["$ ros-agent status", "$ ros-agent status --watch", "$ ros-agent status --json"];
  static override flags = {
    watch: boolean({ default: false, description: "Go on until Ctrl-C, and print each change." }),
    ...MACHINE_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const [{ readAgentState }, { machineOptions }, { describeState }, { setTimeout: sleep }] = await Promise.all([
      import("@rancheros/agent/by-hand"),
      import("../machine-run.ts"),
      import("../describe-state.ts"),
      import("node:timers/promises"),
    ]);
    // Whoever has read enough, as head has.
    const unread = new AbortController();
    process.stdout.once("error", () => unread.abort());
    const signal = AbortSignal.any([this.surroundings.signal, unread.signal]);
    const options = machineOptions(flags, this.surroundings, (message) => this.remark(message));
    let shown = "";
    do {
      const state = await readAgentState(options);
      // How long ago things were is no change.
      const present = JSON.stringify({ ...state, operator: { ...state.operator, reached: undefined } });
      if (present !== shown) {
        if (flags.json) this.printJson(state);
        else this.print(`${shown === "" ? "" : "\n"}${describeState(state, Date.now())}`);
      }
      shown = present;
      if (flags.watch) await sleep(WATCH_MS, undefined, { signal }).catch(() => undefined);
    } while (flags.watch && !signal.aborted);
  }
}
