/** The chart's Secret and ConfigMap put back to their first state, empty, as by `helm upgrade --force`: the CA must not be lost. */
import { randomUUID } from "node:crypto";
import { afterEach, expect, it } from "vitest";
import { KubernetesError, type Kubernetes } from "../../../src/controller/index.ts";
import { followOwnTls, type OwnTlsFollower } from "../../../src/own-tls.ts";
import { readSettings } from "../../../src/settings/index.ts";

const SETTINGS = readSettings(["--namespace=system", "--server-url=https://operator.example.com"], {});
const SECRET = "secrets/rancheros-operator-tls";
const CONFIG_MAP = "configmaps/rancheros-operator-ca";
const START_MS = Date.parse("2030-01-01T00:00:00Z");
const MINUTE_MS = 60_000;

type Data = Readonly<Record<string, string>>;
interface Stored {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string; readonly creationTimestamp: string };
  readonly data?: Data;
}

const stop = new AbortController();
const followers: OwnTlsFollower[] = [];
afterEach(() => {
  for (const one of followers.splice(0)) one.stop();
});

/** An API server with these two objects, whose time is the test's. Validates nothing but versions. */
function cluster() {
  const objects = new Map<string, Stored>();
  let nowMs = START_MS;
  let version = 0;

  function put(name: string, data: Data | undefined, made?: Stored["metadata"]): Stored {
    version += 1;
    const { uid, creationTimestamp } = made ?? { uid: randomUUID(), creationTimestamp: new Date(nowMs).toISOString() };
    const metadata = { uid, creationTimestamp, resourceVersion: String(version) };
    const stored = { metadata, ...(data === undefined ? {} : { data }) };
    objects.set(name, stored);
    return stored;
  }

  interface Body {
    readonly metadata?: { readonly name?: string; readonly resourceVersion?: string };
    readonly data?: Readonly<Record<string, string | null>>;
    readonly stringData?: Data;
  }
  function change(name: string, { metadata: wanted, data = {} }: Body): Stored {
    const found = objects.get(name);
    if (found === undefined) throw new KubernetesError("KUBERNETES_NOT_FOUND", "not found");
    if ((wanted?.resourceVersion ?? found.metadata.resourceVersion) !== found.metadata.resourceVersion) {
      throw new KubernetesError("KUBERNETES_CONFLICT", "changed");
    }
    const kept = Object.entries({ ...found.data, ...data }).filter(
      (entry): entry is [string, string] => entry[1] !== null,
    );
    return put(name, Object.fromEntries(kept), found.metadata);
  }
  const kubernetes = {
    async send({ method, path, body }) {
      const name = path.replace("/api/v1/namespaces/system/", "");
      if (method === "PATCH") return change(name, body as Body);
      if (method === "GET") {
        const found = objects.get(name);
        if (found === undefined) throw new KubernetesError("KUBERNETES_NOT_FOUND", "not found");
        return found;
      }
      const { metadata, data = {}, stringData = {} } = body as Body;
      const texts = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
      return put(`${name}/${metadata?.name}`, { ...data, ...Object.fromEntries(texts) } as Data);
    },
  } as Kubernetes;

  return {
    kubernetes,
    nowMs: () => nowMs,
    pass: (ms: number) => void (nowMs += ms),
    data: (name: string) => objects.get(name)?.data,
    /** As the chart makes both, where they are not there. */
    install: () => [SECRET, CONFIG_MAP].map((name) => put(name, undefined)),
    /** As helm's PUT of what the chart renders. */
    force: () => [SECRET, CONFIG_MAP].map((name) => put(name, undefined, objects.get(name)?.metadata)),
    forget: (name: string) => objects.delete(name),
  };
}

/** @param onPause  what happens while it waits */
async function replica(
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

it("is written back by a replica that still holds it, the ConfigMap with it, and all replicas keep it", async () => {
  const api = cluster();
  api.install();
  const [one, two] = [await replica(api), await replica(api)];
  const [secret, published] = [api.data(SECRET), api.data(CONFIG_MAP)];
  expect(secret).toHaveProperty(["ca.key"]);
  const { ca } = one;
  const before = ca();
  api.force();
  await one.look();
  await two.look();
  expect([api.data(SECRET), api.data(CONFIG_MAP)]).toEqual([secret, published]);
  expect([one.ca(), two.ca()]).toEqual([before, before]);
  expect(one.said).toContain("the Secret of the CA was emptied: what this replica held is in it again");
  // Both at once.
  api.force();
  await Promise.all([one.look(), two.look()]);
  expect([api.data(SECRET), api.data(CONFIG_MAP)]).toEqual([secret, published]);
  // As in a rolling update, after which nobody is left who had made it.
  const three = await replica(api);
  api.force();
  await three.look();
  expect(api.data(SECRET)).toEqual(secret);
});

it("is left behind where the Secret was deleted: also where helm made it anew, empty, before anybody looked", async () => {
  const api = cluster();
  api.install();
  const one = await replica(api);
  const keys = [api.data(SECRET)?.["ca.key"]];
  api.forget(SECRET);
  await one.look();
  keys.push(api.data(SECRET)?.["ca.key"]);
  api.forget(SECRET);
  api.install();
  await one.look();
  keys.push(api.data(SECRET)?.["ca.key"]);
  expect(keys).not.toContain(undefined);
  expect(new Set(keys).size).toBe(3);
  // The one that it made in place of the deleted one is held as every other.
  api.force();
  await one.look();
  expect(api.data(SECRET)?.["ca.key"]).toBe(keys[2]);
});

it("is waited for by a replica that starts meanwhile, until one that holds it writes it back", async () => {
  const api = cluster();
  api.install();
  const one = await replica(api);
  const secret = api.data(SECRET);
  api.pass(11 * MINUTE_MS);
  api.force();
  const two = await replica(api, async (pausedMs) => (pausedMs >= MINUTE_MS ? one.look() : undefined));
  expect(api.data(SECRET)).toEqual(secret);
  expect(two.ca()).toBe(one.ca());
  expect(two.pausedMs()).toBeLessThan(1.5 * MINUTE_MS);
});

it("is made anew where nobody holds it any more, after a wait that ends", async () => {
  const api = cluster();
  api.install();
  api.pass(11 * MINUTE_MS);
  const one = await replica(api);
  expect(api.data(SECRET)).toHaveProperty(["ca.key"]);
  expect(one.pausedMs()).toBeGreaterThan(75_000);
  expect(one.pausedMs()).toBeLessThanOrEqual(2 * MINUTE_MS);
  expect(one.said.filter((sentence) => sentence.includes("empty"))).toHaveLength(1);
});

it.each([[true], [false]])(
  "is made at once by the first replica of a new installation (with the chart's Secret: %j)",
  async (isMade) => {
    const api = cluster();
    if (isMade) api.install();
    api.pass(9 * MINUTE_MS);
    const one = await replica(api);
    expect(one.pausedMs()).toBe(0);
    expect(api.data(SECRET)).toHaveProperty(["ca.key"]);
  },
);
