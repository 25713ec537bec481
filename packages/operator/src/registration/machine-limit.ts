/**
 * spec.token.maxMachines without a lock. The API server puts all machines of all replicas in one order, and the watch
 * shows them in it: who made a machine that comes after the last one allowed takes it away again. See docs/decisions.
 */
import { isCodedError } from "@rancheros/protocol/errors";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import { RegistrationRefusedError } from "./errors.ts";

/** A machine as far as it is counted; an InventoryEntry is one. */
export interface CountedMachine {
  readonly metadata: { readonly uid: string };
  readonly firstRevision: number;
  readonly ekHash: string | undefined;
  /** later: its status says nothing yet, so whoever made it may still take it away. */
  readonly statusDue?: "prompt" | "later" | undefined;
}

export interface MachineLimitParts<Machine extends CountedMachine> {
  /** Machines that came through this registration, by their label. */
  readonly machinesOf: (namespace: string, registration: string) => readonly Machine[];
  /** Deletes it as it was seen. @returns what is there of it still; undefined where nothing stays */
  readonly withdraw: (machine: Machine) => Promise<Machine | undefined>;
  readonly pause: (delayMs: number) => Promise<unknown>;
  /** 0 to 1 */
  readonly random: () => number;
}

/** What making a machine comes to. */
export interface MachineClaim<Machine> {
  readonly entry: Machine;
  /** Whether this request made it. */
  readonly made: boolean;
  readonly isOfAnother?: boolean;
  /** Whether somebody has written to it since this request made it. */
  readonly isChanged?: boolean;
}

/** Beyond it the label that machines are counted by does not hold the name. */
const NAME_LIMIT = 63;
/** A surplus machine that the API server does not delete at once is deleted within half a minute, or stays. */
const DELETE_TRIES = 6;
const FIRST_PAUSE_MS = 1_000;

/** Two inventories with one endorsement key, made by hand or by a restore, are one machine. */
function countOf(there: readonly CountedMachine[]): number {
  return new Set(there.map(({ ekHash, metadata }) => ekHash ?? metadata)).size;
}

function earlierOf(there: readonly CountedMachine[], { firstRevision }: CountedMachine): number {
  return countOf(there.filter((one) => one.firstRevision < firstRevision));
}

export class MachineLimit<Machine extends CountedMachine> {
  readonly #parts: MachineLimitParts<Machine>;
  /** Machines of each registration about which it is not decided yet, by their keys. */
  readonly #underway = new Map<string, Map<string, Promise<MachineClaim<Machine>>>>();

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
    const coming = [...this.#underwayThrough(registration).keys()].filter((one) => !shown.has(one));
    return countOf(there) + coming.length >= max;
  }

  /** Whether as many as allowed were stored before this machine, and nobody has answered it yet. */
  isSurplus(registration: MachineRegistration | undefined, machine: Machine): boolean {
    const max = registration?.spec.token?.maxMachines;
    if (registration === undefined || max === undefined || machine.statusDue !== "later") return false;
    const { namespace, name } = registration.metadata;
    return earlierOf(this.#parts.machinesOf(namespace, name), machine) >= max;
  }

  /** Whether this machine has its place, as long as it is not decided that it has none. */
  isUnderway(registration: MachineRegistration, ekHash: string): boolean {
    return this.#underwayThrough(registration).has(ekHash);
  }

  /**
   * Makes a machine, if there is room for it. Goes on where nobody waits for it any more: until then the machine counts.
   * @param make  settles when the watch has shown the machine; see claim-inventory.ts
   * @throws RegistrationRefusedError  REGISTRATION_FULL; if this request made the machine, it is not there after that
   */
  async admit<Claim extends MachineClaim<Machine>>(
    registration: MachineRegistration,
    machine: { readonly ekHash: string; readonly isKnown: boolean },
    make: () => Promise<Claim>,
  ): Promise<Claim | MachineClaim<Machine>> {
    const max = registration.spec.token?.maxMachines;
    if (max === undefined) return make();
    const { ekHash, isKnown } = machine;
    const before = this.#underwayThrough(registration).get(ekHash);
    // The same machine dials twice at once, or before it is decided: it gets what the first visit would have got.
    if (before !== undefined) {
      const { entry, isOfAnother = false } = await before;
      return { entry, made: false, isOfAnother };
    }
    if (!isKnown && this.isFull(registration)) throw new RegistrationRefusedError("REGISTRATION_FULL");
    const { namespace, name } = registration.metadata;
    const key = `${namespace}/${name}`;
    const underway = this.#underway.get(key) ?? new Map<string, Promise<MachineClaim<Machine>>>();
    this.#underway.set(key, underway);
    const mine = this.#decide(registration.metadata, max, isKnown, make).finally(() => {
      underway.delete(ekHash);
      if (underway.size === 0) this.#underway.delete(key);
    });
    underway.set(ekHash, mine);
    return mine;
  }

  #underwayThrough({
    metadata: { namespace, name },
  }: MachineRegistration): ReadonlyMap<string, Promise<MachineClaim<Machine>>> {
    return this.#underway.get(`${namespace}/${name}`) ?? new Map<string, Promise<MachineClaim<Machine>>>();
  }

  async #decide<Claim extends MachineClaim<Machine>>(
    registration: MachineRegistration["metadata"],
    max: number,
    isKnown: boolean,
    make: () => Promise<Claim>,
  ): Promise<Claim> {
    const claim = await make();
    const { entry, made, isOfAnother, isChanged = false } = claim;
    const isAnswered = (!made || isChanged) && entry.statusDue !== "later";
    // One that was let in stays in, also where fewer are allowed now; of a new one another replica may be about to decide.
    if (isKnown && (made || isOfAnother === false || isAnswered)) return claim;
    const there = this.#parts.machinesOf(registration.namespace, registration.name);
    // By hand, or through another registration.
    if (!made && !there.some((one) => one.metadata.uid === entry.metadata.uid)) return claim;
    if (earlierOf(there, entry) < max) return claim;
    // Another replica's it deletes itself, in the same order. One that has its config must not lose its inventory.
    if (made && (isAnswered || !(await this.#isTakenBack(entry)))) return claim;
    throw new RegistrationRefusedError("REGISTRATION_FULL");
  }

  /** @returns false where it stays, since somebody has answered it meanwhile */
  async #isTakenBack(machine: Machine): Promise<boolean> {
    let there = machine;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const left = await this.#parts.withdraw(there);
        if (left === undefined) return true;
        if (left.statusDue !== "later" || attempt === DELETE_TRIES) return false;
        there = left;
      } catch (error) {
        if (attempt === DELETE_TRIES || (isCodedError(error) && error.retry === "never")) throw error;
      }
      await this.#parts.pause(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + this.#parts.random()));
    }
  }
}
