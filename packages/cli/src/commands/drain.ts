/** `ros-agent drain` */
import type { DrainReport } from "@rancheros/agent/drain";
import { boolean, integer, string } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { NODE_ARGS, NODE_FLAGS, kubectlArgs } from "../node-flags.ts";
import { SUMMARIES } from "../summaries.ts";
import type { CommandSurroundings } from "../surroundings.ts";

/** Result of `drain --json`. */
export interface DrainedJson extends DrainReport {
  readonly dryRun: "none" | "client" | "server";
}

export class Drain extends AgentCommand {
  static override id = "drain";
  static override summary = SUMMARIES.drain;
  static override usage = "<%= command.id %> [NODE] [FLAGS]";
  static override description =
    "Flags, rules and words are those of `kubectl drain`: all pods of the node are looked at first, and where one may not " +
    "be removed, none is. Evictions that a PodDisruptionBudget holds are tried again until --timeout, and the budget is " +
    "named. The node stays cordoned, also after a failure; `ros-agent undrain` gives it back. On the node itself the " +
    "kubelet's kubeconfig is enough.";
  static override examples = [
    "$ ros-agent drain --ignore-daemonsets --timeout=10m",
    "$ ros-agent drain node-7 --kubeconfig admin.yaml --ignore-daemonsets --delete-emptydir-data --dry-run=server",
  ];
  static override args = NODE_ARGS;
  static override flags = {
    timeout: string({
      description: "How long to try before giving up; 0 is without end.",
      helpValue: "DURATION",
      default: "0s",
    }),
    "grace-period": integer({
      description: "Seconds that each pod has to end by itself; negative leaves it to the pod.",
      helpValue: "SECONDS",
      default: -1,
    }),
    "delete-emptydir-data": boolean({ description: "Go on even if pods use emptyDir, whose data is lost." }),
    "ignore-daemonsets": boolean({ description: "Leave DaemonSet pods alone." }),
    force: boolean({ description: "Also remove pods that no controller would make again." }),
    "disable-eviction": boolean({
      description: "Delete pods in place of evicting them, past their PodDisruptionBudgets.",
    }),
    "skip-wait-for-delete-timeout": integer({
      description: "Do not wait for pods that have been in deletion for longer than this; 0 waits for all.",
      helpValue: "SECONDS",
      default: 0,
    }),
    "pod-selector": string({
      description: "Drain only pods with these labels.",
      helpValue: "SELECTOR",
      default: "",
    }),
    ...NODE_FLAGS,
  };

  constructor(args: readonly string[], surroundings: CommandSurroundings) {
    const switches = ["delete-emptydir-data", "ignore-daemonsets", "force", "disable-eviction"];
    super(kubectlArgs(args, switches), surroundings);
  }

  override async run(): Promise<void> {
    const { flags, args } = await this.parse(Drain);
    const { flagDurationMs, runDrain } = await import("../drain-run.ts");
    const report = await runDrain({
      nodeName: args.node,
      kubeconfig: flags.kubeconfig,
      dryRun: flags["dry-run"],
      options: {
        timeoutMs: flagDurationMs(flags.timeout, "timeout"),
        gracePeriodSeconds: flags["grace-period"],
        deleteEmptyDirData: flags["delete-emptydir-data"],
        ignoreDaemonSets: flags["ignore-daemonsets"],
        force: flags.force,
        disableEviction: flags["disable-eviction"],
        skipWaitForDeleteTimeoutSeconds: flags["skip-wait-for-delete-timeout"],
        podSelector: flags["pod-selector"],
      },
      surroundings: this.surroundings,
      tell: (text) => (flags.json ? this.remark(text) : this.print(text)),
      remark: (text) => this.remark(text),
    });
    if (flags.json) this.printJson({ ...report, dryRun: flags["dry-run"] } satisfies DrainedJson);
  }
}
