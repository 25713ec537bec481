/**
 * spec.token.maxMachines without a lock. The API server puts all machines of all replicas in one order, and the watch
 * shows them in it: who made a machine that comes after the last one allowed takes it away again. See docs/decisions.
 */
import type { MachineRegistration } from "@rancheros/protocol/resources";
import { RegistrationRefusedError } from "./errors.ts";

/** A machine as far as it is counted; an InventoryEntry is one. */
export interface CountedMachine {
  readonly metadata: { readonly uid: string };
  readonly firstRevision: number;
  readonly ekHash: string | undefined;
}

export interface MachineLimitParts<Machine extends CountedMachine> {
  /** Machines that came through this registration, by their label. */
  readonly machinesOf: (namespace: string, registration: string) => readonly Machine[];
  readonly delete: (machine: Machine) => Promise<void>;
}

/** Beyond it the label that machines are counted by does not hold the name. */
const NAME_LIMIT = 63;

export class MachineLimit<Machine extends CountedMachine> {
  readonly #parts: MachineLimitParts<Machine>;
  readonly #underway = new Map<string, Set<string>>();

  constructor(parts: MachineLimitParts<Machine>) {
    this.#parts = parts;
  }

  /** Whether no new machine may come through this registration now. */
  isFull(registration: MachineRegistration): boolean {
    const { namespace, name } = registration.metadata;
    const max = registration.spec.token?.maxMachines;
    if (max === undefined) return false;
    if (name.length > NAME_LIMIT) return true;
    const there = this.#parts.machinesOf(namespace, name);
    const shown = new Set(there.map((one) => one.ekHash));
    const coming = [...(this.#underway.get(`${namespace}/${name}`) ?? [])].filter((one) => !shown.has(one));
    return there.length + coming.length >= max;
  }

  /**
   * Makes a machine, if there is room for it.
   * @param make  settles when the watch has shown the machine; see claim-inventory.ts
   * @throws RegistrationRefusedError  REGISTRATION_FULL, after which the machine is not there
   */
  async admit<Claim extends { readonly entry: Machine; readonly made: boolean }>(
    registration: MachineRegistration,
    machine: { readonly ekHash: string; readonly isKnown: boolean },
    make: () => Promise<Claim>,
  ): Promise<Claim> {
    const max = registration.spec.token?.maxMachines;
    if (max === undefined || machine.isKnown) return make();
    const { namespace, name } = registration.metadata;
    const key = `${namespace}/${name}`;
    const underway = this.#underway.get(key) ?? new Set();
    // The same machine dials twice at once: both get what the first one makes.
    const isFirst = !underway.has(machine.ekHash);
    if (isFirst && this.isFull(registration)) throw new RegistrationRefusedError("REGISTRATION_FULL");
    this.#underway.set(key, underway.add(machine.ekHash));
    try {
      const claim = await make();
      if (!claim.made) return claim;
      const earlier = this.#parts
        .machinesOf(namespace, name)
        .filter((one) => one.firstRevision < claim.entry.firstRevision);
      if (earlier.length < max) return claim;
      await this.#parts.delete(claim.entry);
      throw new RegistrationRefusedError("REGISTRATION_FULL");
    } finally {
      if (isFirst) underway.delete(machine.ekHash);
      if (underway.size === 0) this.#underway.delete(key);
    }
  }
}
