/** What systemd says of the units that this machine lives by. */
import { DoctorError } from "./errors.ts";
import { ok, skipped, warn, type Verdict } from "./verdict.ts";

/** Properties of systemd, in its words. */
export interface Unit {
  readonly name: string;
  readonly loadState: string;
  readonly activeState: string;
  readonly subState: string;
  /** success, exit-code, signal, timeout, watchdog, ... */
  readonly result: string;
  readonly restarts: number;
  /** Undefined where it is not active, or nobody can tell. */
  readonly activeForMs: number | undefined;
  /** enabled, disabled, static, ... */
  readonly fileState: string;
}

export const AGENT_UNIT = "ros-agent.service";

/** The agent's own first. */
export const OWN_UNITS = [
  AGENT_UNIT,
  "ros-agent-register.service",
  "ros-agent-config.service",
  "ros-agent-join.service",
  "ros-agent-runcmd.service",
  "ros-agent-boot-check.service",
] as const;

export const NODE_UNITS = [
  "rancherd.service",
  "k3s.service",
  "k3s-agent.service",
  "rke2-server.service",
  "rke2-agent.service",
  "kubelet.service",
  "containerd.service",
] as const;

/** A service that was started again so often since it was started by hand has a lasting problem. */
const MANY_RESTARTS = 5;
/** One that restarts for ever is mostly met between two of its ends, while it starts or has just started. */
const SETTLED_MS = 3 * 60_000;

/** @throws DoctorError DOCTOR_SERVICE_FAILED */
export function judgeServices(units: readonly Unit[]): Verdict<undefined> {
  const there = units.filter(({ loadState }) => loadState !== "not-found");
  const broken = there.filter(isBroken);
  if (broken.length > 0) {
    throw new DoctorError("DOCTOR_SERVICE_FAILED", broken.map(unitText).join("; "), {
      details: { units: broken.map(({ name }) => name).join(" ") },
    });
  }
  const restless = there.filter(isRestless);
  if (restless.length > 0) {
    return warn(
      new DoctorError("DOCTOR_SERVICE_FAILED", restless.map(restlessText).join("; "), {
        details: { units: restless.map(({ name }) => name).join(" ") },
      }),
    );
  }
  const own = there.filter(({ name }) => OWN_UNITS.some((one) => one === name));
  if (own.length === 0) return skipped("no service of the agent is installed on this machine");
  const agent = own.find(({ name }) => name === AGENT_UNIT);
  const isWanted = agent?.fileState === "enabled" || agent?.fileState === "enabled-runtime";
  if (agent?.activeState === "inactive" && isWanted) {
    return warn(new DoctorError("DOCTOR_SERVICE_STOPPED", `${AGENT_UNIT} is enabled and does not run`));
  }
  return ok(there.map(({ name, activeState }) => `${name.replace(/\.service$/, "")} ${activeState}`).join(", "));
}

function isBroken({ loadState, activeState, restarts }: Unit): boolean {
  if (activeState === "failed" || loadState === "bad-setting" || loadState === "error") return true;
  return activeState === "activating" && restarts >= MANY_RESTARTS;
}

/** It runs, and has not run long enough to say that it ends no more. */
function isRestless({ restarts, activeForMs }: Unit): boolean {
  return restarts >= MANY_RESTARTS && activeForMs !== undefined && activeForMs < SETTLED_MS;
}

function restlessText({ name, restarts, activeForMs = 0 }: Unit): string {
  return `${name} was started again ${restarts} times, the last time ${Math.round(activeForMs / 1000)} s ago`;
}

function unitText({ name, loadState, activeState, subState, result, restarts }: Unit): string {
  if (loadState !== "loaded") return `${name} cannot be loaded (${loadState})`;
  if (activeState === "failed") return `${name} has failed (${result})`;
  return `${name} was started again ${restarts} times and ends each time (${result}, ${subState})`;
}

/**
 * @param text         what `systemctl show` prints for several units: lines of NAME=VALUE, an empty line between units
 * @param monotonicMs  CLOCK_MONOTONIC of the machine, by which systemd counts too
 * Source: systemctl(1), org.freedesktop.systemd1(5)
 */
export function parseUnits(text: string, monotonicMs: number): readonly Unit[] {
  return text
    .split(/\n\s*\n/)
    .map(
      (block) =>
        new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])),
    )
    .filter((values) => values.has("Id"))
    .map((values) => {
      const word = (name: string): string => (values.get(name) ?? "").replaceAll(/[^\w.@:-]/g, "").slice(0, 64);
      const restarts = Number(word("NRestarts"));
      const activeForMs = monotonicMs - Number(word("ActiveEnterTimestampMonotonic")) / 1000;
      const hasEntered = word("ActiveState") === "active" && activeForMs >= 0 && activeForMs < monotonicMs;
      return {
        name: word("Id"),
        loadState: word("LoadState"),
        activeState: word("ActiveState"),
        subState: word("SubState"),
        result: word("Result"),
        restarts: Number.isSafeInteger(restarts) ? restarts : 0,
        activeForMs: hasEntered ? activeForMs : undefined,
        fileState: word("UnitFileState"),
      };
    });
}
