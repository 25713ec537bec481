/** `ros-agent labels` */
import { string } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { CliError } from "../errors.ts";
import { SUMMARIES } from "../summaries.ts";
import { EK_FLAG, TPM_FLAGS } from "../tpm-flags.ts";

const HASH = /^[0-9a-f]{64}$/;

export class Labels extends AgentCommand {
  static override id = "labels";
  static override summary = SUMMARIES.labels;
  static override description =
    "Reads a MachineRegistration, a List of one, or what stands in its spec, and prints the name, labels, annotations and host " +
    "name that the operator would give this machine by its templates, and which placeholders find nothing: a label or " +
    "annotation with an empty placeholder is left out, and a host name with one is the MachineInventory's name. Nothing is " +
    "sent.";
  static override examples = [
    "$ ros-agent labels --template registration.yaml",
    "$ ros-agent labels --template registration.yaml --smbios-dump ./captured-tables --tpm-hash HASH --json",
  ];
  static override flags = {
    template: string({ description: "The MachineRegistration, as YAML.", helpValue: "FILE", required: true }),
    "smbios-dump": string({
      description: "Take the SMBIOS from this folder of captured tables.",
      helpValue: "FOLDER",
    }),
    "tpm-hash": string({
      description: "Do not ask the TPM: its hash is this. The name ends in characters that follow from it.",
      helpValue: "HASH",
    }),
    ...EK_FLAG,
    ...TPM_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Labels);
    const known = flags["tpm-hash"];
    if (known !== undefined && !HASH.test(known)) {
      throw new CliError("CLI_USAGE", "--tpm-hash is not 64 lower-case hexadecimal digits");
    }
    const { readTextFile } = await import("../read-text-file.ts");
    const { registrationTemplates } = await import("../registration-templates.ts");
    const remark = (text: string): void => this.remark(text);
    const text = await readTextFile(flags.template, this.surroundings.signal);
    const templates = registrationTemplates(text, flags.template, remark);
    const { machineSmbiosIfAny } = await import("../machine-smbios.ts");
    const smbios = await machineSmbiosIfAny(flags["smbios-dump"], remark);
    const [{ hardwareIfAny }, { hardwareTree }] = await Promise.all([
      import("../own-report.ts"),
      import("@rancheros/agent/registration"),
    ]);
    const [ekHash, hardware] = await Promise.all([
      known ?? this.tpmHash(flags.tcti, flags.ek),
      hardwareIfAny({ signal: this.surroundings.signal, remark }),
    ]);
    const { describeTemplates, templateProblems } = await import("@rancheros/protocol/templates");
    for (const problem of templateProblems(templates)) this.remark(problem);
    const tree = hardware === undefined ? undefined : hardwareTree(hardware);
    const description = describeTemplates(templates, { ekHash, smbios, hardware: tree });
    if (flags.json) {
      this.printJson(description);
      return;
    }
    const { formatDescription } = await import("../labels-text.ts");
    this.print(formatDescription(description));
  }

  private async tpmHash(tcti: string | undefined, ek: "rsa2048" | "rsa3072" | "ecc-p256" | undefined): Promise<string> {
    const { openMachineTpm } = await import("../open-machine-tpm.ts");
    const tpm = await openMachineTpm(tcti, this.surroundings, (text) => this.remark(text), ek ?? "any");
    try {
      return (await tpm.readEndorsementKey()).hash;
    } finally {
      await tpm.close();
    }
  }
}
