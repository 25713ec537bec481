/** Connects the command line with the process: arguments, environment, signals, exit code. */
import { runCli } from "./run-cli.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import type { CommandSurroundings } from "./surroundings.ts";

/** Runs one command and ends the process. The first Ctrl-C asks it to clean up and end, the second ends it at once. */
export async function start(args: readonly string[]): Promise<never> {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_CODES.interrupted.code);
    controller.abort();
    process.stderr.write("Breaking off; what was begun is cleaned up (once more to end at once).\n");
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  // Whoever reads our remarks may go away; the command shall not die of it. So may the reader of our data, as head does.
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  const describeCommands = async (): ReturnType<CommandSurroundings["describeCommands"]> =>
    (await import("./describe-commands.ts")).describeCommands();
  process.exit(await runCli(args, { environment: process.env, signal: controller.signal, describeCommands }));
}
