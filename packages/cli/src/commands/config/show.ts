/** `ros-agent config show` */
import { boolean, string } from "@oclif/core/flags";
import type { ConfigRemark, Leaf } from "@rancheros/agent/rancherd";

import { AgentCommand } from "../../agent-command.ts";
import { parseDuration } from "../../parse-duration.ts";
import { SERVER_FLAGS } from "../../server-flags.ts";
import { SUMMARIES } from "../../summaries.ts";
import { TPM_FLAGS } from "../../tpm-flags.ts";

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
    "said; --remote does it.";
  static override examples = [
    "$ ros-agent config show",
    "$ ros-agent config show --origin",
    "$ ros-agent config show --remote --ca-cert ca.pem",
    "$ ros-agent config show --json",
  ];
  static override flags = {
    origin: boolean({ default: false, description: "Each value on a line, with the file that it comes from." }),
    "show-secrets": boolean({ default: false, description: "Print tokens and passwords too." }),
    root: string({ description: "The machine's / is this folder.", helpValue: "FOLDER", default: "/" }),
    remote: boolean({
      default: false,
      description: "Ask the server for the rest where rancherd would, with this machine's TPM (token: tpm://).",
    }),
    "ca-cert": SERVER_FLAGS["ca-cert"],
    "ca-sha256": SERVER_FLAGS["ca-sha256"],
    "allow-http": SERVER_FLAGS["allow-http"],
    timeout: string({ description: "For the conversation with the server.", helpValue: "DURATION", default: "30s" }),
    ...TPM_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(ConfigShow);
    const [
      { collectConfig, configFiles, hideSecrets, leavesOf, mergeRemote, plainValue },
      { rootFiles },
      { describeRancherd },
    ] = await Promise.all([
      import("@rancheros/agent/rancherd"),
      import("@rancheros/agent/files"),
      import("../../describe-rancherd.ts"),
    ]);
    const collected = await collectConfig(configFiles(rootFiles(flags.root)));
    const { read, skipped, remarks } = collected;
    let { config: merged, asksRemote } = collected;
    if (flags.remote && asksRemote) {
      const { askInventory } = await import("../../ask-inventory.ts");
      const { origin, answer } = await askInventory(merged, {
        caCert: flags["ca-cert"],
        caSha256: flags["ca-sha256"],
        allowHttp: flags["allow-http"],
        timeoutMs: parseDuration(flags.timeout, "timeout"),
        tcti: flags.tcti,
        surroundings: this.surroundings,
        remark: (text) => this.remark(text),
      });
      merged = mergeRemote(merged, answer, origin);
      asksRemote = false;
    }
    const config = flags["show-secrets"] ? merged : hideSecrets(merged);
    const values = leavesOf(config);
    if (flags.json) {
      this.printJson({ config: plainValue(config), values, read, skipped, remarks, asksRemote } satisfies ShownJson);
      return;
    }
    const { text, notes } = await describeRancherd(
      plainValue(config),
      values,
      { ...collected, asksRemote },
      flags.origin,
    );
    if (text !== "") this.print(text);
    for (const note of notes) this.remark(note);
  }
}
