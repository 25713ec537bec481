/** `ros-agent hardware` */
import { string } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { parseDuration } from "../parse-duration.ts";
import { SUMMARIES } from "../summaries.ts";

export class Hardware extends AgentCommand {
  static override id = "hardware";
  static override summary = SUMMARIES.hardware;
  static override description =
    "As far as the running system tells. With --json each field is always there, and null where the machine does not " +
    "tell it. What the firmware says about memory modules and slots is told by `ros-agent smbios`.";
  static override examples = ["$ ros-agent hardware", "$ ros-agent hardware --json"];
  static override flags = {
    timeout: string({ description: "For the system to answer.", helpValue: "DURATION", default: "30s" }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Hardware);
    const timeoutMs = parseDuration(flags.timeout, "timeout");
    const { readHardware } = await import("@rancheros/agent/hardware");
    const hardware = await readHardware({ timeoutMs, signal: this.surroundings.signal });
    if (flags.json) {
      this.printJson(hardware);
      return;
    }
    const { formatHardware } = await import("../hardware-text.ts");
    this.print(formatHardware(hardware));
  }
}
