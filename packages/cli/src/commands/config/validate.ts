/** `ros-agent config validate` */
import { string as textArgument } from "@oclif/core/args";
import type { Finding } from "@rancheros/agent/cloud-config";
import type { CodedError } from "@rancheros/protocol/errors";

import { AgentCommand } from "../../agent-command.ts";
import { SUMMARIES } from "../../summaries.ts";

/** Result of `config validate --json`, for each file. */
export interface ValidatedJson {
  readonly file: string;
  readonly valid: boolean;
  readonly findings: readonly Finding[];
}

export class ConfigValidate extends AgentCommand {
  static override id = "config validate";
  static override summary = SUMMARIES["config validate"];
  static override usage = "<%= command.id %> FILE [FLAGS]";
  static override description =
    "Nothing is changed. Errors end with exit code 2; keys that are not known are warnings, as other tools may know them. " +
    "The settings of the installation at rancheros.install are checked as well: there what is nearly a known key is an error. " +
    "No value of the file is printed. In place of a file a folder may be given: its *.yaml are checked.";
  static override examples = ["$ ros-agent config validate /oem/99_custom.yaml"];
  static override args = {
    file: textArgument({ description: "A cloud-config, or a folder of them.", required: true }),
  };

  override async run(): Promise<void> {
    const { flags, args } = await this.parse(ConfigValidate);
    const { readConfigs, unusable } = await import("../../cloud-config-run.ts");
    const { describeFinding } = await import("../../describe-finding.ts");
    const { judgeDocument } = await import("@rancheros/agent/install");
    const read = await readConfigs([args.file], { judge: judgeDocument });
    if (flags.json) {
      const files = read.map(({ path, config, findings }) => ({ file: path, valid: config !== undefined, findings }));
      this.printJson({ files } satisfies { readonly files: readonly ValidatedJson[] });
    } else {
      for (const { path, findings } of read) for (const one of findings) this.print(describeFinding(path, one));
      const valid = read.filter(({ config }) => config !== undefined);
      if (valid.length === read.length)
        this.print(`${valid.length === 1 ? args.file : `${valid.length} files`}: valid`);
    }
    const wrong = unusable(read);
    if (wrong !== undefined) throw flags.json ? await alreadyTold(wrong) : wrong;
  }
}

async function alreadyTold(error: CodedError): Promise<Error> {
  const { AlreadyTold } = await import("../../already-told.ts");
  return new AlreadyTold(error);
}
