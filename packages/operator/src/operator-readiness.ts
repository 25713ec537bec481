/** Whether this replica knows enough of the cluster to decide for it. */
import { SessionError } from "./http/index.ts";

/**
 * Rancher's settings are believed absent after 2 s, and forbidden after 15 s. Longer than this nobody waits for them: machines'
 * sessions, plans and reports need none of it.
 */
const ADDRESS_PATIENCE_MS = 20_000;

interface Watched {
  synced(): boolean;
  /** Milliseconds since anything was heard. */
  quietMs(): number;
}

export interface ReadinessParts {
  readonly registrations: Watched;
  readonly inventories: Watched;
  readonly rollouts: { notReady(): readonly string[]; quietMs(): number };
  readonly sessionKeys: { ready(): boolean };
  readonly listening: () => boolean;
  /** Whether it is known what machines are told of the operator's address and CA; until then they are answered with 503. */
  readonly addressKnown: () => boolean;
  /** Who has not heard of the cluster for longer might let in what was denied meanwhile. */
  readonly staleAfterMs: number;
  readonly steadyMs: () => number;
}

export interface Readiness {
  /** What is missing, a sentence each; none where machines may be sent here. */
  notReady(): readonly string[];
  /** Whoever is sent here while the operator stops is served. @throws SessionError OPERATOR_NOT_READY */
  assertReady(): void;
  /** From now on no more machines are to be sent here. */
  stop(): void;
}

export function operatorReadiness(parts: ReadinessParts): Readiness {
  const { registrations, inventories, rollouts, sessionKeys, listening, addressKnown, staleAfterMs, steadyMs } = parts;
  const stale = (what: string, quietMs: number): readonly string[] =>
    quietMs < staleAfterMs ? [] : [`nothing heard of ${what} for ${Math.round(quietMs / 1000)} s`];
  const missing = (): readonly string[] => [
    ...(registrations.synced() ? [] : ["MachineRegistrations not read yet"]),
    ...(inventories.synced() ? [] : ["MachineInventories not read yet"]),
    ...rollouts.notReady(),
    ...(listening() ? [] : ["not listening for machines yet"]),
    ...(sessionKeys.ready() ? [] : ["no session keys yet"]),
    ...stale("MachineRegistrations", registrations.quietMs()),
    ...stale("MachineInventories", inventories.quietMs()),
    ...stale("ManagedOSImages", rollouts.quietMs()),
  ];
  const startedMs = steadyMs();
  // Once only: when Rancher comes later, all replicas would be taken out at one time.
  let hadAddress = false;
  const addressMissing = (): readonly string[] => {
    hadAddress ||= addressKnown() || steadyMs() - startedMs >= ADDRESS_PATIENCE_MS;
    return hadAddress ? [] : ["Rancher's settings of the address and its CA not read yet"];
  };
  let isStopping = false;
  return {
    notReady: () => [...missing(), ...addressMissing(), ...(isStopping ? ["it stops"] : [])],
    assertReady() {
      if (missing().length === 0) return;
      throw new SessionError("OPERATOR_NOT_READY", "the operator does not know the cluster at this moment, try again");
    },
    stop() {
      isStopping = true;
    },
  };
}
