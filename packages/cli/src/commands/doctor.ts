/** `ros-agent doctor` */
import { boolean, string } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { AlreadyTold } from "../already-told.ts";
import { MACHINE_FLAGS, RUNTIME_FLAGS } from "../machine-flags.ts";
import { SERVER_ARGS, SERVER_FLAGS } from "../server-flags.ts";
import { SUMMARIES } from "../summaries.ts";
import { EK_FLAG, TPM_FLAGS } from "../tpm-flags.ts";

export class Doctor extends AgentCommand {
  static override id = "doctor";
  static override summary = SUMMARIES.doctor;
  static override usage = "<%= command.id %> [URL] [FLAGS]";
  static override description =
    "Looks at everything that this machine needs, from its TPM to its node in the cluster, and prints a line for each: ok, " +
    "warn, FAIL, or skipped with the reason. Changes nothing, registers nothing, and ends within " +
    "20 seconds whatever hangs; an archive may take 15 more, and taking keys out of a slow TPM 30. The operator's address is taken from the cloud-config of the machine where none is given; proxies also from " +
    "/etc/default/ros-agent, as the services have them. Best run as root. The exit code is 0 where nothing failed, otherwise " +
    "that of the first check that failed.";
  static override examples = [
    "$ ros-agent doctor",
    "$ ros-agent doctor --only operator --only clock",
    "$ ros-agent doctor --strict --json",
    "$ ros-agent doctor --archive support.tar.gz",
  ];
  static override args = SERVER_ARGS;
  static override flags = {
    only: string({
      description: "Make this check alone, and those that it needs. May be given again.",
      helpValue: "CHECK",
      multiple: true,
      multipleNonGreedy: true,
    }),
    strict: boolean({ description: "Let a warning decide the exit code as well." }),
    archive: string({
      description: "Make a support archive (tar.gz), for its owner only and without the secrets of this machine.",
      helpValue: "FILE",
    }),
    "ek-ca": string({
      description: "The TPM makers' CAs (PEM): follow the chain of the EK certificate to one of them.",
      helpValue: "FILE",
    }),
    ...SERVER_FLAGS,
    "smbios-dump": string({
      description: "Take the SMBIOS from this folder of captured tables.",
      helpValue: "FOLDER",
    }),
    ...EK_FLAG,
    ...TPM_FLAGS,
    ...MACHINE_FLAGS,
    runtime: RUNTIME_FLAGS.runtime,
    "runtime-socket": RUNTIME_FLAGS["runtime-socket"],
  };

  override async run(): Promise<void> {
    const { flags, args } = await this.parse(Doctor);
    const { reportJson, runDoctor } = await import("../doctor-run.ts");
    const run = { ...flags, url: args.url };
    const tell = (text: string): void => {
      if (!flags.json) this.print(text);
    };
    const { report, archive } = await runDoctor(run, this.surroundings, (remark) => this.remark(remark), tell);
    const { failure, warning } = report;
    if (flags.json) this.printJson({ ...reportJson(report), archive });
    if (archive !== undefined && !flags.json) {
      this.remark(`The archive for support is ${archive.path}. Look through it before you send it to somebody.`);
    }
    const deciding = failure ?? (flags.strict ? warning : undefined);
    if (deciding !== undefined) throw new AlreadyTold(deciding);
  }
}
