/** `ros-agent run` */
import { boolean, string } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { MACHINE_FLAGS, RUNTIME_FLAGS } from "../machine-flags.ts";
import { REPORT_FLAGS, SERVER_ARGS, SERVER_FLAGS } from "../server-flags.ts";
import { SUMMARIES } from "../summaries.ts";
import { EK_FLAG, TPM_FLAGS } from "../tpm-flags.ts";

export class Run extends AgentCommand {
  static override id = "run";
  static override summary = SUMMARIES.run;
  static override usage = "<%= command.id %> [URL] [FLAGS]";
  static override description =
    "What the systemd unit runs: asks the operator for the machine's plan, carries it out, tells how far it is, and " +
    "reports the machine and its node. What is begun goes on after a kill or a power cut; an operator that is away is " +
    "asked again for as long as it takes. SIGTERM ends it at any moment. Tells systemd that it is ready and alive.";
  static override examples = [
    "$ ros-agent run https://rancher.example.com",
    "$ ros-agent run --config /oem/99_custom.yaml",
    "$ ros-agent run --without-operator",
  ];
  static override args = SERVER_ARGS;
  static override flags = {
    "without-operator": boolean({
      default: false,
      description: "Ask nobody for plans: the machine is upgraded by hand only.",
      exclusive: ["config", "ca-cert", "ca-sha256"],
    }),
    ...SERVER_FLAGS,
    ...REPORT_FLAGS,
    "without-ek-certificate": boolean({
      default: false,
      description: "Use the bare endorsement key where its certificate in the TPM cannot be read.",
    }),
    timeout: string({ description: "For each conversation with the server.", helpValue: "DURATION", default: "30s" }),
    ...EK_FLAG,
    ...TPM_FLAGS,
    ...MACHINE_FLAGS,
    ...RUNTIME_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags, args } = await this.parse(Run);
    const { runService } = await import("../run-service.ts");
    await runService(args.url, flags, this.surroundings, (text) => this.remark(text));
  }
}
