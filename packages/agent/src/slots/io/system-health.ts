/** Asks systemd how the machine is. */
import { SlotError } from "../errors.ts";
import type { MachineLook } from "../health.ts";
import { runProgram } from "./run-program.ts";

const ASK_TIMEOUT_MS = 20_000;
const AGENT = "ros-agent.service";
const UP = "multi-user.target";
/** They go on until there is an operator, which another slot would not find either. */
const REGISTRATION: ReadonlySet<string> = new Set(["ros-agent-register.service", "ros-agent-registered.service"]);

/** @param own  the unit that asks: it is not waited for */
export async function systemFacts(own: string, signal: AbortSignal): ReturnType<MachineLook["facts"]> {
  const ask = async (...args: readonly string[]): Promise<string> => {
    try {
      return (
        await runProgram({ program: "systemctl", args, timeoutMs: ASK_TIMEOUT_MS, signal, accepts: [0, 1, 2, 3, 4] })
      ).trim();
    } catch (error) {
      // systemd that does not answer is a failure of the machine, not of the question.
      if (error instanceof SlotError && error.code !== "SLOT_INTERRUPTED") return "unknown";
      throw error;
    }
  };
  const list = ["--plain", "--no-legend", "--no-pager"] as const;
  const state = await ask("is-system-running");
  const failed = await ask("list-units", "--state=failed", ...list);
  const jobs = await ask("list-jobs", ...list);
  const target = await ask("is-active", UP);
  const agent = await ask("show", "--property=LoadState,ActiveState", AGENT);
  return {
    state,
    failedUnits: firstWords(failed, 0),
    targetState: target === "active" || isOnlyWaitedFor(jobs, own) ? "active" : target,
    agentState: agentState(agent),
  };
}

/** Of each line. */
function firstWords(text: string, column: number): readonly string[] {
  return text
    .split("\n")
    .flatMap((line) =>
      line
        .trim()
        .split(/\s+/)
        .slice(column, column + 1),
    )
    .filter((word) => word !== "");
}

/**
 * All that has still to start waits for the unit that asks, or for an operator: rancherd, k3s and RKE2 wait for the
 * registration, and the target for them.
 * @param jobs  as `systemctl list-jobs` prints them: number, unit, type, state
 */
export function isOnlyWaitedFor(jobs: string, own: string): boolean {
  const units = firstWords(jobs, 1);
  const states = firstWords(jobs, 3);
  const running = units.filter((_unit, at) => states[at] !== "waiting");
  return units.includes(UP) && running.includes(own) && running.every((unit) => unit === own || REGISTRATION.has(unit));
}

/** A machine without its agent hears of no further upgrade. @param properties  as `systemctl show` prints them */
export function agentState(properties: string): string {
  const values = new Map(
    properties.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  const load = values.get("LoadState") ?? "unknown";
  return load === "loaded" ? (values.get("ActiveState") ?? "unknown") : load;
}
