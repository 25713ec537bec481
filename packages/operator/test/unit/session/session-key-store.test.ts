import { setTimeout as sleep } from "node:timers/promises";
import { hasCode } from "@rancheros/protocol/errors";
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
        await expect.poll(() => store.ready()).toBe(true);
        expect(times).toHaveLength(1);
        expect(Math.abs(Date.parse(times[0] ?? "") - Date.now())).toBeLessThan(60_000);
      } finally {
        store.stop();
      }
    },
  );

  it("lets few wait for keys that nobody knows while the API server hangs, and those who have a known one go on", async () => {
    let hangs = false;
    const asked: string[] = [];
    let stored: unknown;
    const kubernetes = {
      async send({ method, body }: { readonly method: string; readonly body?: object }) {
        asked.push(method);
        if (hangs) await new Promise(() => undefined);
        if (method === "POST") stored = { ...body, metadata: { resourceVersion: "1" } };
        else if (stored === undefined) throw new KubernetesError("KUBERNETES_NOT_FOUND", "no such Secret");
        return stored;
      },
    } as unknown as Kubernetes;
    vi.useFakeTimers({ toFake: ["performance"] });
    const store = runSessionKeyStore(kubernetes, "n", QUIET, Date.now);
    try {
      await expect.poll(() => store.ready()).toBe(true);
      const { id } = store.sealing();
      hangs = true;
      vi.advanceTimersByTime(10_000);
      const before = asked.length;
      const refused: string[] = [];
      for (let stranger = 1; stranger <= 500; stranger += 1) {
        const made = Buffer.alloc(4);
        made.writeUInt32BE((id.readUInt32BE() + stranger) % 2 ** 32);
        store
          .opening(made)
          .catch((error: unknown) => refused.push(hasCode(error, "SESSION_KEYS_MISSING") ? "later" : "?"));
      }
      await sleep(20);
      expect(refused).toEqual(Array.from({ length: 500 - 64 }, () => "later"));
      expect(asked.length - before).toBe(1);
      expect((await store.opening(id))?.id).toEqual(id);
    } finally {
      store.stop();
      vi.useRealTimers();
    }
  });

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
