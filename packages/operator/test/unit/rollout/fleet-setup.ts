/** What a simulated fleet is made of, and what is kept of its course. */
import type { ManagedOSImage, ManagedOSImageSpec } from "@rancheros/protocol/resources";
import type { Phase } from "@rancheros/protocol/upgrade";

export const NAMESPACE = "fleet-default";

export type Fault = "none" | "fails" | "dies" | "dies-and-returns" | "offline" | "rolls-back";

export interface MachineSetup {
  readonly name: string;
  readonly cluster: string;
  readonly role: "server" | "agent";
  readonly labels: Readonly<Record<string, string>>;
  readonly fault: Fault;
}

export interface FleetSetup {
  readonly seed: number;
  readonly machines: readonly MachineSetup[];
  readonly spec: ManagedOSImageSpec;
  readonly replicas: number;
  /** How late watches may be. */
  readonly lagMs: number;
  /** Share of writes that fail, half of them after they were stored. */
  readonly writeFaults: number;
  /** How often a replica is begun anew. */
  readonly restartEveryMs: number | undefined;
  /** How long a phase lasts, at least and at most (1 to 20 s). */
  readonly phaseMs?: readonly [number, number];
}

export interface StoredWrite {
  readonly atMs: number;
  readonly before: ManagedOSImage;
  readonly after: ManagedOSImage;
  /** What the machines had said at that moment, by name. */
  readonly phases: ReadonlyMap<string, { readonly plan: string | undefined; readonly phase: Phase }>;
}
