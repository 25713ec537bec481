/** A container engine with folders of its own, for tests. */
import { execFileSync } from "node:child_process";
import type { ContainerRuntime } from "@rancheros/agent/containers";

export interface TestEngine {
  readonly runtime: ContainerRuntime;
  /** What its program prints on stdout. @throws where it ends with anything but 0 */
  readonly command: (...args: string[]) => string;
  /** Ends everything that it runs. Removing the folder afterwards is the caller's. */
  readonly stop: () => Promise<void>;
}

/** @param place  what comes before all other arguments */
export function engineCommand(program: string, place: readonly string[]): TestEngine["command"] {
  return (...args) => execFileSync(program, [...place, ...args], { encoding: "utf8" }).trim();
}
