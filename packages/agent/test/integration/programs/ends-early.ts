/** Starts the program of its arguments, tells its process id, and ends while that is still running. */
import { startProgram } from "../../../src/programs/index.ts";

const [ownGroup, script = ""] = process.argv.slice(2);
startProgram({
  program: "/bin/sh",
  args: ["-c", script],
  environment: process.env,
  maxOutputBytes: 1024,
  ownGroup: ownGroup === "own-group",
});
// The script tells its process id by then.
// oxlint-disable-next-line unicorn/no-process-exit -- what this is for
setTimeout(() => process.exit(0), 1000);
