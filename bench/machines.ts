/** Machines that register with the operator on a stage, and objects like theirs that are made without it. */
import { channelAt } from "../test/machine/attested-visit.ts";
import type { OperatorProcess } from "../test/operator/operator-process.ts";
import type { MadeRegistration } from "../test/operator/objects.ts";
import type { FleetJson } from "../test/software-tpm/index.ts";
import type { StoredInventory } from "./inventories.ts";
import type { AttestingJob } from "./load/attesting.ts";
import type { CreatingJob } from "./load/creating.ts";
import type { RegisteringJob } from "./load/registering.ts";
import { WorkerProcess } from "./load/worker-process.ts";
import type { SmbiosSize } from "./sample-smbios.ts";
import { NAMESPACE, RAW_NAMESPACE, REGISTRATION, type Stage } from "./stage.ts";

export type Listener = "http" | "https";
/** Registration that inventories name which stay. */
export const RESIDENTS = "residents";
export const RESIDENTS_IN_FLIGHT = 20;

/** As many as `count`, `inFlight` at once. */
export interface Crowd {
  readonly first: number;
  readonly count: number;
  readonly inFlight: number;
}

/** One operator, one registration and the machines of a fleet. */
export class Machines {
  readonly stage: Stage;
  readonly operator: OperatorProcess;
  readonly #registration: MadeRegistration;
  readonly #caPem: string;
  readonly #channel: Buffer;
  readonly #fleet: FleetJson;
  readonly #smbios: SmbiosSize;
  readonly registering = new WorkerProcess<RegisteringJob>("registering.ts");
  readonly attesting = new WorkerProcess<AttestingJob>("attesting.ts");
  readonly creating = new WorkerProcess<CreatingJob>("creating.ts");

  private constructor(
    stage: Stage,
    operator: OperatorProcess,
    door: { readonly registration: MadeRegistration; readonly caPem: string; readonly channel: Buffer },
    fleet: FleetJson,
    smbios: SmbiosSize,
  ) {
    this.stage = stage;
    this.operator = operator;
    this.#registration = door.registration;
    this.#caPem = door.caPem;
    this.#channel = door.channel;
    this.#fleet = fleet;
    this.#smbios = smbios;
  }

  /** @param operator  ready */
  static async meet(stage: Stage, operator: OperatorProcess, fleet: FleetJson, smbios: SmbiosSize): Promise<Machines> {
    const registration = await stage.register();
    const caPem = await (await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`)).text();
    const channel = await channelAt(operator.httpsUrl);
    return new Machines(stage, operator, { registration, caPem, channel }, fleet, smbios);
  }

  /** Prepares visits of machines at one of the operator's listeners, by rancherd's protocol. */
  prepareVisits(listener: Listener, crowd: Crowd): ReturnType<WorkerProcess<RegisteringJob>["prepare"]> {
    return this.registering.prepare(this.#jobAt(listener, crowd));
  }

  /** The same by the attestation protocol. */
  prepareAttestedVisits(listener: Listener, crowd: Crowd): ReturnType<WorkerProcess<AttestingJob>["prepare"]> {
    return this.attesting.prepare({ ...this.#jobAt(listener, crowd), channel: this.#channel });
  }

  #jobAt(listener: Listener, crowd: Crowd): RegisteringJob {
    const base = listener === "http" ? this.operator.httpUrl : this.operator.httpsUrl;
    const url = `${base}/v1-rancheros/registration/${this.#registration.token}`;
    return { ...crowd, fleet: this.#fleet, url, caPem: this.#caPem, smbios: this.#smbios, farewell: "close" };
  }

  /** Prepares raw creates of the same objects where no operator looks. */
  prepareCreates(pattern: StoredInventory, crowd: Crowd): ReturnType<WorkerProcess<CreatingJob>["prepare"]> {
    const { access } = this.stage;
    return this.creating.prepare({ ...crowd, access, pattern, namespace: RAW_NAMESPACE, registration: REGISTRATION });
  }

  /** Makes inventories that stay, without a visit, among those that the operator watches. */
  async makeResidents(pattern: StoredInventory, first: number, count: number): Promise<void> {
    const { access } = this.stage;
    const crowd = { first, count, inFlight: RESIDENTS_IN_FLIGHT };
    const job = { ...crowd, access, pattern, namespace: NAMESPACE, registration: RESIDENTS };
    await (await this.creating.prepare(job)).go();
    await this.stage.settle(this.operator.pid);
  }

  /** See expectAndRemove; then the operator has nothing to do. */
  async clear(expected: number): Promise<void> {
    await this.stage.inventories.expectAndRemove(REGISTRATION, expected);
    await this.stage.settle(this.operator.pid);
  }

  async clearRaw(expected: number): Promise<void> {
    await this.stage.rawInventories.expectAndRemove(REGISTRATION, expected);
    await this.stage.settle();
  }

  /** What the operator stores for a machine, to be made again by the thousand. */
  async pattern(): Promise<StoredInventory> {
    await (await this.prepareVisits("http", { first: 0, count: 1, inFlight: 1 })).go();
    const pattern = await this.stage.inventories.any(REGISTRATION);
    await this.clear(1);
    return pattern;
  }

  async leave(): Promise<void> {
    await Promise.all([this.registering, this.attesting, this.creating].map(async (worker) => worker.stop()));
  }
}
