/** `ros-agent undrain` */
import { AgentCommand } from "../agent-command.ts";
import { NODE_ARGS, NODE_FLAGS, kubectlArgs } from "../node-flags.ts";
import { SUMMARIES } from "../summaries.ts";
import type { CommandSurroundings } from "../surroundings.ts";

/** Result of `undrain --json`. */
export interface UndrainedJson {
  readonly nodeName: string;
  /** Whether it was cordoned before. */
  readonly changed: boolean;
  readonly dryRun: "none" | "client" | "server";
}

export class Undrain extends AgentCommand {
  static override id = "undrain";
  static override summary = SUMMARIES.undrain;
  static override usage = "<%= command.id %> [NODE] [FLAGS]";
  static override description =
    "Whoever cordoned the node: what `ros-agent drain` or somebody else did is undone alike. Pods that were evicted do not " +
    "come back by themselves; the scheduler places new ones.";
  static override examples = ["$ ros-agent undrain", "$ ros-agent undrain node-7 --kubeconfig admin.yaml"];
  static override args = NODE_ARGS;
  static override flags = NODE_FLAGS;

  constructor(args: readonly string[], surroundings: CommandSurroundings) {
    super(kubectlArgs(args, []), surroundings);
  }

  override async run(): Promise<void> {
    const { flags, args } = await this.parse(Undrain);
    const { runUndrain } = await import("../drain-run.ts");
    const result = await runUndrain({
      nodeName: args.node,
      kubeconfig: flags.kubeconfig,
      dryRun: flags["dry-run"],
      surroundings: this.surroundings,
      tell: (text) => (flags.json ? this.remark(text) : this.print(text)),
      remark: (text) => this.remark(text),
    });
    if (flags.json) this.printJson({ ...result, dryRun: flags["dry-run"] } satisfies UndrainedJson);
  }
}
