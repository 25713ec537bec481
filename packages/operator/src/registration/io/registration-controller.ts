/** Keeps Secrets and statuses of all MachineRegistrations right, and their index up to date. */
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode } from "@rancheros/protocol/errors";
import {
  API_GROUP,
  API_VERSION,
  machineRegistration,
  REGISTRATION_TOKEN_SECRET_TYPE,
  type MachineRegistration,
} from "@rancheros/protocol/resources";
import {
  collectionPath,
  createUnreadableMarks,
  createWorkQueue,
  RefusedWrites,
  retryTimer,
  watchResource,
  type ControllerParts,
  type Kubernetes,
  type QueueLoad,
} from "../../controller/index.ts";
import { createTroubles, errorFields, hintOf } from "../../telemetry/index.ts";
import { RegistrationContestedError } from "../errors.ts";
import { reconcileRegistration, type AnchorsStanding, type StatusPatch } from "../reconcile-registration.ts";
import { counterPatch, type MachineCounts, type RefusalCounter } from "../registration-counters.ts";
import { keyOf, registrationEntry, RegistrationIndex, type RegistrationEntry } from "../registration-index.ts";
import { secretStep, type TokenState } from "../registration-tokens.ts";
import { registrationSecret, secretNameOf, type RegistrationSecret } from "../token-secret.ts";
import { writeRegistrationStatus } from "./registration-store.ts";
import { createTokenSecret, deleteTokenSecret, updateTokenSecret } from "./token-secret-store.ts";

/** A status that we wrote is left alone for so long, whoever has changed it since. */
const CONTESTED_MS = 60_000;
/** How often counters are written, and what depends on the time is looked at. */
const TICK_MS = 10_000;
/** So long a replica that stops waits for its last counters. */
const LAST_WRITES_MS = 500;
/** More than one Secret can need: the left-over deleted, ours made. */
const SECRET_STEPS = 4;

const GROUP_PATH = `/apis/${API_GROUP}/${API_VERSION}`;
/** What a condition's message may be long; the API server takes 32 KiB. */
const MESSAGE_MAX = 2_048;

function countersOf(key: string): string {
  return `${key} counters`;
}

/** Whether the one thing to change is where the URL leads. */
function isOnlyMoved(registration: MachineRegistration, next: StatusPatch): boolean {
  const { registrationToken, registrationURL } = registration.status ?? {};
  const moved = registrationURL !== undefined && registrationURL !== next.registrationURL;
  return moved && registrationToken === next.registrationToken;
}

export interface RegistrationController {
  readonly index: RegistrationIndex;
  readonly synced: () => boolean;
  /** Of the one that was heard of least lately; see WatchHandle. */
  readonly quietMs: () => number;
  readonly queue: () => QueueLoad;
  /** The server URL has changed: all statuses are looked at again. */
  refresh(): void;
  stop(): Promise<void>;
}

export interface RegistrationOptions {
  readonly serverUrl: () => string | undefined;
  readonly random: (bytes: number) => Uint8Array;
  readonly tokenInStatus: boolean;
  /** Machines that came through; undefined while they are not known. */
  readonly countsOf: (namespace: string, name: string) => MachineCounts | undefined;
  readonly isFull: (registration: MachineRegistration) => boolean;
  readonly refusals: RefusalCounter;
  /** @throws KubernetesError */
  readonly trustAnchors: (registration: MachineRegistration) => Promise<AnchorsStanding>;
}

export function runRegistrationController(
  parts: ControllerParts,
  options: RegistrationOptions,
): RegistrationController {
  const { kubernetes, lead, log, watchNamespace, nowMs } = parts;
  const { serverUrl, random, tokenInStatus, refusals } = options;
  const index = new RegistrationIndex();
  /** What we wrote last, and when: into Secrets and into statuses, each for itself. */
  const written = {
    secrets: new Map<string, { readonly url: string | undefined; readonly atMs: number }>(),
    statuses: new Map<string, { readonly url: string | undefined; readonly atMs: number }>(),
  };
  const synced = { registrations: false, secrets: false };
  const refused = new RefusedWrites(() => performance.now(), Math.random);
  const troubles = createTroubles(() => performance.now());

  function addAll(keys: readonly string[]): void {
    for (const key of keys) queue.add(key);
  }

  /** Two operators with different addresses would overwrite each other as fast as they can. */
  function refuseContest(where: keyof typeof written, key: string, published: string | undefined): void {
    const url = serverUrl();
    const last = written[where].get(key);
    if (last === undefined || last.url !== url || performance.now() - last.atMs >= CONTESTED_MS) return;
    throw new RegistrationContestedError(published ?? "", url ?? "");
  }

  function remember(key: string, object: unknown): RegistrationSecret | undefined {
    const secret = registrationSecret(object);
    if (secret === undefined) return undefined;
    addAll(index.renewSecret(secret).filter((one) => one !== key));
    return secret;
  }

  /** Brings the Secret to where it is right. @returns the tokens that there are then */
  async function settleSecret(key: string, registration: MachineRegistration): Promise<TokenState> {
    for (let count = 0; count < SECRET_STEPS; count += 1) {
      const secret = index.secretOf(registration);
      const step = secretStep(registration, secret, { serverUrl: serverUrl(), nowMs: nowMs(), random });
      if (step.kind === "none") break;
      if (step.kind === "create") {
        const stored = await createTokenSecret(lead.kubernetes, registration, step.content);
        if (stored !== undefined && remember(key, stored) === undefined) {
          const message = `Secret ${secretNameOf(registration)} is of another type than ${REGISTRATION_TOKEN_SECRET_TYPE}: delete it`;
          return { kind: "trouble", trouble: { reason: "TokenSecretInvalid", message } };
        }
      } else if (secret !== undefined && step.kind === "delete") {
        await deleteTokenSecret(lead.kubernetes, secret);
        index.loseSecret(secret);
      } else if (secret !== undefined && step.kind === "update") {
        if (step.isOnlyMoved) refuseContest("secrets", key, secret.registrationUrl);
        remember(key, await updateTokenSecret(lead.kubernetes, registration, secret, step));
        log.info("registration token written", { registration: key, rotation: step.content.rotation });
      }
      written.secrets.set(key, { url: serverUrl(), atMs: performance.now() });
    }
    return index.stateOf(registration);
  }

  /** @param key  of what is written: the status's as its object's */
  async function storeStatus(
    key: string,
    writer: Kubernetes,
    registration: MachineRegistration,
    status: Parameters<typeof writeRegistrationStatus>[2],
  ): Promise<void> {
    const write = (): Promise<unknown> => writeRegistrationStatus(writer, registration, status);
    const stored = registrationEntry(await refused.attempt(key, registration.metadata.resourceVersion, write));
    // The next decision must not be made on what was there before while the watch is on its way.
    if (stored !== undefined) addAll(index.renew(stored));
  }

  /** Without them everything else is said all the same. */
  async function anchorsOf(key: string, registration: MachineRegistration): Promise<Partial<AnchorsStanding>> {
    try {
      return await options.trustAnchors(registration);
    } catch (error) {
      log.warn("trust anchors not read", { registration: key, ...errorFields(error) });
      return {};
    }
  }

  async function settle(key: string): Promise<void> {
    const registration = index.get(key);
    if (registration === undefined || registration.metadata.deletionTimestamp !== undefined) return;
    // Who begins to lead looks at all of them.
    if (!synced.secrets || !lead.isLeader()) return;
    const state = await settleSecret(key, registration);
    const status = reconcileRegistration(registration, {
      serverUrl: serverUrl(),
      nowMs: nowMs(),
      state,
      isShared: index.isShared(key, nowMs()),
      isFull: options.isFull(registration),
      tokenInStatus,
      ...(await anchorsOf(key, registration)),
    });
    if (status === undefined) return;
    if (isOnlyMoved(registration, status)) refuseContest("statuses", key, registration.status?.registrationURL);
    await storeStatus(key, lead.kubernetes, registration, status);
    written.statuses.set(key, { url: serverUrl(), atMs: performance.now() });
    log.info("registration status written", { registration: key, ready: serverUrl() !== undefined });
  }

  const queue = createWorkQueue({
    async work(key) {
      await settle(key);
      troubles.over(key);
    },
    onFailure(key, error) {
      const fields = errorFields(error);
      const level = troubles.isNews(key, fields.error) ? "warn" : "debug";
      log[level]("registration status not written", { registration: key, ...fields });
    },
    random: Math.random,
    setTimer: retryTimer,
  });

  async function writeCounters(key: string): Promise<void> {
    const registration = index.get(key);
    if (registration === undefined || registration.metadata.deletionTimestamp !== undefined) return;
    const { namespace, name } = registration.metadata;
    const waiting = refusals.waiting(key);
    // Each replica knows of what it refused itself; what there is of machines all see alike.
    const counts = lead.isLeader() ? options.countsOf(namespace, name) : undefined;
    const patch = counterPatch(registration.status, counts, waiting);
    if (patch === undefined) return;
    const countersKey = countersOf(key);
    try {
      await storeStatus(countersKey, kubernetes, registration, patch);
      troubles.over(countersKey);
      if (waiting !== undefined) refusals.written(key, waiting);
    } catch (error) {
      const fields = errorFields(error);
      // Another replica was faster: ours are added to what it wrote the next time.
      const isNews = !hasCode(error, "KUBERNETES_CONFLICT") && troubles.isNews(countersKey, fields.error);
      log[isNews ? "warn" : "debug"]("registration counters not written", { registration: key, ...fields });
    }
  }

  lead.onLeading(() => addAll(index.keys()));

  const marks = createUnreadableMarks({
    lead,
    log,
    nowMs,
    group: GROUP_PATH,
    kind: machineRegistration.kind,
    plural: machineRegistration.plural,
    maxCharacters: MESSAGE_MAX,
    condition: { type: "Ready", status: "False" },
  });

  let ticking = false;
  async function tick(): Promise<void> {
    if (ticking || !synced.registrations) return;
    ticking = true;
    for (const key of index.keys()) {
      queue.add(key);
      await writeCounters(key);
    }
    ticking = false;
  }
  const ticks = setInterval(() => void tick(), TICK_MS);
  ticks.unref();

  const registrations = watchResource<RegistrationEntry>(kubernetes, {
    path: collectionPath(GROUP_PATH, machineRegistration.plural, watchNamespace),
    keep: registrationEntry,
    onChange(entry) {
      addAll([...index.put(entry), keyOf(entry.metadata)]);
      if (entry.unread === undefined) marks.delete(keyOf(entry.metadata));
      else marks.put(entry.unread);
    },
    onDelete(entry) {
      addAll(index.delete(entry));
      marks.delete(keyOf(entry.metadata));
      for (const one of Object.values(written)) one.delete(keyOf(entry.metadata));
      for (const one of [keyOf(entry.metadata), countersOf(keyOf(entry.metadata))]) refused.forget(one);
      refusals.forget(keyOf(entry.metadata));
    },
    onSynced() {
      synced.registrations = true;
    },
    onTrouble: (error) =>
      log.warn("cannot follow MachineRegistrations", { ...errorFields(error), hint: hintOf(error) }),
    random: Math.random,
  });

  const secrets = watchResource<RegistrationSecret>(kubernetes, {
    path: collectionPath("/api/v1", "secrets", watchNamespace),
    fieldSelector: `type=${REGISTRATION_TOKEN_SECRET_TYPE}`,
    keep: registrationSecret,
    onChange: (secret) => addAll(index.putSecret(secret)),
    onDelete: (secret) => addAll(index.deleteSecret(secret)),
    onSynced() {
      synced.secrets = true;
      addAll(index.keys());
    },
    onTrouble: (error) => log.warn("cannot follow registration token Secrets", errorFields(error)),
    random: Math.random,
  });

  return {
    index,
    synced: () => synced.registrations && synced.secrets,
    quietMs: () => Math.max(registrations.quietMs(), secrets.quietMs()),
    queue: () => queue.load(),
    refresh: () => addAll(index.keys()),
    async stop() {
      clearInterval(ticks);
      queue.stop();
      marks.stop();
      // What was counted since the last look, in the time that there is.
      const last = Promise.all(refusals.keys().map((key) => writeCounters(key)));
      await Promise.race([last, sleep(LAST_WRITES_MS, undefined, { ref: false })]);
      await Promise.all([registrations.stop(), secrets.stop()]);
    },
  };
}
