/** `ros-agent config show` */
import { boolean, string } from "@oclif/core/flags";
import type { ConfigRemark, Leaf } from "@rancheros/agent/rancherd";

import { AgentCommand } from "../../agent-command.ts";
import { SUMMARIES } from "../../summaries.ts";

/** Result of `config show --json`. */
export interface ShownJson {
  readonly config: unknown;
  /** Each value on its own. */
  readonly values: readonly Leaf[];
  /** Files that had a part, in the order in which they are merged. */
  readonly read: readonly string[];
  readonly skipped: readonly { readonly path: string; readonly why: string; readonly fatal: boolean }[];
  readonly remarks: readonly ConfigRemark[];
  /** rancherd would ask the server for the rest. */
  readonly asksRemote: boolean;
}

export class ConfigShow extends AgentCommand {
  static override id = "config show";
  static override summary = SUMMARIES["config show"];
  static override usage = "<%= command.id %> [FLAGS]";
  static override description =
    "All files that rancherd reads, in its order, with their drop-ins and manifests; files that it passes over and keys that " +
    "it does not know are named on stderr. Secrets are hidden. Where rancherd would ask the server for the rest, that is " +
    "said, and not done.";
  static override examples = [
    "$ ros-agent config show",
    "$ ros-agent config show --origin",
    "$ ros-agent config show --json",
  ];
  static override flags = {
    origin: boolean({ default: false, description: "Each value on a line, with the file that it comes from." }),
    "show-secrets": boolean({ default: false, description: "Print tokens and passwords too." }),
    root: string({ description: "The machine's / is this folder.", helpValue: "FOLDER", default: "/" }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(ConfigShow);
    const [{ collectConfig, configFiles, hideSecrets, leavesOf, plainValue }, { rootFiles }, { describeRancherd }] =
      await Promise.all([
        import("@rancheros/agent/rancherd"),
        import("@rancheros/agent/files"),
        import("../../describe-rancherd.ts"),
      ]);
    const collected = await collectConfig(configFiles(rootFiles(flags.root)));
    const { read, skipped, remarks, asksRemote } = collected;
    const config = flags["show-secrets"] ? collected.config : hideSecrets(collected.config);
    const values = leavesOf(config);
    if (flags.json) {
      this.printJson({ config: plainValue(config), values, read, skipped, remarks, asksRemote } satisfies ShownJson);
      return;
    }
    const { text, notes } = await describeRancherd(plainValue(config), values, collected, flags.origin);
    if (text !== "") this.print(text);
    for (const note of notes) this.remark(note);
  }
}
