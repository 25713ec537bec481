/** `ros-agent smbios` */
import { string } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { SUMMARIES } from "../summaries.ts";

export class SmbiosCommand extends AgentCommand {
  static override id = "smbios";
  static override summary = SUMMARIES.smbios;
  static override description =
    "Read from the kernel's copy of the firmware's tables, without dmidecode, in dmidecode's words. With --json it is " +
    "what `register` reports: by title and key, and where several structures share a title, all of them under the " +
    "title with [] behind it.";
  static override examples = ["$ sudo ros-agent smbios", "$ ros-agent smbios --json --dump ./captured-tables"];
  static override flags = {
    dump: string({
      description: "Read captured tables from this folder: smbios_entry_point and DMI, as in /sys/firmware/dmi/tables.",
      helpValue: "FOLDER",
    }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(SmbiosCommand);
    const { machineSmbios } = await import("../machine-smbios.ts");
    const smbios = await machineSmbios(flags.dump, (text) => this.remark(text));
    if (flags.json) {
      this.printJson(smbios);
      return;
    }
    const { formatSmbios } = await import("../smbios-text.ts");
    this.print(formatSmbios(smbios));
  }
}
