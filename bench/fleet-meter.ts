/** What a fleet and its operator cost while something goes on. */
import type { ScaledClock } from "../test/fleet/scaled-clock.ts";
import type { Service } from "../test/fleet/service.ts";
import type { OperatorProcess } from "../test/operator/operator-process.ts";
import { writeRequests, writesSince, type InventoryWrites, type ReasonCounts } from "./api-writes.ts";
import type { FleetPace, PaceFigures } from "./fleet-pace.ts";
import { cpuMs } from "./process-figures.ts";
import type { Stage } from "./stage.ts";

/** Of a time in which the fleet lived with one operator. */
export interface FleetFigures {
  readonly seconds: number;
  /** On the fleet's clock. */
  readonly fleetSeconds: number;
  readonly operatorCpuMs: number;
  readonly controlPlaneCpuMs: number;
  readonly fleetCpuMs: number;
  readonly requests: number;
  readonly broken: number;
  /** Stored, and refused, by resource. */
  readonly writes: Readonly<Record<string, { readonly stored: number; readonly refused: number }>>;
  /** Of the versions of MachineInventories, by what they changed. */
  readonly inventoryWrites: ReasonCounts;
  readonly pace: PaceFigures;
}

const RESOURCES = ["machineinventories", "managedosimages", "events", "secrets", "machineregistrations", "configmaps"];

interface MeterParts {
  readonly service: Service;
  readonly writes: InventoryWrites;
  readonly clock: ScaledClock;
  readonly pace: FleetPace;
}

export class FleetMeter {
  readonly #stage: Stage;
  readonly #operator: OperatorProcess;
  readonly #parts: MeterParts;

  constructor(stage: Stage, operator: OperatorProcess, parts: MeterParts) {
    this.#stage = stage;
    this.#operator = operator;
    this.#parts = parts;
  }

  async during(work: () => Promise<unknown>): Promise<FleetFigures> {
    const before = await this.#look();
    this.#parts.pace.take();
    await work();
    const after = await this.#look();
    const writes = Object.fromEntries(writesSince(before.requestsMade, after.requestsMade));
    const inventoryWrites = {
      upgrade: after.inventory.upgrade - before.inventory.upgrade,
      attestation: after.inventory.attestation - before.inventory.attestation,
      node: after.inventory.node - before.inventory.node,
      seen: after.inventory.seen - before.inventory.seen,
      other: after.inventory.other - before.inventory.other,
    };
    const seconds = (after.atMs - before.atMs) / 1_000;
    return {
      seconds,
      fleetSeconds: (after.fleetMs - before.fleetMs) / 1_000,
      operatorCpuMs: after.operatorCpuMs - before.operatorCpuMs,
      controlPlaneCpuMs: after.controlPlaneCpuMs - before.controlPlaneCpuMs,
      fleetCpuMs: after.fleetCpuMs - before.fleetCpuMs,
      requests: after.answered - before.answered,
      broken: after.broken - before.broken,
      writes,
      inventoryWrites,
      pace: this.#parts.pace.take(),
    };
  }

  async #look() {
    const { service, writes, clock } = this.#parts;
    const controlPlane = this.#stage.controlPlanePids().map((pid) => cpuMs(pid));
    return {
      atMs: performance.now(),
      fleetMs: clock.nowMs(),
      operatorCpuMs: cpuMs(this.#operator.pid),
      controlPlaneCpuMs: controlPlane.reduce((sum, ms) => sum + ms, 0),
      fleetCpuMs: cpuMs(process.pid),
      ...service.counts,
      requestsMade: await writeRequests(this.#stage.access, RESOURCES),
      inventory: writes.counts(),
    };
  }
}
