/** Whether a visit with a token may come in: the same for every protocol. What it refuses is counted. */
import { isCodedError } from "@rancheros/protocol/errors";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import { RegistrationRefusedError } from "./errors.ts";
import type { CountedMachine, MachineClaim, MachineLimit } from "./machine-limit.ts";
import { RateLimit, sourceOf, TUNNEL_SOURCE } from "./rate-limit.ts";
import type { RefusalCounter } from "./registration-counters.ts";
import { keyOf, type RegistrationIndex } from "./registration-index.ts";

/** Sources that are remembered, for all registrations together: some megabytes. */
const MAX_SOURCES = 20_000;

export interface GateParts<Machine extends CountedMachine> {
  readonly index: RegistrationIndex;
  readonly limit: MachineLimit<Machine>;
  readonly refusals: RefusalCounter;
  /** Unknown tokens that one source may try in a minute. */
  readonly unknownPerMinute: number;
  /** Wall clock. */
  readonly nowMs: () => number;
  /** Clock that never goes back. */
  readonly steadyMs: () => number;
}

export class RegistrationGate<Machine extends CountedMachine> {
  readonly #parts: GateParts<Machine>;
  readonly #unknown = new RateLimit(MAX_SOURCES);
  readonly #visits = new RateLimit(MAX_SOURCES);
  readonly #noted = new WeakSet();

  constructor(parts: GateParts<Machine>) {
    this.#parts = parts;
  }

  /**
   * The registration with this token, if it is open; not counted as a visit.
   * @throws RegistrationRefusedError  REGISTRATION_UNKNOWN, _DISABLED, _EXPIRED; REGISTRATION_RATE for who guesses
   */
  look(token: string, remoteAddress: string | undefined): MachineRegistration {
    const { index, unknownPerMinute, nowMs, steadyMs } = this.#parts;
    const found = index.withToken(token, nowMs());
    if (!("refusal" in found)) return found.registration;
    // Only who guesses wrongly is made to wait: a source may be the proxy that all machines come through.
    if (found.registration === undefined) {
      const waitMs = this.#unknown.take(sourceOf(remoteAddress), unknownPerMinute, steadyMs());
      if (waitMs > 0) throw new RegistrationRefusedError("REGISTRATION_RATE", { retry: { afterMs: waitMs } });
      throw new RegistrationRefusedError("REGISTRATION_UNKNOWN");
    }
    throw this.#counted(found.registration, new RegistrationRefusedError(found.refusal));
  }

  /**
   * The same, counted as a visit.
   * @throws RegistrationRefusedError  as look; REGISTRATION_RATE
   */
  enter(token: string, remoteAddress: string | undefined): MachineRegistration {
    const registration = this.look(token, remoteAddress);
    const { perMinute, perSourcePerMinute } = registration.spec.rateLimit ?? {};
    const key = keyOf(registration.metadata);
    const source = sourceOf(remoteAddress);
    // The source first: one that comes too often is not to use up what the others have. A tunnel is no source, but all.
    if (source !== TUNNEL_SOURCE) this.#takeVisit(registration, `${key} ${source}`, perSourcePerMinute);
    this.#takeVisit(registration, key, perMinute);
    return registration;
  }

  /**
   * Makes the machine, if the registration has room for it.
   * @param machine  isKnown: it has a MachineInventory, and comes through in any case
   * @throws RegistrationRefusedError  REGISTRATION_FULL, and what `make` throws
   */
  async admit<Claim extends MachineClaim<Machine>>(
    registration: MachineRegistration,
    machine: { readonly ekHash: string; readonly isKnown: boolean },
    make: () => Promise<Claim>,
  ): Promise<Claim | MachineClaim<Machine>> {
    return this.#parts.limit.admit(registration, machine, make);
  }

  /**
   * Asked before a machine is challenged, and again by admit.
   * @throws RegistrationRefusedError  REGISTRATION_FULL
   */
  checkRoom(
    registration: MachineRegistration,
    { ekHash, isKnown }: { readonly ekHash: string; readonly isKnown: boolean },
  ): void {
    const { limit } = this.#parts;
    if (isKnown || limit.isUnderway(registration, ekHash) || !limit.isFull(registration)) return;
    throw new RegistrationRefusedError("REGISTRATION_FULL");
  }

  /**
   * The registration that a visit entered through a while ago, as it is now. Its token must be good still: one that was
   * rotated away meanwhile lets nobody in, nor does another registration that has the token now.
   * @throws RegistrationRefusedError  REGISTRATION_UNKNOWN, REGISTRATION_DISABLED, REGISTRATION_EXPIRED
   */
  enteredThrough({ uid, tokenDigest }: { readonly uid: string; readonly tokenDigest: string }): MachineRegistration {
    const found = this.#parts.index.withTokenDigest(tokenDigest, this.#parts.nowMs());
    if (found.registration?.metadata.uid !== uid) throw new RegistrationRefusedError("REGISTRATION_UNKNOWN");
    if ("refusal" in found) throw new RegistrationRefusedError(found.refusal);
    return found.registration;
  }

  /** Takes note of a visit that was refused for whatever reason; of each error once. */
  refused(registration: { readonly namespace: string; readonly name: string }, error: unknown): void {
    if (typeof error === "object" && error !== null) {
      if (this.#noted.has(error)) return;
      this.#noted.add(error);
    }
    const reason = isCodedError(error) ? error.code : "INTERNAL";
    this.#parts.refusals.note(keyOf(registration), reason, this.#parts.nowMs());
  }

  #counted(registration: MachineRegistration, error: RegistrationRefusedError): RegistrationRefusedError {
    this.refused(registration.metadata, error);
    return error;
  }

  #takeVisit(registration: MachineRegistration, key: string, perMinute: number | undefined): void {
    if (perMinute === undefined) return;
    const waitMs = this.#visits.take(key, perMinute, this.#parts.steadyMs());
    if (waitMs === 0) return;
    const error = new RegistrationRefusedError("REGISTRATION_RATE", { retry: { afterMs: waitMs } });
    throw this.#counted(registration, error);
  }
}
