/** `ros-agent boot-check` */
import { boolean, string } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { MACHINE_FLAGS, RUNTIME_FLAGS } from "../machine-flags.ts";
import { parseDuration } from "../parse-duration.ts";
import { SUMMARIES } from "../summaries.ts";

/** Result of `boot-check --json`. */
export interface BootCheckJson {
  readonly verdict: "no-slots" | "already-good" | "marked-good";
  readonly slot: "a" | "b" | undefined;
}

export class BootCheck extends AgentCommand {
  static override id = "boot-check";
  static override summary = SUMMARIES["boot-check"];
  static override usage = "<%= command.id %> [FLAGS]";
  static override description =
    "What ros-agent-boot-check.service runs after each start. Where a slot is tried it waits until the system is up, no " +
    "unit has failed, ros-agent.service is active, the policies about signed images can be read and all programs in " +
    "/etc/rancheros/checks.d pass, and marks the slot " +
    "good. Otherwise it writes why to boot-check.json in the state folder and restarts the machine, which starts the slot " +
    "from before. Does nothing where the slot is good already, and on machines without slots.";
  static override examples = ["$ ros-agent boot-check", "$ ros-agent boot-check --patience 10m --no-restart"];
  static override flags = {
    patience: string({
      description: "From the start of the machine on, until which all has to be well.",
      helpValue: "DURATION",
      default: "5m",
    }),
    steady: string({ description: "How long all has to stay well.", helpValue: "DURATION", default: "5s" }),
    "ignore-unit": string({
      description: "A unit whose failure does not count. May be given again.",
      helpValue: "UNIT",
      multiple: true,
      multipleNonGreedy: true,
    }),
    "no-restart": boolean({ description: "Where the checks fail, only say so." }),
    "check-timeout": RUNTIME_FLAGS["check-timeout"],
    ...MACHINE_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(BootCheck);
    const { runMachineBootCheck } = await import("../boot-check-run.ts");
    const verdict = await runMachineBootCheck(
      {
        ...flags,
        patienceMs: parseDuration(flags.patience, "patience"),
        steadyMs: parseDuration(flags.steady, "steady"),
        checkTimeoutMs: parseDuration(flags["check-timeout"], "check-timeout"),
        restarts: !flags["no-restart"],
        ignoredUnits: flags["ignore-unit"] ?? [],
      },
      this.surroundings,
      (text) => this.remark(text),
    );
    if (verdict.kind === "marked-good" && verdict.unsaved !== undefined) {
      this.remark(`Later starts will not know of it: ${verdict.unsaved}.`);
    }
    const slot = verdict.kind === "no-slots" ? undefined : verdict.slot;
    if (flags.json) this.printJson({ verdict: verdict.kind, slot } satisfies BootCheckJson);
    else if (slot === undefined) this.print("This machine has no slots: there is nothing to mark.");
    else this.print(verdict.kind === "marked-good" ? `Slot ${slot} is marked good.` : `Slot ${slot} was good before.`);
  }
}
