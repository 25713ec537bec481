/** Keeps the statuses of all MachineRegistrations right, and their index up to date. */
import {
  API_GROUP,
  API_VERSION,
  machineRegistration,
  type MachineRegistration,
  type MachineRegistrationStatus,
} from "@rancheros/protocol/resources";
import {
  collectionPath,
  createWorkQueue,
  retryTimer,
  watchResource,
  type ControllerParts,
} from "../../controller/index.ts";
import { errorFields, hintOf } from "../../telemetry/index.ts";
import { RegistrationContestedError } from "../errors.ts";
import { reconcileRegistration } from "../reconcile-registration.ts";
import { keyOf, registrationEntry, RegistrationIndex, type RegistrationEntry } from "../registration-index.ts";
import { writeRegistrationStatus } from "./registration-store.ts";

/** A status that we wrote is left alone for so long, whoever has changed it since. */
const CONTESTED_MS = 60_000;

/** Whether the one thing to change is where the URL leads. */
function isOnlyMoved(registration: MachineRegistration, status: MachineRegistrationStatus): boolean {
  const { registrationToken, registrationURL } = registration.status ?? {};
  const moved = registrationURL !== undefined && registrationURL !== status.registrationURL;
  return moved && registrationToken === status.registrationToken;
}

export interface RegistrationController {
  readonly index: RegistrationIndex;
  readonly synced: () => boolean;
  /** See WatchHandle. */
  readonly quietMs: () => number;
  /** The server URL has changed: all statuses are looked at again. */
  refresh(): void;
  stop(): Promise<void>;
}

export function runRegistrationController(
  parts: ControllerParts,
  serverUrl: () => string | undefined,
  random: (bytes: number) => Uint8Array,
): RegistrationController {
  const { kubernetes, log } = parts;
  const index = new RegistrationIndex();
  const written = new Map<string, { readonly url: string | undefined; readonly atMs: number }>();
  let isSynced = false;

  const queue = createWorkQueue({
    async work(key) {
      const registration = index.get(key);
      if (registration === undefined || registration.metadata.deletionTimestamp !== undefined) return;
      const status = reconcileRegistration(registration, { serverUrl: serverUrl(), nowMs: Date.now(), random });
      if (status === undefined) return;
      const url = serverUrl();
      const last = written.get(key);
      // Two operators with different addresses would overwrite each other as fast as they can.
      if (
        last?.url === url &&
        performance.now() - (last?.atMs ?? 0) < CONTESTED_MS &&
        isOnlyMoved(registration, status)
      ) {
        throw new RegistrationContestedError(registration.status?.registrationURL ?? "", url ?? "");
      }
      const stored = registrationEntry(
        await writeRegistrationStatus(kubernetes, registration, status),
        () => undefined,
      );
      // The token must not be made anew while the watch is on its way.
      if (stored !== undefined && index.get(key) !== undefined) index.put(stored);
      written.set(key, { url, atMs: performance.now() });
      log.info("registration status written", { registration: key, ready: serverUrl() !== undefined });
    },
    onFailure: (key, error) =>
      log.warn("registration status not written", { registration: key, ...errorFields(error) }),
    random: Math.random,
    setTimer: retryTimer,
  });

  const watch = watchResource<RegistrationEntry>(kubernetes, {
    path: collectionPath(`/apis/${API_GROUP}/${API_VERSION}`, machineRegistration.plural, parts.watchNamespace),
    keep: (object) =>
      registrationEntry(object, (problems, registration) =>
        log.warn("registration not understood", { registration, problems: problems.join("; ") }),
      ),
    onChange(entry) {
      index.put(entry);
      queue.add(keyOf(entry.metadata));
    },
    onDelete(entry) {
      index.delete(entry);
      written.delete(keyOf(entry.metadata));
    },
    onSynced() {
      isSynced = true;
    },
    onTrouble: (error) =>
      log.warn("cannot follow MachineRegistrations", { ...errorFields(error), hint: hintOf(error) }),
    random: Math.random,
  });

  return {
    index,
    synced: () => isSynced,
    quietMs: () => watch.quietMs(),
    refresh() {
      for (const key of index.keys()) queue.add(key);
    },
    async stop() {
      queue.stop();
      await watch.stop();
    },
  };
}
