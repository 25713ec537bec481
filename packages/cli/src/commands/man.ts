/** `ros-agent man` */
import { AgentCommand } from "../agent-command.ts";
import { SUMMARIES } from "../summaries.ts";

/** Result of `man --json`. */
export interface ManJson {
  /** For troff. */
  readonly page: string;
}

export class Man extends AgentCommand {
  static override id = "man";
  static override summary = SUMMARIES.man;
  static override examples = ["$ ros-agent man | man -l -", "$ ros-agent man > /usr/share/man/man1/ros-agent.1"];

  override async run(): Promise<void> {
    const { flags } = await this.parse(Man);
    const [{ manPage }, { exitCodesInOrder }, { PROGRAM }] = await Promise.all([
      import("../man-page.ts"),
      import("../exit-codes.ts"),
      import("../program.ts"),
    ]);
    const { name, version, description } = PROGRAM;
    const commands = await this.surroundings.describeCommands();
    const result: ManJson = { page: manPage({ name, version, description, commands, exitCodes: exitCodesInOrder() }) };
    if (flags.json) this.printJson(result);
    else this.print(result.page);
  }
}
