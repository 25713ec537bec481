/** `ros-agent config apply` */
import { boolean, option, string } from "@oclif/core/flags";
import { string as textArgument } from "@oclif/core/args";

import { AgentCommand } from "../../agent-command.ts";
import { FailedInPart } from "../../failed-in-part.ts";
import { SUMMARIES } from "../../summaries.ts";

/** Result of `config apply --json`. */
export interface AppliedJson {
  readonly tool: "native" | "yip" | "cloud-init";
  readonly dryRun: boolean;
  readonly takesEffect: "now" | "next-start";
  /** Files, and `user NAME`. */
  readonly changed: readonly string[];
  readonly remarks: readonly string[];
  readonly problems: readonly string[];
}

export class ConfigApply extends AgentCommand {
  static override id = "config apply";
  static override summary = SUMMARIES["config apply"];
  static override usage = "<%= command.id %> FILE [FILE] [FILE] [FLAGS]";
  static override description =
    "Applying twice changes nothing the second time; broken off at any point, applying again does the rest. Where yip or " +
    "cloud-init is there, it gets the file and applies it at the next start. Otherwise, and where cloud-init has begun with " +
    "an earlier one, hostname, users, SSH keys, files, ntp, timezone, sysctl and modules are set at once, and runcmd after " +
    "the start, once. What stands at rancherd goes to " +
    "/etc/rancher/rancherd/config.yaml, beside what people have written there. A file with errors is not applied at all. " +
    "At most three files or folders are taken: for more, put them into a folder.";
  static override examples = [
    "$ ros-agent config apply /oem/99_custom.yaml --dry-run",
    "$ ros-agent config apply FILE --json",
  ];
  // oclif's arguments have one value each: a second and third file cover what our units name.
  static override args = {
    file: textArgument({
      description:
        "A cloud-config, or a folder of them. What comes later wins. Names that begin with a dot do not count.",
      required: true,
    }),
    file2: textArgument({ description: "Another one." }),
    file3: textArgument({ description: "Another one." }),
  };
  static override flags = {
    "dry-run": boolean({
      default: false,
      description: "Change nothing, and print what would change as a unified diff.",
    }),
    root: string({ description: "The machine's / is this folder.", helpValue: "FOLDER", default: "/" }),
    tool: option({
      description: "Who applies it. Default: what is found on the machine.",
      options: ["auto", "native", "yip", "cloud-init"] as const,
      helpValue: "NAME",
      default: "auto" as const,
    })(),
    "if-there": boolean({ default: false, description: "Files that are missing are passed over." }),
    "keep-going": boolean({
      default: false,
      description: "Apply the files that are valid where others are not; the exit code tells of those still.",
    }),
    "at-start": boolean({
      default: false,
      exclusive: ["dry-run"],
      description:
        "As at the start of the machine: where it is back from a slot that an upgrade has tried, put the cloud config of " +
        "before that upgrade back first.",
    }),
    "run-folder": string({ description: "Where the lock is.", helpValue: "FOLDER", default: "/run/rancheros" }),
  };

  override async run(): Promise<void> {
    const { flags, args } = await this.parse(ConfigApply);
    const [
      { applyCloudConfig, describeChange },
      { APPLY_LOCK, readConfigs, usable, unusable, unread, unapplied },
      { describeFinding },
    ] = await Promise.all([
      import("@rancheros/agent/cloud-config"),
      import("../../cloud-config-run.ts"),
      import("../../describe-finding.ts"),
    ]);
    if (flags["at-start"]) {
      const { configAtStart } = await import("../../config-at-start.ts");
      await configAtStart(flags.root, flags["run-folder"], (message) => this.remark(message));
    }
    const paths = [args.file, args.file2, args.file3].filter((path) => path !== undefined);
    const read = await readConfigs(paths, { ifThere: flags["if-there"] });
    for (const { path, findings } of read) for (const one of findings) this.remark(describeFinding(path, one));
    const wrong = unusable(read);
    if (wrong !== undefined && !flags["keep-going"]) throw wrong;
    const dryRun = flags["dry-run"];
    const machine = { root: flags.root, lockFile: `${flags["run-folder"]}/${APPLY_LOCK}` };
    const { signal } = this.surroundings;
    const options = { tool: flags.tool, dryRun, signal, unread: unread(read) };
    const applied = await applyCloudConfig(machine, usable(read), options);
    const { tool, remarks, problems, takesEffect } = applied;
    const changed = applied.changes.map(({ subject }) => subject);
    if (!flags.json)
      for (const change of applied.changes) this.print(dryRun ? describeChange(change) : `changed ${change.subject}`);
    for (const sentence of [...remarks, ...problems]) this.remark(sentence);
    if (changed.length === 0) this.remark("Nothing to change.");
    else if (takesEffect === "next-start") this.remark(`${tool} applies it at the next start.`);
    const result: AppliedJson = { tool, dryRun, takesEffect, changed, remarks, problems };
    const failure = wrong ?? unapplied(problems);
    if (failure !== undefined) throw new FailedInPart(failure, result);
    if (flags.json) this.printJson(result);
  }
}
