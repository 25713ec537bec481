/** `ros-agent version` */
import { AgentCommand } from "../agent-command.ts";
import { buildCommit } from "../build-commit.ts";
import { BIN, VERSION } from "../program.ts";
import { SUMMARIES } from "../summaries.ts";

/** Result of `version --json`. */
export interface VersionJson {
  readonly version: string;
  /** As buildCommit gives it; null where nobody knows. */
  readonly commit: string | undefined;
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
    const node = process.versions.node;
    const platform = `${process.platform}-${process.arch}`;
    if (!flags.json) return this.print(`${BIN} ${VERSION} (node ${node}, ${platform})`);
    const result: VersionJson = { version: VERSION, commit: await buildCommit(), node, platform };
    return this.printJson(result);
  }
}
