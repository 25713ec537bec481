/** `ros-agent reset` */
import { boolean } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { MACHINE_FLAGS } from "../machine-flags.ts";
import { SUMMARIES } from "../summaries.ts";

/** Result of `reset --json`. */
export interface ResetJson {
  readonly outcome: "planned" | "asked-for";
  readonly restart: "reboot" | undefined;
  readonly powerOff: boolean;
}

export class Reset extends AgentCommand {
  static override id = "reset";
  static override summary = SUMMARIES.reset;
  static override usage = "<%= command.id %> [FLAGS]";
  static override description =
    "On a machine that `ros-agent install` has installed: at the next start everything on ROS_STATE and the cloud config " +
    "are wiped - /var, /etc's changes, /root, /home, /opt, /srv, containers, the journal - before anything else runs. The " +
    "operating system in its slots stays, and so do where to register and what the machine has learned of the operator's " +
    "CA: it comes back as it was installed, registers again, and its status tells the operator that the reset is done. " +
    "Refuses while an upgrade is under way or a slot is on trial. There is no way back once the restart has begun.";
  static override examples = [
    "$ ros-agent reset --dry-run",
    "$ ros-agent reset --yes",
    "$ ros-agent reset --yes --power-off",
  ];
  static override flags = {
    yes: boolean({ char: "y", description: "Ask nobody." }),
    "power-off": boolean({ default: false, description: "Switch the machine off when it is done." }),
    "no-restart": boolean({ description: "Leave the restart to whoever asks." }),
    "dry-run": boolean({ default: false, description: "Change nothing, and say what would be done." }),
    ...MACHINE_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Reset);
    const [
      { readAgentState, refuseUnderWay },
      { openSlots, resetMachine, SlotError },
      { machineOptions },
      { LEARNED_CA_FILE },
    ] = await Promise.all([
      import("@rancheros/agent/by-hand"),
      import("@rancheros/agent/slots"),
      import("../machine-run.ts"),
      import("@rancheros/agent/registration"),
    ]);
    const options = machineOptions(flags, this.surroundings, (message) => this.remark(message));
    if (openSlots(options).started() === undefined) {
      throw new SlotError("SLOT_NONE_HERE", "this machine was not started from a slot");
    }
    refuseUnderWay(await readAgentState(options));
    const powerOff = flags["power-off"];
    if (flags["dry-run"]) {
      if (flags.json) this.printJson({ outcome: "planned", restart: undefined, powerOff } satisfies ResetJson);
      else this.print("Would wipe the state of this machine at the next start.");
      return;
    }
    if (!flags.yes) {
      const { confirmReset } = await import("../confirm-reset.ts");
      await confirmReset(this.surroundings.signal);
    }
    await resetMachine(options, { powerOff, learnedCaFile: LEARNED_CA_FILE });
    const result: ResetJson = { outcome: "asked-for", restart: flags["no-restart"] ? undefined : "reboot", powerOff };
    if (!flags.json) this.print("The next start wipes the state of this machine.");
    if (result.restart !== undefined) {
      const { restartAfter } = await import("../restart-after.ts");
      await restartAfter(result.restart, result);
    }
    if (flags.json) this.printJson(result);
  }
}
