/** Machines that register with a Go program on the original's libraries, in a namespace of its own, on the same stage as our operator. */
import { randomBytes } from "node:crypto";
import { applyObjects } from "../test/control-plane/apply-objects.ts";
import { createNamespace } from "../test/control-plane/namespace.ts";
import { startLegacyOperator, type LegacyOperator } from "../test/legacy-operator/legacy-operator.ts";
import { patchStatus } from "../test/operator/objects.ts";
import type { FleetJson } from "../test/software-tpm/index.ts";
import { Inventories } from "./inventories.ts";
import type { CreatingJob } from "./load/creating.ts";
import type { RegisteringJob } from "./load/registering.ts";
import type { WorkerProcess } from "./load/worker-process.ts";
import { RESIDENTS, RESIDENTS_IN_FLIGHT, type Crowd } from "./machines.ts";
import type { SmbiosSize } from "./sample-smbios.ts";
import { REGISTRATION, type Stage } from "./stage.ts";

/** Ours would take its finalizers off; it does not watch here. */
export const GO_NAMESPACE = "bench-go";

export interface GoOperatorOptions {
  /** The executable, as buildLegacyOperator gives it. */
  readonly program: string;
  readonly stage: Stage;
  readonly fleet: FleetJson;
  readonly smbios: SmbiosSize;
  /** The same that measure our operator. */
  readonly registering: WorkerProcess<RegisteringJob>;
  readonly creating: WorkerProcess<CreatingJob>;
}

export class GoOperator {
  readonly inventories: Inventories;
  readonly #options: GoOperatorOptions;
  readonly #process: LegacyOperator;
  readonly #token: string;

  private constructor(options: GoOperatorOptions, started: LegacyOperator, token: string) {
    this.#options = options;
    this.#process = started;
    this.#token = token;
    this.inventories = new Inventories(options.stage.access, GO_NAMESPACE);
  }

  static async meet(options: GoOperatorOptions): Promise<GoOperator> {
    const { controlPlane } = options.stage;
    const token = randomBytes(27).toString("hex");
    await createNamespace(controlPlane, GO_NAMESPACE);
    await applyObjects(controlPlane, {
      apiVersion: "rancheros.cattle.io/v1",
      kind: "MachineRegistration",
      metadata: { name: REGISTRATION, namespace: GO_NAMESPACE },
      // By this label inventories are counted and removed; ours puts it there by itself.
      spec: { machineInventoryLabels: { "rancheros.cattle.io/machine-registration": REGISTRATION } },
    });
    await patchStatus(controlPlane, "machineregistration", GO_NAMESPACE, REGISTRATION, { registrationToken: token });
    const { kubeconfigPath } = controlPlane;
    const where = { kubeconfigPath, namespace: GO_NAMESPACE, serverUrl: "https://rancher.example.com" };
    return new GoOperator(options, await startLegacyOperator(options.program, where), token);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Prepares visits of machines by rancherd's protocol. */
  prepareVisits(crowd: Crowd): ReturnType<WorkerProcess<RegisteringJob>["prepare"]> {
    const { fleet, smbios, registering } = this.#options;
    const url = `${this.#process.url}/v1-rancheros/registration/${this.#token}`;
    return registering.prepare({ ...crowd, fleet, smbios, url, caPem: undefined, farewell: "none" });
  }

  /** Makes inventories that stay, without a visit: like those that it stores, finalizer and all. */
  async makeResidents(first: number, count: number): Promise<void> {
    const { stage, creating } = this.#options;
    await (await this.prepareVisits({ first: 0, count: 1, inFlight: 1 })).go();
    await stage.settle(this.pid);
    const pattern = await this.inventories.any(REGISTRATION);
    await this.clear(1);
    const crowd = { first, count, inFlight: RESIDENTS_IN_FLIGHT };
    const job = { ...crowd, access: stage.access, pattern, namespace: GO_NAMESPACE, registration: RESIDENTS };
    await (await creating.prepare(job)).go();
    await stage.settle(this.pid);
  }

  /** As Machines does. */
  async clear(expected: number): Promise<void> {
    await this.inventories.expectAndRemove(REGISTRATION, expected);
    await this.#options.stage.settle(this.pid);
  }

  async leave(): Promise<void> {
    await this.#process.stop();
    await this.inventories.close();
  }
}
