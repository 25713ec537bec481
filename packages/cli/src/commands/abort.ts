/** `ros-agent abort` */
import { AgentCommand } from "../agent-command.ts";
import { MACHINE_FLAGS, RUNTIME_FLAGS } from "../machine-flags.ts";
import { boolean } from "@oclif/core/flags";
import { SUMMARIES } from "../summaries.ts";

/** Result of `abort --json`. */
export interface AbortedJson {
  /** What was under way, or would be broken off. */
  readonly phase: string;
  readonly dryRun: boolean;
}

export class Abort extends AgentCommand {
  static override id = "abort";
  static override summary = SUMMARIES.abort;
  static override usage = "<%= command.id %> [FLAGS]";
  static override description =
    "Before the operating system is switched, everything is undone: what runs is ended, the node takes pods again if it " +
    "was the agent that cordoned it. From Upgrading on there is no way back but `ros-agent rollback`, and this command " +
    "refuses. The operator is told, and gives the machine no slot again until somebody asks for it.";
  static override examples = ["$ ros-agent abort", "$ ros-agent abort --dry-run"];
  static override flags = {
    "dry-run": boolean({ default: false, description: "Change nothing, and say what would be broken off." }),
    ...MACHINE_FLAGS,
    ...RUNTIME_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Abort);
    const [{ abortByHand, requireAbortable, readAgentState }, { agentOptions }] = await Promise.all([
      import("@rancheros/agent/by-hand"),
      import("../machine-run.ts"),
    ]);
    const options = agentOptions(flags, this.surroundings, (message) => this.remark(message));
    const { phase, isUnderWay } = await readAgentState(options);
    requireAbortable(phase, isUnderWay);
    const dryRun = flags["dry-run"];
    if (!dryRun) await abortByHand(options, this.surroundings.signal);
    if (flags.json) this.printJson({ phase, dryRun } satisfies AbortedJson);
    else this.print(dryRun ? `Would break off in ${phase}.` : `Broken off in ${phase}; what was done is undone.`);
  }
}
