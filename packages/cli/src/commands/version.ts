/** `ros-agent version` */
import { AgentCommand } from "../agent-command.ts";
import { ownVersions, PLATFORM, type OwnVersions } from "../own-versions.ts";
import { BIN, VERSION } from "../program.ts";
import { SUMMARIES } from "../summaries.ts";

/** Result of `version --json`; the commit is null where nobody knows. */
export type VersionJson = OwnVersions;

export class Version extends AgentCommand {
  static override id = "version";
  static override summary = SUMMARIES.version;
  static override examples = ["$ ros-agent version", "$ ros-agent version --json"];

  override async run(): Promise<void> {
    const { flags } = await this.parse(Version);
    if (flags.json) return this.printJson((await ownVersions()) satisfies VersionJson);
    return this.print(`${BIN} ${VERSION} (node ${process.versions.node}, ${PLATFORM})`);
  }
}
