/** The checks of the way to the operator, one piece after the other, so that the first that is broken is the one that is told. */
import { hasCode, systemCode } from "@rancheros/protocol/errors";
import { isIP } from "node:net";

import { RegistrationError, type OperatorProbe, type Trust } from "../registration/index.ts";
import type { EndorsementKey, Tpm } from "../tpm/index.ts";
import { both, ifFound, NOTHING, type Checkup, type Source } from "./checkup.ts";
import type { DoctorOutside } from "./doctor-outside.ts";
import { DoctorError } from "./errors.ts";
import { judgeClock } from "./judge-clock.ts";
import type { OperatorTarget } from "./operator-target.ts";
import { slow } from "./tpm-checks.ts";
import { ok, skipped, unsettled, warn } from "./verdict.ts";
import { watchTpm, type WatchedTpm } from "./watched-tpm.ts";

export interface OperatorCheckOptions {
  readonly target: OperatorTarget;
  readonly tpm: Source<Tpm>;
  readonly endorsementKey: Source<EndorsementKey>;
  readonly attestationKey: Source<undefined>;
}

interface Known {
  readonly probe: OperatorProbe;
  readonly trust: Trust;
  readonly target: Extract<OperatorTarget, { readonly kind: "known" }>;
}

export function addOperatorChecks(checkup: Checkup, outside: DoctorOutside, options: OperatorCheckOptions): void {
  const { target, tpm, endorsementKey, attestationKey } = options;
  const known = checkup.add<undefined, Known>("operator-url", {
    needs: NOTHING,
    run: async () => {
      if (target.kind === "none") return skipped(target.because);
      if (target.kind === "broken") throw target.error;
      const probe = outside.probeOperator(target.options);
      const sentence = `${probe.display}, from ${target.from}`;
      return ok(sentence, { probe, trust: target.options.trust, target });
    },
  });
  const named = checkup.add("dns", {
    needs: known,
    run: ({ probe }) => lookUp(outside, probe),
    // Whoever connects looks it up as well, and waits longer.
    late: (limitMs) =>
      warn(new DoctorError("DOCTOR_DNS_SLOW", `the name servers have not answered within ${limitMs / 1000} s`)),
  });
  const reached = checkup.add("proxy", {
    needs: both(known, named),
    run: ([{ probe }], signal) => dialProxy(outside, probe, signal),
    late: (limitMs) => proxySilent(limitMs),
  });
  const trusted = checkup.add("ca", {
    needs: both(known, reached),
    run: async ([{ probe, trust }], signal) => {
      const found = await probe.readTrust(signal);
      return ok(found.hasLearned ? LEARNED : trustSentence(probe, trust), found);
    },
    late: (limitMs) => silent("handing out its CA", limitMs),
  });
  const greeted = checkup.add("operator", {
    needs: both(known, trusted),
    run: async ([{ probe }, trust], signal) => {
      const { protocol, hasTls } = await probe.greet(trust, signal);
      const tls = hasTls ? "its certificate is believed" : "without TLS, as asked for";
      return ok(`answers, ${tls}, and speaks version ${protocol} of the protocol`);
    },
    late: (limitMs) => silent("answering", limitMs),
  });
  checkup.add("clock", {
    needs: ifFound(both(known, reached)),
    run: async (way, signal) => {
      const serverMs = await way?.[0].probe.readClock(signal).catch(() => undefined);
      const isKept = await outside.isClockKept(signal);
      return judgeClock({ nowMs: outside.wallMs(), serverMs, isKept });
    },
    late: () => judgeClock({ nowMs: outside.wallMs(), serverMs: undefined, isKept: undefined }),
  });
  let asked: WatchedTpm | undefined;
  checkup.add("attestation", {
    needs: both(both(known, greeted), both(both(tpm, endorsementKey), attestationKey)),
    run: async (
      [
        [
          {
            target: { options: server },
            probe,
          },
        ],
        [[opened]],
      ],
      signal,
    ) => {
      if (!probe.hasToken) return skipped("the URL is the server's address only, without a registration's token");
      const watched = watchTpm(opened);
      asked = watched;
      const report = await outside.checkRegistration({
        ...server,
        signal,
        timeoutMs: ATTESTATION_MS,
        protocol: "attestation",
        withoutEkCertificate: true,
        readSmbios: undefined,
        isSmbiosGiven: false,
        // It stays open for whoever opened it.
        openTpm: () => Promise.resolve({ ...watched.tpm, close: () => Promise.resolve() }),
      });
      if (hasCode(report.error, "REGISTRATION_TIMED_OUT") && watched.isBusy())
        return unsettled(slowAnswer(ATTESTATION_MS));
      if (report.error !== undefined) throw report.error;
      return ok("the operator takes this machine's keys; nothing was registered");
    },
    late: (limitMs) =>
      asked?.isBusy() === true ? unsettled(slowAnswer(limitMs)) : silent("challenging this machine's keys", limitMs),
  });
}

const ATTESTATION_MS = 10_000;

/** It is the TPM that is waited for, and not the operator. */
function slowAnswer(limitMs: number): DoctorError {
  return slow("answer to the operator's challenge", limitMs);
}

async function lookUp(outside: DoctorOutside, { url, proxy }: OperatorProbe): Promise<ReturnType<typeof ok>> {
  const { hostname } = proxy ?? url;
  const name = hostname.replaceAll(/^\[|\]$/g, "");
  if (isIP(name) !== 0) return ok(`${name} is an address, which no name server has to know`);
  try {
    const addresses = await outside.lookUp(name);
    const shown = addresses.slice(0, SHOWN_ADDRESSES).join(", ");
    return ok(`${proxy === undefined ? "" : "the proxy "}${name} is ${shown}`);
  } catch (cause) {
    const who = proxy === undefined ? name : `of the proxy ${name}`;
    throw new RegistrationError(
      proxy === undefined ? "REGISTRATION_UNREACHABLE" : "REGISTRATION_PROXY",
      `the name ${who} is not known to this machine's name servers`,
      {
        cause,
        details: { reason: "dns", host: name },
        mend: "Look at /etc/resolv.conf, and ask them with `getent hosts NAME`; a name for this machine alone belongs into /etc/hosts.",
      },
    );
  }
}

const SHOWN_ADDRESSES = 3;

async function dialProxy(
  outside: DoctorOutside,
  { proxy }: OperatorProbe,
  signal: AbortSignal,
): Promise<ReturnType<typeof ok>> {
  if (proxy === undefined) return ok("none is used");
  const port = Number(proxy.port || (proxy.protocol === "https:" ? 443 : 80));
  try {
    await outside.dial(proxy.hostname.replaceAll(/^\[|\]$/g, ""), port, signal);
  } catch (cause) {
    const why = systemCode(cause) || "it failed";
    throw new RegistrationError("REGISTRATION_PROXY", `no connection to the proxy ${proxy.host} comes about (${why})`, {
      cause,
      details: { proxy: proxy.host },
    });
  }
  return ok(`${proxy.host} takes connections`);
}

function proxySilent(limitMs: number): RegistrationError {
  return new RegistrationError("REGISTRATION_PROXY", `the proxy has not taken a connection within ${limitMs / 1000} s`);
}

function silent(step: string, limitMs: number): RegistrationError {
  return new RegistrationError(
    "REGISTRATION_TIMED_OUT",
    `gave up after ${limitMs / 1000} s while the operator was ${step}`,
    { mend: "Look whether a firewall drops packets on the way, and whether the operator runs." },
  );
}

const TRUSTS: Readonly<Record<Trust["kind"], string>> = {
  system: "none is pinned: the CAs that this system trusts decide",
  "ca-file": "the given CA can be read",
  ca: "the CA of the cloud-config can be read",
  pin: "the operator hands out the CA with the pinned fingerprint",
};

const LEARNED = "what this machine was given counts, and what its agent has learned since of the operator's CA";

function trustSentence({ url }: OperatorProbe, { kind }: Trust): string {
  return url.protocol === "http:" ? "none: the connection has no TLS, as asked for" : TRUSTS[kind];
}
