/** `ros-agent completion` */
import { string } from "@oclif/core/args";

import { AgentCommand } from "../agent-command.ts";
import { SUMMARIES } from "../summaries.ts";

/** Result of `completion --json`. */
export interface CompletionJson {
  readonly script: string;
}

export class Completion extends AgentCommand {
  static override id = "completion";
  static override summary = SUMMARIES.completion;
  static override usage = "<%= command.id %> SHELL [FLAGS]";
  static override examples = [
    "$ source <(ros-agent completion bash)",
    "$ ros-agent completion zsh > /usr/share/zsh/vendor-completions/_ros-agent",
  ];
  static override args = {
    shell: string({ description: "bash or zsh.", options: ["bash", "zsh"], required: true }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Completion);
    const [{ EXIT_CODES_TOPIC }, { bashCompletion }, { zshCompletion }] = await Promise.all([
      import("../exit-codes.ts"),
      import("../bash-completion.ts"),
      import("../zsh-completion.ts"),
    ]);
    const completion = args.shell === "zsh" ? zshCompletion : bashCompletion;
    const commands = await this.surroundings.describeCommands();
    const result: CompletionJson = { script: completion(commands, [EXIT_CODES_TOPIC]) };
    if (flags.json) this.printJson(result);
    else this.print(result.script);
  }
}
