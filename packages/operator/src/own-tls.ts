/** The operator's own CA and certificate while it runs: made, renewed and taken over from other replicas without a restart. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Kubernetes } from "./controller/index.ts";
import type { TlsMaterial } from "./http/index.ts";
import type { Settings } from "./settings/index.ts";
import { errorFields, type Log } from "./telemetry/index.ts";
import {
  ensureIdentity,
  hasNotBegun,
  publishTrustBundle,
  servingNames,
  trustBundle,
  waitForHolder,
  type HeldIdentity,
  type IdentityStep,
  type TlsIdentity,
} from "./tls/index.ts";

/** So long replicas may show different certificates after one of them has made a new one. */
const LOOK_EVERY_MS = 60_000;
/** Names that are missing can wait: in a rolling update two versions would make certificates for each other's names. */
const THOROUGH_EVERY_MS = 12 * 3_600_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
/** About an hour of looks, while the ConfigMap cannot be written: each try is a line of the log. */
const MOST_LEFT_OUT = 60;

const WORDS: Readonly<Record<Exclude<IdentityStep, "kept">, string>> = {
  mended: "the CA's certificate in the Secret was none, or another one's; it is there again",
  restored: "the Secret of the CA was emptied: what this replica held is in it again",
  made: "a new CA and serving certificate made",
  renewed: "serving certificate renewed",
  announced: "a new CA is published; what comes after it: docs/operations.md, The CA's successor",
  rotated: "the new CA signs the serving certificate from now on",
  returned: "the clock has changed: the CA that was set aside signs again, which is good at this time",
  adjusted: "other CAs before the present one are trusted: one has ended, or is good again as the clock was wrong",
};

const BEGINS_LATER =
  "the CA begins in a time to come, no machine takes it: set the API server's clock right, or see docs/operations.md, A CA of a wrong clock";

export interface OwnTls {
  readonly material: TlsMaterial;
  /** What machines are to trust. */
  readonly caPem: string;
}

export interface OwnTlsParts {
  readonly log: Log;
  readonly nowMs: () => number;
  /** Default: a timer, which the signal ends. */
  readonly pause?: (ms: number) => Promise<void>;
}

export interface OwnTlsFollower {
  /** Looks now. @throws KubernetesError */
  look(): Promise<void>;
  stop(): void;
}

function namesOf({ httpsListen, serverUrl, namespace, tlsSan }: Settings): readonly string[] {
  const listen = httpsListen?.host ?? "";
  const named = isIP(listen) !== 0 && listen !== "0.0.0.0" && listen !== "::" ? [listen] : [];
  return servingNames(serverUrl, namespace, tlsSan, ["127.0.0.1", "::1", ...named]);
}

/**
 * Settles when there is a certificate: the API server may come later.
 * @param nowMs     the cluster's time: another one would make certificates that are not good yet, or end what is good
 * @param onChange  told of the first one, and whenever certificate or CA are others
 */
export async function followOwnTls(
  kubernetes: Kubernetes,
  settings: Settings,
  { log, nowMs, pause = (ms) => sleep(ms, undefined, { signal }) }: OwnTlsParts,
  signal: AbortSignal,
  onChange: (tls: OwnTls) => void,
): Promise<OwnTlsFollower> {
  const { namespace } = settings;
  const names = namesOf(settings);
  const ending = new AbortController();
  let shown = "";
  let held: HeldIdentity | undefined;
  let refusals = 0;
  /** Looks that do not try to publish. */
  let leftOut = 0;
  let underWay: Promise<void> | undefined;
  let wasEarly = false;

  /** At the first look, and twice a day. */
  function warnOfBegin({ ca }: TlsIdentity, isThorough: boolean): void {
    const isEarly = hasNotBegun(ca, nowMs());
    if (isEarly && (isThorough || !wasEarly)) {
      const { validFrom } = new X509Certificate(ca.certificatePem);
      log.warn(BEGINS_LATER, { begins: validFrom });
    }
    wasEarly = isEarly;
  }

  async function ensure(isThorough: boolean): Promise<void> {
    const { step, ...found } = await ensureIdentity(kubernetes, { namespace, names, isThorough, nowMs, held });
    held = found;
    if (step !== "kept") log.info(WORDS[step]);
    const { identity } = found;
    warnOfBegin(identity, isThorough);
    const caPem = trustBundle(identity);
    const { certificatePem: cert, keyPem: key } = identity.serving;
    const isNew = shown !== cert + caPem;
    if (isNew) onChange({ material: { cert, key }, caPem });
    shown = cert + caPem;
    // Also where nothing is new: somebody may have changed the ConfigMap, or deleted it.
    if (isNew || isThorough || leftOut === 0) await publish(caPem);
    else leftOut -= 1;
  }

  async function publish(caPem: string): Promise<void> {
    try {
      await publishTrustBundle(kubernetes, namespace, caPem);
      refusals = 0;
      leftOut = 0;
    } catch (error) {
      leftOut = Math.floor(Math.min(MOST_LEFT_OUT, 2 ** refusals) * (0.5 + Math.random() / 2));
      refusals += 1;
      log.warn("the CA is not published in the ConfigMap", errorFields(error));
    }
  }

  const look = (isThorough = false): Promise<void> =>
    (underWay ??= ensure(isThorough).finally(() => (underWay = undefined)));

  async function first(): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      try {
        await waitForHolder(kubernetes, namespace, nowMs, pause, () =>
          log.warn(
            "the Secret of the CA is empty: waiting up to two minutes for a replica that still has what was in it",
          ),
        );
        return await look(true);
      } catch (error) {
        if (signal.aborted) throw error;
        log.warn("no serving certificate yet", errorFields(error));
        const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.5 + Math.random());
        await sleep(delayMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async function follow(): Promise<void> {
    for (let sinceMs = 0; ;) {
      const delayMs = LOOK_EVERY_MS * (0.75 + Math.random() / 2);
      await sleep(delayMs, undefined, { signal: ending.signal, ref: false });
      sinceMs += delayMs;
      const isThorough = sinceMs >= THOROUGH_EVERY_MS;
      if (isThorough) sinceMs = 0;
      await look(isThorough).catch((error: unknown) => log.warn("certificate not looked at", errorFields(error)));
    }
  }

  await first();
  follow().catch(() => undefined);
  return { look: () => look(), stop: () => ending.abort() };
}
