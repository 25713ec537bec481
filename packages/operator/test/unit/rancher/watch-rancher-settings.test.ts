/** When it counts as known which registry Rancher has for images, and which address and CA: not by an API server that refuses for a moment. */
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { KubernetesError, type Kubernetes } from "../../../src/controller/index.ts";
import { watchRancherSettings, type RancherWatch } from "../../../src/rancher/io/watch-rancher-settings.ts";
import type { RancherSettings } from "../../../src/rancher/server-address.ts";

const REGISTRY = "system-default-registry";
/** More than all pauses that are waited through before a refusal is believed, and far less than two such rows. */
const BELIEVED_MS = 17_000;

let watch: RancherWatch | undefined;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(async () => {
  await watch?.stop();
  vi.useRealTimers();
});

function refused(httpStatus: number): KubernetesError {
  return new KubernetesError("KUBERNETES_REFUSED", `answered ${httpStatus}`, { details: { httpStatus } });
}

/** @param answer  to the count-th list of a setting: its value, "" where it has none */
function scene(answer: (name: string, count: number) => string) {
  const counts = new Map<string, number>();
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "c", server: "https://127.0.0.1:1", skipTLSVerify: false }, { name: "u" });
  const kubernetes: Kubernetes = {
    config,
    async send({ path }) {
      const selector = new URL(path, "http://x").searchParams.get("fieldSelector") ?? "";
      const name = selector.replace("metadata.name=", "");
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      const value = answer(name, count);
      const metadata = { name, resourceVersion: "3" };
      return { items: value === "" ? [] : [{ metadata, value }], metadata: { resourceVersion: "7" } };
    },
    open: (_path, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("ended")));
      }),
  };
  /** What was known, and by which settings, each time that there was something to hear. */
  const heard: (readonly [boolean, RancherSettings])[] = [];
  const random = (): number => 0.5;
  const started: RancherWatch = watchRancherSettings(
    kubernetes,
    random,
    (settings) => heard.push([started.isKnown(), settings]),
    () => undefined,
  );
  watch = started;
  return { watch: started, heard, counts };
}

it.each([401, 403])("not while the API server answers %i for a moment: the setting is read first", async (status) => {
  const { watch: started, heard } = scene((name, count) => {
    if (name !== REGISTRY) return "";
    if (count <= 5) throw refused(status);
    return "registry.example.com";
  });
  await vi.advanceTimersByTimeAsync(400);
  expect(started.isKnown()).toBe(false);
  await vi.advanceTimersByTimeAsync(BELIEVED_MS);
  expect(started.isKnown()).toBe(true);
  const known = heard.find(([isKnown]) => isKnown);
  expect(known?.[1]).toEqual({ [REGISTRY]: "registry.example.com" });
});

it("where this operator may never read it, after six refusals in a row", async () => {
  const { watch: started, counts } = scene(() => {
    throw refused(403);
  });
  await vi.advanceTimersByTimeAsync(BELIEVED_MS - 2_000);
  expect(started.isKnown()).toBe(false);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(started.isKnown()).toBe(true);
  expect(counts.get(REGISTRY)).toBe(6);
});

it("not by refusals with other troubles between them, nor by an operator whom nobody knows", async () => {
  const mixed = [403, 403, 403, 403, 403, 500];
  for (const statusAt of [(count: number) => mixed[(count - 1) % mixed.length] ?? 403, () => 401, () => 422]) {
    const { watch: started, counts } = scene((_name, count) => {
      const status = statusAt(count);
      throw status === 500 ? new KubernetesError("KUBERNETES_UNREACHABLE", "nobody is there") : refused(status);
    });
    await vi.advanceTimersByTimeAsync(10 * BELIEVED_MS);
    expect(started.isKnown()).toBe(false);
    expect(counts.get(REGISTRY)).toBeGreaterThan(10);
    await started.stop();
  }
});

it("whatever becomes of Rancher's other settings", async () => {
  const others = scene((name) => {
    if (name !== REGISTRY) throw refused(401);
    return "";
  });
  await vi.advanceTimersByTimeAsync(100);
  expect(others.watch.isKnown()).toBe(true);
});

const absent = (): KubernetesError => new KubernetesError("KUBERNETES_NOT_FOUND", "no such kind");

it("where there is no Rancher, after three answers in a row that say so, within a few seconds", async () => {
  const { watch: started, counts } = scene(() => {
    throw absent();
  });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(started.isKnown()).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(started.isKnown()).toBe(true);
  expect(counts.get(REGISTRY)).toBe(3);
  // Whoever has none is asked seldom.
  await vi.advanceTimersByTimeAsync(60_000);
  expect(counts.get(REGISTRY)).toBeLessThanOrEqual(6);
});

it.each([1, 2])("not by %i answers in a row that there is no such kind", async (most) => {
  const { watch: started, heard } = scene((name, count) => {
    if (name === REGISTRY && count <= most) throw absent();
    return name === REGISTRY ? "registry.example.com" : "";
  });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(started.isKnown()).toBe(true);
  const known = heard.find(([isKnown]) => isKnown);
  expect(known?.[1]).toEqual({ [REGISTRY]: "registry.example.com" });
});

it("not by two such answers with another trouble between them and a third one", async () => {
  const { watch: started, heard } = scene((name, count) => {
    if (count === 3) throw new KubernetesError("KUBERNETES_UNREACHABLE", "nobody is there");
    if (count <= 4) throw absent();
    return name === REGISTRY ? "registry.example.com" : "";
  });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(started.isKnown()).toBe(true);
  const known = heard.find(([isKnown]) => isKnown);
  expect(known?.[1]).toEqual({ [REGISTRY]: "registry.example.com" });
});

it("and is told where Rancher comes later", async () => {
  let isThere = false;
  const { watch: started, heard } = scene((name) => {
    if (!isThere) throw absent();
    return name === REGISTRY ? "registry.example.com" : "";
  });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(started.isKnown()).toBe(true);
  expect(heard.at(-1)?.[1]).toEqual({});
  isThere = true;
  await vi.advanceTimersByTimeAsync(45_000);
  expect(heard.at(-1)?.[1]).toEqual({ [REGISTRY]: "registry.example.com" });
});

it("and is looked for anew when asked, where the watch shows nothing: not by an API server that lacks or forbids it for a moment", async () => {
  let now: string | Error = "one.example.com";
  const {
    watch: started,
    heard,
    counts,
  } = scene((name) => {
    if (name !== REGISTRY) return "";
    if (typeof now !== "string") throw now;
    return now;
  });
  await vi.advanceTimersByTimeAsync(100);
  const registry = () => heard.at(-1)?.[1][REGISTRY];
  expect(registry()).toBe("one.example.com");
  for (const [next, expected] of [
    ["two.example.com", "two.example.com"],
    [absent(), "two.example.com"],
    [refused(403), "two.example.com"],
    ["", undefined],
    ["three.example.com", "three.example.com"],
  ] as const) {
    now = next;
    await started.refresh();
    expect(registry()).toBe(expected);
  }
  now = refused(401);
  await expect(started.refresh()).rejects.toThrow("answered 401");
  // No watch has begun anew.
  expect(counts.get(REGISTRY)).toBe(7);
});

const ADDRESS = {
  "server-url": "https://rancher.test",
  cacerts: "CA",
  "internal-cacerts": "INTERNAL",
};
const valueOf = (name: string): string => new Map(Object.entries<string>(ADDRESS)).get(name) ?? "";
const busy = (): KubernetesError => new KubernetesError("KUBERNETES_BUSY", "answered 429");

it.each(Object.keys(ADDRESS))("an address is known with its CA and not before: %s is late", async (late) => {
  const { watch: started, heard } = scene((name, count) => {
    if (name === late && count <= 2) throw busy();
    return valueOf(name);
  });
  await vi.advanceTimersByTimeAsync(1_400);
  expect(started.isKnown()).toBe(true);
  expect(started.isAddressKnown()).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(started.isAddressKnown()).toBe(true);
  expect(heard.at(-1)?.[1]).toEqual(ADDRESS);
});

it("an address that is not there is known with the absence of the others, and where there is no Rancher within a few seconds", async () => {
  const withoutValues = scene(() => "");
  await vi.advanceTimersByTimeAsync(100);
  expect(withoutValues.watch.isAddressKnown()).toBe(true);
  await withoutValues.watch.stop();
  const withoutRancher = scene(() => {
    throw absent();
  });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(withoutRancher.watch.isAddressKnown()).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(withoutRancher.watch.isAddressKnown()).toBe(true);
});

it.each(Object.keys(ADDRESS))(
  "an address is not held back for ever by %s, which this operator may never read",
  async (forbidden) => {
    const { watch: started } = scene((name) => {
      if (name === forbidden) throw refused(403);
      return valueOf(name);
    });
    await vi.advanceTimersByTimeAsync(BELIEVED_MS - 2_000);
    expect(started.isAddressKnown()).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(started.isAddressKnown()).toBe(true);
  },
);

it("an address of a Rancher that comes later is not known before its CA, which is looked for within a minute", async () => {
  let isThere = false;
  let isLate = true;
  const { watch: started, heard } = scene((name) => {
    if (!isThere || (isLate && name === "cacerts")) throw absent();
    return valueOf(name);
  });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(started.isAddressKnown()).toBe(true);
  isThere = true;
  await vi.advanceTimersByTimeAsync(31_000);
  expect(heard.at(-1)?.[1]["server-url"]).toBe("https://rancher.test");
  expect(started.isAddressKnown()).toBe(false);
  isLate = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started.isAddressKnown()).toBe(true);
  expect(heard.at(-1)?.[1]).toEqual(ADDRESS);
});

it("nor is it held back for ever where that Rancher does not let this operator read it", async () => {
  let isThere = false;
  const { watch: started } = scene((name) => {
    if (!isThere) throw absent();
    if (name === "cacerts") throw refused(403);
    return valueOf(name);
  });
  await vi.advanceTimersByTimeAsync(10_000);
  isThere = true;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started.isAddressKnown()).toBe(false);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(started.isAddressKnown()).toBe(true);
});
