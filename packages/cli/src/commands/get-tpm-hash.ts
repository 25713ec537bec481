/** `ros-agent get-tpm-hash` */
import type { EndorsementKeySource } from "@rancheros/agent/tpm";

import { AgentCommand } from "../agent-command.ts";
import { SUMMARIES } from "../summaries.ts";
import { EK_FLAG, TPM_FLAGS } from "../tpm-flags.ts";
import { tpmHashJson } from "../tpm-hash-json.ts";

export class GetTpmHash extends AgentCommand {
  static override id = "get-tpm-hash";
  static override summary = SUMMARIES["get-tpm-hash"];
  static override description =
    "The hash is SHA-256 of the endorsement key: of the key that the certificate at NV index 0x01C00002 certifies, or, " +
    "where there is none, of the one that the default RSA-2048 template gives. It is what MachineInventory calls " +
    "spec.tpm, and the same that `rancherd get-tpm-hash` prints. With --ek it is that of another key, by which a machine " +
    "is known that registers with the same --ek. Nothing is kept in the TPM.";
  static override examples = [
    "$ ros-agent get-tpm-hash",
    "$ ros-agent get-tpm-hash --json --tcti swtpm:host=127.0.0.1,port=2321",
  ];
  static override flags = { ...EK_FLAG, ...TPM_FLAGS };

  override async run(): Promise<void> {
    const { flags } = await this.parse(GetTpmHash);
    const { openMachineTpm } = await import("../open-machine-tpm.ts");
    const tpm = await openMachineTpm(flags.tcti, this.surroundings, (text) => this.remark(text), flags.ek);
    try {
      const key = await tpm.readEndorsementKey();
      this.warnAboutCertificate(key.source);
      if (flags.json) this.printJson(tpmHashJson(key));
      else this.print(key.hash);
    } finally {
      await tpm.close();
    }
  }

  private warnAboutCertificate(source: EndorsementKeySource): void {
    if (source.kind !== "template" || source.certificateProblem === undefined) return;
    const { message, mend } = source.certificateProblem;
    this.remark(`Warning: ${message}. ${mend}`);
  }
}
