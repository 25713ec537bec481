/** Keeps the tunnel to Rancher open, as long as a Secret says where it leads to. */
import type { KubernetesObject } from "@kubernetes/client-node";
import type { Duplex } from "node:stream";
import { watchResource, type Kubernetes } from "../../controller/index.ts";
import { createTroubles, errorFields, hintOf, type Log } from "../../telemetry/index.ts";
import { GOOD_AFTER_MS, redialDelayMs } from "../redial-delay.ts";
import { isSameTarget, readTunnelTarget, type TunnelTarget } from "../tunnel-target.ts";
import { openTunnel, type TunnelSession, type TunnelTimes } from "./tunnel-session.ts";

export interface TunnelParts {
  readonly kubernetes: Kubernetes;
  readonly namespace: string;
  readonly secretName: string;
  readonly accept: (stream: Duplex) => void;
  /** See TunnelStream. */
  readonly remoteAddress: string;
  readonly log: Log;
  readonly random: () => number;
  readonly nowMs: () => number;
  /** Told of each attempt to open it. */
  readonly onDialled: (result: "opened" | "failed") => void;
  readonly times?: TunnelTimes;
}

export interface TunnelStanding {
  /** none: no Secret leads anywhere. down: one does, or cannot be read, and the tunnel is not open. */
  readonly state: "none" | "down" | "open";
  /** Since when it is open, in milliseconds since the epoch; undefined while it is not. */
  readonly openedAtMs: number | undefined;
}

export interface Tunnel {
  standing(): TunnelStanding;
  stop(): Promise<void>;
}

interface KeptSecret extends KubernetesObject {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly secret: unknown;
}

export function runTunnel(parts: TunnelParts): Tunnel {
  const { kubernetes, namespace, secretName, log, random } = parts;
  const troubles = createTroubles(() => performance.now());
  let target: TunnelTarget | undefined;
  let session: TunnelSession | undefined;
  let openedAtMs: number | undefined;
  let isSecretBad = false;
  const stopping = new AbortController();
  /** Aborted when there is another target, or none any more. */
  let change = new AbortController();

  function tell(key: string, sentence: string, error: unknown): void {
    const fields = errorFields(error);
    const isNews = troubles.isNews(key, `${fields.reason} ${fields.error}`);
    log[isNews ? "warn" : "debug"](sentence, { ...fields, hint: hintOf(error) });
  }

  function lead(next: TunnelTarget | undefined): void {
    if (isSameTarget(target, next)) return;
    target = next;
    change.abort();
    change = new AbortController();
    session?.close();
  }

  function follow({ secret }: KeptSecret): void {
    try {
      lead(readTunnelTarget(secret));
      isSecretBad = false;
      troubles.over("secret");
    } catch (error) {
      isSecretBad = true;
      tell("secret", "no tunnel to Rancher", error);
      lead(undefined);
    }
  }

  const secrets = watchResource<KeptSecret>(kubernetes, {
    path: `/api/v1/namespaces/${namespace}/secrets`,
    fieldSelector: `metadata.name=${secretName}`,
    keep: (secret) => ({ metadata: { name: secretName, namespace }, secret }),
    onChange: follow,
    onDelete() {
      isSecretBad = false;
      lead(undefined);
    },
    onSynced: () => undefined,
    onTrouble: (error) => log.warn("cannot follow the Secret of Rancher's tunnel", errorFields(error)),
    random,
  });

  function aborted(signal: AbortSignal, afterMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        // The target's signal lives on while its Secret does: what stays on it would add up with each dial.
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = afterMs === undefined ? undefined : setTimeout(end, afterMs);
      if (signal.aborted) end();
      else signal.addEventListener("abort", end);
    });
  }

  /** @returns what ended it, and how long it was open */
  async function visit(to: TunnelTarget, signal: AbortSignal): Promise<{ error: unknown; openMs: number }> {
    const { accept, remoteAddress, times, nowMs, onDialled } = parts;
    try {
      const opened = await openTunnel({
        target: to,
        accept,
        remoteAddress,
        signal,
        ...(times === undefined ? {} : { times }),
      });
      const beganMs = performance.now();
      session = opened;
      openedAtMs = nowMs();
      onDialled("opened");
      log.info("the tunnel to Rancher is open");
      if (signal.aborted) opened.close();
      return { error: await opened.ended, openMs: performance.now() - beganMs };
    } catch (error) {
      if (!signal.aborted) onDialled("failed");
      return { error, openMs: 0 };
    } finally {
      session = undefined;
      openedAtMs = undefined;
    }
  }

  async function keep(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted;) {
      const { signal } = change;
      if (target === undefined) {
        failures = 0;
        await aborted(signal);
        continue;
      }
      const { error, openMs } = await visit(target, signal);
      if (signal.aborted) {
        failures = 0;
        continue;
      }
      if (openMs > GOOD_AFTER_MS) {
        troubles.over("tunnel");
        failures = 0;
      }
      failures += 1;
      tell("tunnel", "the tunnel to Rancher is down", error);
      await aborted(signal, redialDelayMs(failures, random()));
    }
  }
  const keeping = keep();

  return {
    standing() {
      if (session !== undefined) return { state: "open", openedAtMs };
      return { state: target === undefined && !isSecretBad ? "none" : "down", openedAtMs: undefined };
    },
    async stop() {
      stopping.abort();
      change.abort();
      session?.close();
      await Promise.all([keeping, secrets.stop()]);
    },
  };
}
