/** Which registrations are measured, and in which of them the Go program takes part. */
import type { Listener } from "./machines.ts";
import type { SmbiosSize } from "./sample-smbios.ts";

export interface RegistrationPlan {
  readonly listeners: readonly Listener[];
  /** Inventories that are there before the machines come, ascending. */
  readonly residents: readonly number[];
  /** How many at once, and how many in one run. */
  readonly loads: readonly { readonly inFlight: number; readonly machines: number }[];
  readonly rounds: number;
  /** That register before anything is measured: by then all hot code is compiled. */
  readonly warmUp: number;
  /** The most that come to the Go program in one run: its inventories take three times as long to be removed. */
  readonly goMachines: number;
  readonly smbios: SmbiosSize;
}

export interface Cell {
  readonly listener: Listener;
  readonly residents: number;
  readonly inFlight: number;
  readonly machines: number;
  readonly rounds: number;
  /** That come to the Go program; 0 where it takes no part. */
  readonly goMachines: number;
}

/** @param hasGo  whether the Go program could be built; like the original behind Rancher, it listens without TLS */
export function registrationCells(plan: RegistrationPlan, residents: number, hasGo: boolean): readonly Cell[] {
  return plan.listeners.flatMap((listener) =>
    plan.loads.map((load) => ({
      ...load,
      listener,
      residents,
      rounds: plan.rounds,
      goMachines: hasGo && listener === "http" ? Math.min(plan.goMachines, load.machines) : 0,
    })),
  );
}
