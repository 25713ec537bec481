/** `ros-agent upgrade` */
import { string as textArgument } from "@oclif/core/args";
import { boolean, integer, string } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { MACHINE_FLAGS, RUNTIME_FLAGS } from "../machine-flags.ts";
import { SUMMARIES } from "../summaries.ts";

export class Upgrade extends AgentCommand {
  static override id = "upgrade";
  static override summary = SUMMARIES.upgrade;
  static override usage = "<%= command.id %> IMAGE [FLAGS]";
  static override description =
    "The same way that a ManagedOSImage with a drain goes, without an operator: pull, drain, run the image's " +
    "suc-upgrade, restart, verify, uncordon. DaemonSets' pods are left alone. An agent that runs takes it over, and this command watches; otherwise it is done here up to the " +
    "restart, and goes on when the agent is started. The cloud config of the machine stays as it is. The exit code is 0 " +
    "where the machine runs the image at the end, otherwise that of the problem.";
  static override examples = [
    "$ ros-agent upgrade rancher/os2:v0.2.0",
    "$ ros-agent upgrade registry.example.com:5000/os@sha256:0123... --no-drain",
    "$ ros-agent upgrade rancher/os2:v0.2.0 --dry-run --json",
  ];
  static override args = {
    image: textArgument({ description: "The image of the operating system, by tag or digest.", required: true }),
  };
  static override flags = {
    force: boolean({
      default: false,
      description: "Go on after a failed drain, and upgrade to what runs already (FORCE of suc-upgrade).",
    }),
    "allow-downgrade": boolean({ default: false, description: "Take an image that is older than what runs." }),
    "no-drain": boolean({ default: false, description: "Leave the pods on the node." }),
    "no-cordon": boolean({ default: false, description: "Neither drain nor cordon the node." }),
    "drain-timeout": string({
      description: "For the drain; 0 is as long as --timeout.",
      helpValue: "DURATION",
      default: "0",
    }),
    "grace-period": integer({
      description: "Seconds that each pod has to end by itself; -1 leaves it to the pod.",
      helpValue: "SECONDS",
      default: -1,
      min: -1,
    }),
    "delete-emptydir-data": boolean({
      default: false,
      description: "Drain pods that use emptyDir too, whose data is lost.",
    }),
    "drain-force": boolean({ default: false, description: "Drain pods too that no controller would make again." }),
    "disable-eviction": boolean({
      default: false,
      description: "Delete pods in place of evicting them, past their PodDisruptionBudgets.",
    }),
    timeout: string({
      description: "Give up when the machine is not ready to be switched after so long.",
      helpValue: "DURATION",
      default: "1h",
    }),
    "no-wait": boolean({ default: false, description: "Return when the agent that runs has taken it over." }),
    "dry-run": boolean({
      default: false,
      description: "Change nothing: say what the tag names now, and what would be done.",
    }),
    ...MACHINE_FLAGS,
    ...RUNTIME_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags, args } = await this.parse(Upgrade);
    const { runUpgrade } = await import("../upgrade-run.ts");
    const result = await runUpgrade({
      image: args.image,
      flags,
      wait: !flags["no-wait"],
      dryRun: flags["dry-run"],
      surroundings: this.surroundings,
      remark: (text) => this.remark(text),
    });
    if (flags.json) this.printJson(result);
    else this.print(result.sentence);
  }
}
