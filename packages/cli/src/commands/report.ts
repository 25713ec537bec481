/** `ros-agent report` */
import { boolean, string } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { parseKeyValues } from "../key-values.ts";
import { parseDuration } from "../parse-duration.ts";
import { LEARNED_CA_FLAG, REPORT_FLAGS, SERVER_ARGS, SERVER_FLAGS } from "../server-flags.ts";
import { SUMMARIES } from "../summaries.ts";
import { EK_FLAG, TPM_FLAGS } from "../tpm-flags.ts";

/** Result of `report --json`; with --every one document a report. */
export interface ReportedJson {
  readonly machine: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly approval: string;
  /** When the operator wants to hear from the machine again. */
  readonly nextInSeconds: number;
}

export class Report extends AgentCommand {
  static override id = "report";
  static override summary = SUMMARIES.report;
  static override usage = "<%= command.id %> [URL] [FLAGS]";
  static override description =
    "For a machine that has registered: it proves with its TPM who it is, gets a session of some minutes, and sends its " +
    "addresses, operating system, SMBIOS and hardware. With --every it goes on at the operator's pace until SIGTERM, " +
    "which is what a systemd unit runs. The URL is the registration URL or the operator's address alone.";
  static override examples = [
    "$ ros-agent report https://rancher.example.com",
    "$ ros-agent report --config /oem/99_custom.yaml --every",
  ];
  static override args = SERVER_ARGS;
  static override flags = {
    ...SERVER_FLAGS,
    ...LEARNED_CA_FLAG,
    every: boolean({
      description:
        "Go on until SIGTERM, at the operator's pace. What goes wrong is tried again; where the machine was denied or is " +
        "gone, every 15 minutes at last.",
    }),
    ...REPORT_FLAGS,
    "without-ek-certificate": boolean({
      description: "Use the bare endorsement key where its certificate in the TPM cannot be read.",
    }),
    timeout: string({ description: "For the conversation with the server.", helpValue: "DURATION", default: "30s" }),
    ...EK_FLAG,
    ...TPM_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags, args } = await this.parse(Report);
    const { registrationTarget } = await import("../registration-target.ts");
    const { environment, signal } = this.surroundings;
    const target = await registrationTarget({
      url: args.url,
      config: flags.config,
      caCert: flags["ca-cert"],
      caSha256: flags["ca-sha256"],
      allowHttp: flags["allow-http"],
      allowBare: true,
      signal,
    });
    const { tellOfMachine } = await import("../registration-run.ts");
    await tellOfMachine(
      {
        server: {
          ...target,
          learnedCaFile: flags["learned-ca"],
          environment,
          signal,
          timeoutMs: parseDuration(flags.timeout, "timeout"),
        },
        withoutEkCertificate: flags["without-ek-certificate"],
        tcti: flags.tcti,
        endorsementKey: flags.ek ?? "any",
        smbios: flags["no-smbios"] ? "none" : { folder: flags["smbios-dump"] },
        labels: parseKeyValues(flags.label ?? [], "label"),
        annotations: parseKeyValues(flags.annotation ?? [], "annotation"),
        surroundings: this.surroundings,
        remark: (text) => this.remark(text),
      },
      {
        goesOn: flags.every,
        onReported: ({ machine, approval }, nextMs) => {
          const result: ReportedJson = { machine, approval, nextInSeconds: Math.round(nextMs / 1000) };
          if (flags.json) this.printJson(result);
          else this.remark(`Reported as ${machine.namespace}/${machine.name} (${approval}).`);
        },
      },
    );
  }
}
