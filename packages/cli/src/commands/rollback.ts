/** `ros-agent rollback` */
import { boolean } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { MACHINE_FLAGS, RUNTIME_FLAGS } from "../machine-flags.ts";
import { SUMMARIES } from "../summaries.ts";

/** Result of `rollback --json`. */
export interface RolledBackJson {
  /** What is started next, or is not any more: `slot a`, `slot b`, or a menu entry of the boot loader of cOS. */
  readonly entry: string;
  readonly dryRun: boolean;
}

export class Rollback extends AgentCommand {
  static override id = "rollback";
  static override summary = SUMMARIES.rollback;
  static override usage = "<%= command.id %> [FLAGS]";
  static override description =
    "Goes back to the operating system from before the last upgrade at the next restart, which is yours to do. On a " +
    "machine with two slots (`ros-agent install`) the other slot is tried at the next start, and good from then on if its " +
    "boot check passes; on cOS and Elemental systems the passive slot starts once. The image that is gone back from is not tried again on this machine until " +
    "somebody asks for it. An upgrade that the operator grants meanwhile waits for that restart, and says so. Refuses where the machine has no other slot that holds a whole system, and while an upgrade is " +
    "under way.";
  static override examples = [
    "$ ros-agent rollback --dry-run",
    "$ ros-agent rollback && systemctl reboot",
    "$ ros-agent rollback --cancel",
  ];
  static override flags = {
    "dry-run": boolean({ default: false, description: "Change nothing, and say what would be started." }),
    cancel: boolean({ default: false, description: "Call off a rollback that waits for the restart." }),
    ...MACHINE_FLAGS,
    ...RUNTIME_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Rollback);
    const [{ cancelRollbackByHand, rollbackByHand }, { agentOptions }] = await Promise.all([
      import("@rancheros/agent/by-hand"),
      import("../machine-run.ts"),
    ]);
    const dryRun = flags["dry-run"];
    const options = agentOptions(flags, this.surroundings, (message) => this.remark(message));
    const { entry } = await (flags.cancel ? cancelRollbackByHand : rollbackByHand)(options, dryRun);
    if (flags.json) this.printJson({ entry, dryRun } satisfies RolledBackJson);
    else if (flags.cancel)
      this.print(dryRun ? `Would not start ${entry} any more.` : `${entry} is not started any more.`);
    else if (dryRun) this.print(`Would start ${entry} at the next restart.`);
    else this.print(`The next restart starts ${entry}: systemctl reboot`);
  }
}
