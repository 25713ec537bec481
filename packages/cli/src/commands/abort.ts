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
    "refuses. The operator is told, and gives the machine no slot again until somebody asks for it. An upgrade that has " +
    "ended, and waits in vain for what it has to put in order, such as a node of a cluster that is gone, is told not to wait " +
    "any longer: then the node may stay cordoned, until the next upgrade or `ros-agent undrain`.";
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
    const state = await readAgentState(options);
    requireAbortable(state);
    const { phase, endsAs } = state;
    const dryRun = flags["dry-run"];
    if (!dryRun) await abortByHand(options, this.surroundings.signal);
    if (flags.json) this.printJson({ phase, dryRun } satisfies AbortedJson);
    else if (endsAs !== undefined)
      this.print(
        dryRun
          ? `Would wait no longer for what cannot be put in order, and end as ${endsAs}.`
          : `Waits no longer, and ends as ${endsAs}. Is the node still cordoned? ros-agent undrain`,
      );
    else this.print(dryRun ? `Would break off in ${phase}.` : `Broken off in ${phase}; what was done is undone.`);
  }
}
