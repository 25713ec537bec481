/** Objects that cannot be taken in, in a list and in the watch behind it. */
import { KubeConfig, type KubernetesObject } from "@kubernetes/client-node";
import { hasCode, isCodedError } from "@rancheros/protocol/errors";
import { describe, expect, it, vi } from "vitest";
import { KubernetesError, watchResource, type Kubernetes } from "../../../src/controller/index.ts";

interface Kept extends KubernetesObject {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion: string };
}

function object(name: string, resourceVersion: string): Kept {
  return { metadata: { name, namespace: "n", resourceVersion } };
}

/** What the API server sends behind the list, and then nothing more. */
async function* events(signal: AbortSignal): AsyncGenerator<Buffer> {
  for (const [type, name] of [
    ["MODIFIED", "bad-2"],
    ["ADDED", "good-3"],
    ["DELETED", "bad-2"],
    ["ADDED", "unreadable-4"],
    ["ADDED", "good-5"],
  ] as const) {
    yield Buffer.from(`${JSON.stringify({ type, object: object(name, "9") })}\n`);
  }
  await new Promise((resolve) => {
    signal.addEventListener("abort", resolve);
  });
}

it("are told of, and all others are followed", async () => {
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    send: async () => ({
      items: ["unreadable-0", "good-1", "bad-2"].map((name) => object(name, "3")),
      metadata: { resourceVersion: "7" },
    }),
    open: async (_path, signal) => events(signal),
  };
  const changed: string[] = [];
  const troubles: unknown[] = [];
  const fail = (name: string): void => {
    if (name.startsWith("bad")) throw new RangeError("too much");
  };
  const watch = watchResource<Kept>(kubernetes, {
    path: "/api/v1/things",
    keep(seen) {
      const kept = seen as Kept;
      if (kept.metadata.name.startsWith("unreadable")) throw new TypeError("what is that");
      return kept;
    },
    onChange({ metadata: { name } }) {
      fail(name);
      changed.push(name);
    },
    onDelete: ({ metadata: { name } }) => fail(name),
    onSynced: () => undefined,
    onTrouble: (error) => troubles.push(error),
    random: () => 0.5,
  });
  await expect.poll(() => changed).toContain("good-5");
  await watch.stop();
  expect(changed).toEqual(["good-1", "good-3", "good-5"]);
  expect(troubles.every((error) => hasCode(error, "KUBERNETES_OBJECT"))).toBe(true);
  const all = ["unreadable-0", "bad-2", "bad-2", "bad-2", "unreadable-4"];
  expect(troubles.map(String).map((text) => /n\/(\S+) could not be taken in: /.exec(text)?.[1])).toEqual(all);
  expect(String(troubles[1])).toContain("n/bad-2 could not be taken in: RangeError: too much");
});

/** An API server that ends each watch, and from one moment on is at an earlier version than before. */
function restored(isListed: (path: string) => void) {
  let present = 100;
  const kubernetes: Kubernetes = {
    config: new KubeConfig(),
    async send({ path }) {
      isListed(path);
      return {
        items: path.endsWith("limit=1") ? null : [object("a", String(present - 10))],
        metadata: { resourceVersion: String(present) },
      };
    },
    async open(path, signal) {
      if (present === 100) {
        present = 60;
        throw new KubernetesError("KUBERNETES_UNREACHABLE", "it is being restored");
      }
      expect(new URLSearchParams(path.split("?")[1]).get("resourceVersion")).toBe("60");
      return events(signal);
    },
  };
  return kubernetes;
}

it("are read anew where the API server was put back to an earlier state, which nothing else tells", async () => {
  const lists: (string | null)[] = [];
  const kubernetes = restored((path) => lists.push(new URLSearchParams(path.split("?")[1]).get("limit")));
  const seen: string[] = [];
  const watch = watchResource<Kept>(kubernetes, {
    path: "/api/v1/things",
    keep: (one) => one as Kept,
    onChange: ({ metadata: { name, resourceVersion } }) => seen.push(`${name} ${resourceVersion}`),
    onDelete: () => undefined,
    onSynced: () => undefined,
    onTrouble: (error) => seen.push(isCodedError(error) ? error.code : String(error)),
    onWentBack: () => seen.push("went back"),
    random: () => 0,
  });
  await expect.poll(() => seen).toContain("good-5 9");
  await watch.stop();
  const before = ["a 90", "KUBERNETES_UNREACHABLE", "KUBERNETES_WENT_BACK", "went back"];
  expect(seen.slice(0, 5)).toEqual([...before, "a 50"]);
  // The first list, the look where the API server is, and the list that is taken in its place.
  expect(lists).toEqual(["50", "1", "50"]);
});

describe("a watch that the API server ends with an error", () => {
  const internal = { kind: "Status", code: 500, message: "etcdserver: no leader", reason: "InternalError" };

  /** @param errors  the first watches end with, one each; the next one goes on with events */
  function failing(errors: readonly unknown[], type = "ERROR") {
    const asked: string[] = [];
    const left = [...errors];
    async function* sent(error: unknown): AsyncGenerator<Buffer> {
      yield Buffer.from(`${JSON.stringify({ type, object: error })}\n`);
    }
    const kubernetes: Kubernetes = {
      config: new KubeConfig(),
      async send({ path }) {
        const isLook = path.endsWith("limit=1");
        asked.push(isLook ? "look" : "list");
        return { items: isLook ? null : [object("a", "3")], metadata: { resourceVersion: "7" } };
      },
      async open(_path, signal) {
        asked.push("watch");
        return left.length === 0 ? events(signal) : sent(left.shift());
      },
    };
    const seen: string[] = [];
    const troubles: string[] = [];
    const watch = watchResource<Kept>(kubernetes, {
      path: "/api/v1/things",
      keep: (one) => one as Kept,
      onChange: ({ metadata: { name } }) => seen.push(name),
      onDelete: () => undefined,
      onSynced: () => undefined,
      onTrouble: (error) => troubles.push(isCodedError(error) ? `${error.code}: ${error.message}` : String(error)),
      random: () => 0.5,
    });
    return { watch, asked, seen, troubles };
  }

  it.each([
    ["says so", internal, "KUBERNETES_NONSENSE: etcdserver: no leader"],
    ["is forbidden", { ...internal, code: 403, message: "not allowed" }, "KUBERNETES_REFUSED: not allowed"],
    ["says nothing", null, "KUBERNETES_NONSENSE: the watch sent an error that does not say what is wrong"],
    ["says no code", {}, "KUBERNETES_NONSENSE: the watch sent an error that does not say what is wrong"],
  ])("is told of, and all is read anew: it %s", async (_, error, trouble) => {
    const { watch, asked, seen, troubles } = failing([error]);
    await expect.poll(() => seen).toContain("good-5");
    await watch.stop();
    expect([troubles, asked]).toEqual([[trouble], ["list", "watch", "list", "watch"]]);
  });

  it("is read anew without a word where it is too old", async () => {
    const { watch, asked, seen, troubles } = failing([{ ...internal, code: 410, reason: "Expired" }]);
    await expect.poll(() => seen).toContain("good-5");
    await watch.stop();
    expect([troubles, asked]).toEqual([[], ["list", "watch", "list", "watch"]]);
  });

  it.each(["BOOKMARK", "ADDED"])("is no event where %s comes without an object", async (type) => {
    const { watch, seen, troubles } = failing([null], type);
    await expect.poll(() => seen).toContain("good-5");
    await watch.stop();
    expect(troubles).toEqual(["KUBERNETES_NONSENSE: the watch sent something other than events"]);
  });

  it("is begun anew with growing pauses, although the lists in between succeed", async () => {
    vi.useFakeTimers();
    try {
      const { watch, asked, seen } = failing(Array.from({ length: 7 }, () => internal));
      await vi.advanceTimersByTimeAsync(30_000);
      // After 0.5, 1, 2, 4, 8 and 15 seconds.
      expect(asked.filter((one) => one === "watch")).toHaveLength(6);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(seen).toContain("good-5");
      await watch.stop();
    } finally {
      vi.useRealTimers();
    }
  });
});
