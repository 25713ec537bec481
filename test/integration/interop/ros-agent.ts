/** Runs our agent as people do. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface AgentOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROS_AGENT = fileURLToPath(new URL("../../../scripts/ros-agent", import.meta.url));
const TIMEOUT_MS = 40_000;

/** @throws Error where it does not end by itself */
export async function runRosAgent(args: readonly string[]): Promise<AgentOutcome> {
  const { PATH = "", HOME = "/" } = process.env;
  return new Promise((resolve, reject) => {
    execFile(ROS_AGENT, [...args], { env: { PATH, HOME }, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve({ status: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ status: error.code, stdout, stderr });
      else reject(new Error(`ros-agent ${args.join(" ")} did not end by itself:\n${stderr}`, { cause: error }));
    });
  });
}
