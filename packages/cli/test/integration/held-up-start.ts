/**
 * Runs a command as the executable does, beside a program that is to end with it and a file that is never answered.
 * Arguments: that file, where the program's pid is to be, the command.
 */
import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { start } from "../../src/start.ts";

const [, , pipe = "", pidFile = "", ...command] = process.argv;
const child = spawn("/bin/sh", ["-c", `echo $$ >'${pidFile}'; exec sleep 60`], { stdio: "ignore" });
// As whoever starts one in the agent does.
process.once("exit", () => child.kill());
while ((await readFile(pidFile, "utf8").catch(() => "")) === "") await sleep(5);
void open(pipe, "r");
await start(command);
