/** Keeps the keys of sessions in one Secret, so that every replica takes what another has sealed. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode } from "@rancheros/protocol/errors";
import { readOrNothing, type Kubernetes } from "../../controller/index.ts";
import { errorFields, type Log } from "../../telemetry/index.ts";
import { SealError } from "../errors.ts";
import {
  deriveSealKeys,
  KEY_ID_BYTES,
  KEY_SECRET_BYTES,
  rotatedKeys,
  usableKeys,
  type SealKeys,
  type SessionKey,
  type SessionKeys,
} from "../session-keys.ts";

export const SESSION_KEYS_SECRET = "rancheros-session-keys";

const TRIES = 5;
const REFRESH_MS = 60_000;
const FIRST_RETRY_MS = 1_000;
/** A key id that nobody knows makes us read the Secret, but not for everybody who makes one up. */
const UNKNOWN_ID_READ_MS = 2_000;
/** Who waits for that: anybody can, with a request in hand each, and for as long as the API server hangs. */
const WAITING_MAX = 64;

interface Stored {
  readonly resourceVersion: string;
  readonly keys: readonly SessionKey[];
  /** Of all fields, also of those that are no keys. */
  readonly names: readonly string[];
}

export interface SessionKeyStore extends SessionKeys {
  /** Whether there are keys. */
  readonly ready: () => boolean;
  stop(): void;
}

/** A field is named after the key's id; its value is `base64 of the key, space, when it was made`. */
function keyOf(name: string, encoded: unknown): SessionKey | undefined {
  const value = typeof encoded === "string" ? Buffer.from(encoded, "base64").toString() : "";
  const [text = "", madeAt = ""] = value.split(" ");
  const [id, secret, madeAtMs] = [Buffer.from(name, "hex"), Buffer.from(text, "base64"), Date.parse(madeAt)];
  const isKey = id.length === KEY_ID_BYTES && secret.length === KEY_SECRET_BYTES && !Number.isNaN(madeAtMs);
  return isKey ? { id, secret, madeAtMs } : undefined;
}

function storedOf(secret: unknown): Stored | undefined {
  if (typeof secret !== "object" || secret === null || !("metadata" in secret)) return undefined;
  const { metadata } = secret;
  if (typeof metadata !== "object" || metadata === null || !("resourceVersion" in metadata)) return undefined;
  const data = "data" in secret && typeof secret.data === "object" && secret.data !== null ? secret.data : {};
  const keys = Object.entries(data).flatMap(([name, value]) => keyOf(name, value) ?? []);
  return { resourceVersion: String(metadata.resourceVersion), keys, names: Object.keys(data) };
}

function dataOf(keys: readonly SessionKey[]): Readonly<Record<string, string>> {
  const fields = keys.map(({ id, secret, madeAtMs }) => {
    const value = `${secret.toString("base64")} ${new Date(madeAtMs).toISOString()}`;
    return [id.toString("hex"), Buffer.from(value).toString("base64")] as const;
  });
  return Object.fromEntries(fields);
}

function newSecret(namespace: string, keys: readonly SessionKey[]): object {
  const metadata = { name: SESSION_KEYS_SECRET, namespace };
  return { apiVersion: "v1", kind: "Secret", type: "Opaque", metadata, data: dataOf(keys) };
}

/** A merge patch: labels and whatever else somebody else has put there stays. */
function changeOf({ resourceVersion, names }: Stored, keys: readonly SessionKey[]): object {
  const gone = Object.fromEntries(names.map((name) => [name, null]));
  return { metadata: { resourceVersion }, data: { ...gone, ...dataOf(keys) } };
}

/** The keys in the Secret, made or renewed where that is due. @throws KubernetesError */
async function ensureKeys(
  kubernetes: Kubernetes,
  namespace: string,
  nowMs: () => number,
): Promise<readonly SessionKey[]> {
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const stored = storedOf(await readOrNothing(kubernetes, `${path}/${SESSION_KEYS_SECRET}`));
      const rotated = rotatedKeys(stored?.keys ?? [], nowMs(), randomBytes);
      if (stored !== undefined && rotated === undefined) return stored.keys;
      const keys = rotated ?? [];
      await (stored === undefined
        ? kubernetes.send({ method: "POST", path, body: newSecret(namespace, keys) })
        : kubernetes.send({
            method: "PATCH",
            path: `${path}/${SESSION_KEYS_SECRET}`,
            contentType: "application/merge-patch+json",
            body: changeOf(stored, keys),
          }));
      return keys;
    } catch (error) {
      // Another replica was faster: what it made is what counts.
      const raced = hasCode(error, "KUBERNETES_ALREADY_EXISTS") || hasCode(error, "KUBERNETES_CONFLICT");
      if (!raced || attempt === TRIES) throw error;
    }
  }
}

/**
 * Begins to keep the keys: read at once and then every minute, as long as `stop` is not called.
 * @param nowMs  the cluster's time, asked after the Secret was read
 */
export function runSessionKeyStore(
  kubernetes: Kubernetes,
  namespace: string,
  log: Log,
  nowMs: () => number,
): SessionKeyStore {
  const ended = new AbortController();
  const derived = new Map<string, { readonly keys: SealKeys; readonly of: SessionKey }>();
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  let waiting = 0;

  async function read(): Promise<void> {
    readAt = performance.now();
    const found = await ensureKeys(kubernetes, namespace, nowMs);
    const names = new Set(found.map(({ id }) => id.toString("hex")));
    for (const name of derived.keys()) if (!names.has(name)) derived.delete(name);
    for (const key of found) {
      const name = key.id.toString("hex");
      const known = derived.get(name);
      const keys = known?.of.secret.equals(key.secret) === true ? known.keys : deriveSealKeys(key);
      // Its time as well is as the Secret has it.
      derived.set(name, { keys, of: key });
    }
  }

  function readOnce(): Promise<void> {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  async function keepReading(): Promise<void> {
    for (;;) {
      const delayMs = await readOnce().then(
        () => REFRESH_MS,
        (error: unknown) => {
          log.warn("session keys not read", errorFields(error));
          return derived.size === 0 ? FIRST_RETRY_MS : REFRESH_MS / 4;
        },
      );
      await sleep(delayMs * (0.5 + Math.random() / 2), undefined, { signal: ended.signal, ref: false });
    }
  }
  /** Ends with the abort only: keys that nobody renews would end all sessions a day later, without a word. */
  async function goOnReading(): Promise<void> {
    while (!ended.signal.aborted) {
      try {
        await keepReading();
      } catch (error) {
        if (ended.signal.aborted) return;
        log.error("the reading of session keys broke off, and begins again", errorFields(error));
        await sleep(FIRST_RETRY_MS, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
      }
    }
  }
  void goOnReading();

  function usable(): readonly SealKeys[] {
    const keys = usableKeys(
      [...derived.values()].map(({ of }) => of),
      nowMs(),
    );
    return keys.flatMap(({ id }) => derived.get(id.toString("hex"))?.keys ?? []);
  }

  return {
    ready: () => usable().length > 0,
    sealing() {
      const [newest] = usable();
      if (newest === undefined) throw new SealError("SESSION_KEYS_MISSING", "the operator has no keys yet, try again");
      return newest;
    },
    async opening(id) {
      const find = (): SealKeys | undefined => usable().find((one) => one.id.equals(id));
      const known = find();
      if (known !== undefined) return known;
      if (waiting >= WAITING_MAX) {
        throw new SealError("SESSION_KEYS_MISSING", "too many wait for the operator to read its keys, try again");
      }
      waiting += 1;
      try {
        await (performance.now() - readAt >= UNKNOWN_ID_READ_MS ? readOnce() : reading);
      } finally {
        waiting -= 1;
      }
      return find();
    },
    stop: () => ended.abort(),
  };
}
