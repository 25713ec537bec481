/** How long lists are read from an API server that takes its time. */
import { KubeConfig } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { KubernetesError, watchResource, type Kubernetes } from "../../../src/controller/index.ts";
import { createPageSize } from "../../../src/controller/page-size.ts";

describe("the size of a page", () => {
  it("stays small while the API server is quick", () => {
    const pages = createPageSize();
    for (let count = 0; count < 100; count += 1) pages.read(50);
    expect(pages.size).toBe(50);
  });

  it("grows where each request takes seconds: 10,000 machines are read before etcd forgets the list", () => {
    const pages = createPageSize();
    let tookMs = 0;
    for (let left = 10_000; left > 0;) {
      left -= pages.size;
      tookMs += 3_000;
      pages.read(3_000);
    }
    expect(tookMs).toBeLessThan(60_000);
  });

  it("shrinks where a page takes too long, and never below the smallest", () => {
    const pages = createPageSize();
    for (let count = 0; count < 10; count += 1) pages.read(2_000);
    const largest = pages.size;
    pages.read(20_000);
    expect(pages.size).toBe(largest / 2);
    for (let count = 0; count < 10; count += 1) pages.read(60_000);
    expect(pages.size).toBe(50);
  });

  it("shrinks where a page cannot be read, and never below the smallest", () => {
    const pages = createPageSize();
    for (let count = 0; count < 10; count += 1) pages.expired();
    expect(pages.size).toBe(800);
    pages.unreadable();
    expect(pages.size).toBe(400);
    for (let count = 0; count < 10; count += 1) pages.unreadable();
    expect(pages.size).toBe(50);
  });

  it("does not grow again to what could not be read, however slow the API server is", () => {
    const pages = createPageSize();
    let unread = 0;
    // A list of objects of which 800 weigh too much, read from the beginning after each page that could not be read.
    for (let left = 10_000; left > 0 && unread < 10;) {
      if (pages.size > 400) {
        pages.unreadable();
        unread += 1;
        left = 10_000;
      } else {
        left -= pages.size;
        pages.read(1_200);
      }
    }
    expect(unread).toBe(1);
  });

  it("grows again after something that could not be read once, where lists do not end in time", () => {
    const pages = createPageSize();
    pages.unreadable();
    pages.read(2_000);
    expect(pages.size).toBe(50);
    for (let count = 0; count < 4; count += 1) pages.expired();
    expect(pages.size).toBe(800);
  });

  it("grows where a list did not end in time", () => {
    const pages = createPageSize();
    pages.expired();
    expect(pages.size).toBe(100);
  });
});

/** @returns sizes of pages that were asked for until the list was read whole */
async function sizesAsked(answer: (query: URLSearchParams, asked: number) => unknown): Promise<readonly string[]> {
  const limits: string[] = [];
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "c", server: "https://127.0.0.1:1", skipTLSVerify: false }, { name: "u" });
  const kubernetes: Kubernetes = {
    config,
    async send({ path }) {
      const query = new URL(path, "http://x").searchParams;
      limits.push(query.get("limit") ?? "");
      return answer(query, limits.length);
    },
    open: (_path, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("ended")));
      }),
  };
  const { promise: synced, resolve: onSynced } = Promise.withResolvers<void>();
  const watch = watchResource(kubernetes, {
    path: "/apis/x/v1/ys",
    keep: () => undefined,
    onChange: () => undefined,
    onDelete: () => undefined,
    onSynced,
    onTrouble: () => undefined,
    random: () => 0,
  });
  await synced;
  await watch.stop();
  return limits;
}

const page = (more: Record<string, unknown> = {}) => ({ items: [], metadata: { resourceVersion: "7", ...more } });

function expired(): never {
  throw new KubernetesError("KUBERNETES_REFUSED", "expired", { details: { httpStatus: 410 } });
}

describe("a list whose continue token has expired", () => {
  it("is read anew in larger pages", async () => {
    const limits = await sizesAsked((query, asked) => {
      if (query.get("continue") !== null) return expired();
      return page(asked < 4 ? { continue: "next" } : {});
    });
    expect(limits).toEqual(["50", "50", "100", "100", "200"]);
  });
});

describe("a list whose pages weigh more than an answer may", () => {
  it("is read anew in smaller pages, once they have grown", async () => {
    const limits = await sizesAsked((_query, asked) => {
      if (asked <= 2) return expired();
      if (asked === 3) throw new KubernetesError("KUBERNETES_NONSENSE", "an answer of 67108865 bytes");
      return page();
    });
    expect(limits).toEqual(["50", "100", "200", "100"]);
  });
});
