import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import type { Kubernetes } from "../../../src/controller/index.ts";
import { KubernetesError } from "../../../src/controller/index.ts";
import { runSessionKeyStore } from "../../../src/session/io/session-key-store.ts";
import type { Log } from "../../../src/telemetry/index.ts";

const QUIET: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe("the keeping of session keys", () => {
  it.each([-3, 3])(
    "goes by a clock that its own reading puts right, of a replica that is %i days off",
    async (days) => {
      const aheadMs = days * 24 * 3_600_000;
      let correctionMs = 0;
      const times: string[] = [];
      const kubernetes = {
        async send({ method, body }: { readonly method?: string; readonly body?: { readonly data: object } }) {
          correctionMs = -aheadMs;
          if (method !== "POST") throw new KubernetesError("KUBERNETES_NOT_FOUND", "no such Secret");
          for (const value of Object.values(body?.data ?? {})) {
            times.push(Buffer.from(String(value), "base64").toString().split(" ")[1] ?? "");
          }
          return {};
        },
      } as unknown as Kubernetes;
      const store = runSessionKeyStore(kubernetes, "n", QUIET, () => Date.now() + aheadMs + correctionMs);
      try {
        await vi.waitFor(() => expect(store.ready()).toBe(true));
        expect(times).toHaveLength(1);
        expect(Math.abs(Date.parse(times[0] ?? "") - Date.now())).toBeLessThan(60_000);
      } finally {
        store.stop();
      }
    },
  );

  it("goes on after something that nobody expects, and says so", async () => {
    let reads = 0;
    // An API server without the Secret, which cannot be reached at first.
    const kubernetes = {
      async send({ method }: { readonly method?: string }) {
        reads += 1;
        if (reads === 1) throw new KubernetesError("KUBERNETES_UNREACHABLE", "not there");
        if (method === "POST") return {};
        throw new KubernetesError("KUBERNETES_NOT_FOUND", "no such Secret");
      },
    } as unknown as Kubernetes;
    const told: unknown[] = [];
    const log: Log = {
      ...QUIET,
      warn() {
        throw new TypeError("the log is broken");
      },
      error: (sentence, fields) => void told.push([sentence, fields?.["error"]]),
    };
    const store = runSessionKeyStore(kubernetes, "n", log, Date.now);
    try {
      const endMs = performance.now() + 10_000;
      while (!store.ready() && performance.now() < endMs) await sleep(20);
      expect(store.ready()).toBe(true);
      expect(told).toHaveLength(1);
      expect(JSON.stringify(told)).toContain("begins again");
    } finally {
      store.stop();
    }
  });
});
