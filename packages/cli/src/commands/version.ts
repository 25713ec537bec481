/** `ros-agent version` */
import { AgentCommand } from "../agent-command.ts";
import { BIN, VERSION } from "../program.ts";
import { SUMMARIES } from "../summaries.ts";

/** Result of `version --json`. */
export interface VersionJson {
  readonly version: string;
  readonly node: string;
  /** For example linux-x64. */
  readonly platform: string;
}

export class Version extends AgentCommand {
  static override id = "version";
  static override summary = SUMMARIES.version;
  static override examples = ["$ ros-agent version", "$ ros-agent version --json"];

  override async run(): Promise<void> {
    const { flags } = await this.parse(Version);
    const result: VersionJson = {
      version: VERSION,
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
    };
    if (flags.json) this.printJson(result);
    else this.print(`${BIN} ${result.version} (node ${result.node}, ${result.platform})`);
  }
}
