/** Replicas that follow the Secret of their CA, on an API server that holds it and a clock of the test's own. */
import { randomUUID } from "node:crypto";
import { KubeConfig } from "@kubernetes/client-node";
import { KubernetesError, type Kubernetes } from "../../../src/controller/index.ts";
import { followOwnTls, type OwnTlsFollower } from "../../../src/own-tls.ts";
import { readSettings } from "../../../src/settings/index.ts";

const SETTINGS = readSettings(["--namespace=system", "--server-url=https://operator.example.com"], {});
export const SECRET = "secrets/rancheros-operator-tls";
export const CONFIG_MAP = "configmaps/rancheros-operator-ca";
const START_MS = Date.parse("2030-01-01T00:00:00Z");
export const MINUTE_MS = 60_000;

type Data = Readonly<Record<string, string>>;
/** Of a merge patch: null takes a key out. */
type Nulls = Readonly<Record<string, string | null>>;
interface Stored {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly annotations: Data;
  };
  readonly data?: Data;
}

const stop = new AbortController();
const followers: OwnTlsFollower[] = [];

/** After each test. */
export function stopReplicas(): void {
  for (const one of followers.splice(0)) one.stop();
}

function merged(before: Data | undefined, patch: Nulls | undefined): Data {
  const entries = Object.entries({ ...before, ...patch });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}

function child(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
}

function textsOf(holder: unknown): Nulls {
  const entries = typeof holder === "object" && holder !== null ? Object.entries(holder) : [];
  return Object.fromEntries(entries.map(([key, value]) => [key, value === null ? null : String(value)]));
}

const notUsed = () => Promise.reject(new Error("not asked for"));

/** An API server with these two objects, whose time is the test's. Validates nothing but versions. */
export function cluster() {
  const objects = new Map<string, Stored>();
  let nowMs = START_MS;
  let version = 0;

  function put(name: string, data: Data | undefined, made?: Partial<Stored["metadata"]>): Stored {
    version += 1;
    const fresh = { uid: randomUUID(), creationTimestamp: new Date(nowMs).toISOString(), annotations: {} };
    const metadata = { ...fresh, ...made, resourceVersion: String(version) };
    const stored = { metadata, ...(data === undefined ? {} : { data }) };
    objects.set(name, stored);
    return stored;
  }

  function change(name: string, body: unknown): Stored {
    const found = objects.get(name);
    if (found === undefined) throw new KubernetesError("KUBERNETES_NOT_FOUND", "not found");
    const wanted = child(body, "metadata");
    if ((child(wanted, "resourceVersion") ?? found.metadata.resourceVersion) !== found.metadata.resourceVersion) {
      throw new KubernetesError("KUBERNETES_CONFLICT", "changed");
    }
    const annotations = merged(found.metadata.annotations, textsOf(child(wanted, "annotations")));
    return put(name, merged(found.data, textsOf(child(body, "data"))), { ...found.metadata, annotations });
  }

  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    open: notUsed,
    async send({ method, path, body }) {
      const name = path.replace("/api/v1/namespaces/system/", "");
      if (method === "PATCH") return change(name, body);
      if (method === "GET") {
        const found = objects.get(name);
        if (found === undefined) throw new KubernetesError("KUBERNETES_NOT_FOUND", "not found");
        return found;
      }
      const texts = Object.entries(merged(undefined, textsOf(child(body, "stringData"))));
      const encoded = texts.map(([key, text]) => [key, Buffer.from(text).toString("base64")] as const);
      const data = merged(Object.fromEntries(encoded), textsOf(child(body, "data")));
      return put(`${name}/${String(child(child(body, "metadata"), "name"))}`, data);
    },
  };

  return {
    kubernetes,
    nowMs: () => nowMs,
    pass: (ms: number) => void (nowMs += ms),
    data: (name: string) => objects.get(name)?.data,
    /** As the chart makes both, where they are not there. */
    install: () => [SECRET, CONFIG_MAP].map((name) => put(name, undefined)),
    /** As helm's PUT of what the chart renders. */
    force: () => [SECRET, CONFIG_MAP].map((name) => put(name, undefined, objects.get(name)?.metadata)),
    annotate(name: string, key: string, value: string): void {
      change(name, { metadata: { annotations: { [key]: value } } });
    },
    annotations: (name: string) => objects.get(name)?.metadata.annotations,
    forget: (name: string) => objects.delete(name),
  };
}

/** @param onPause  what happens while it waits */
export async function replica(
  { kubernetes, nowMs, pass }: ReturnType<typeof cluster>,
  onPause: (pausedMs: number) => void | Promise<void> = () => undefined,
) {
  const said: string[] = [];
  const say = (sentence: string): void => void said.push(sentence);
  const log = { debug: say, info: say, warn: say, error: say };
  let ca = "";
  let pausedMs = 0;
  const pause = async (ms: number): Promise<void> => {
    pass(ms);
    pausedMs += ms;
    await onPause(pausedMs);
  };
  const follower = await followOwnTls(kubernetes, SETTINGS, { log, nowMs, pause }, stop.signal, ({ caPem }) => {
    ca = caPem;
  });
  followers.push(follower);
  return { look: () => follower.look(), ca: () => ca, pausedMs: () => pausedMs, said };
}
