/** Runs our agent as people do. */
import { execFile } from "node:child_process";
import { agentProgram } from "../../machine/agent-program.ts";

export interface AgentOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 40_000;

/** @throws Error where it does not end by itself */
export async function runRosAgent(args: readonly string[]): Promise<AgentOutcome> {
  const { PATH = "", HOME = "/", NODE_COMPILE_CACHE = "" } = process.env;
  const options = { env: { PATH, HOME, NODE_COMPILE_CACHE }, timeout: TIMEOUT_MS };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [agentProgram(), ...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ status: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ status: error.code, stdout, stderr });
      else reject(new Error(`ros-agent ${args.join(" ")} did not end by itself:\n${stderr}`, { cause: error }));
    });
  });
}
