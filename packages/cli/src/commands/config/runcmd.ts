/** `ros-agent config runcmd` */
import { string } from "@oclif/core/flags";

import { AgentCommand } from "../../agent-command.ts";
import { SUMMARIES } from "../../summaries.ts";

export class ConfigRuncmd extends AgentCommand {
  static override id = "config runcmd";
  static override summary = SUMMARIES["config runcmd"];
  static override usage = "<%= command.id %> [FLAGS]";
  static override description =
    "What ros-agent-runcmd.service runs after the start. Commands run in their order, also after one that fails; one that a " +
    "restart has broken off is not run again. Exit code 8 where one has failed.";
  static override examples = ["$ ros-agent config runcmd"];
  static override flags = {
    root: string({ description: "Where the machine's record is kept below.", helpValue: "FOLDER", default: "/" }),
    "run-folder": string({ description: "Where the lock is.", helpValue: "FOLDER", default: "/run/rancheros" }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(ConfigRuncmd);
    const { runPendingCommands } = await import("@rancheros/agent/cloud-config");
    const machine = { root: flags.root, lockFile: `${flags["run-folder"]}/runcmd.lock` };
    const summary = await runPendingCommands(machine, (text) => this.remark(text), this.surroundings.signal);
    if (flags.json) this.printJson(summary);
    else this.remark(summary.ran === 0 ? "No commands left to run." : `${summary.ran} commands ran.`);
  }
}
