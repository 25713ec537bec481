/** Registration before an installation: nobody is there to start it again, so it is tried for ever. */
import type { InstalledStart, InstallSettings } from "@rancheros/agent/install";
import {
  isRegistrationRefused,
  parsePin,
  parseRegistrationUrl,
  readPipedCa,
  type Trust,
} from "@rancheros/agent/registration";
import { isCodedError } from "@rancheros/protocol/errors";

import { describeError } from "./describe-error.ts";
import type { InstallRun } from "./install-flags.ts";
import { installPause } from "./install-pause.ts";
import type { InstallDocument } from "./install-settings.ts";

const TIMEOUT_MS = 30_000;
const FIRST_DELAY_MS = 2_000;
const LONGEST_DELAY_MS = 60_000;

/** A CA that the settings name as a pipe, which says it once: registration and what is installed both want it. */
export interface PipedCa {
  readonly path: string;
  readonly text: string;
}

/**
 * @returns undefined where they name no pipe
 * @throws RegistrationError REGISTRATION_CA_UNREADABLE, REGISTRATION_INTERRUPTED
 */
export async function pipedCa(
  { registrationCaCert: path }: InstallSettings,
  signal: AbortSignal,
): Promise<PipedCa | undefined> {
  const text = path === undefined || isPem(path) ? undefined : await readPipedCa(path, signal);
  return path === undefined || text === undefined ? undefined : { path, text };
}

export type InstallAnswer =
  | { readonly kind: "registered"; readonly document: InstallDocument }
  /** No answer is to be had, and none is needed for what is on the disk already. */
  | { readonly kind: "starts-installed"; readonly next: InstalledStart };

/** In a row, of the operator itself: one may be of a replica that does not know of something yet. */
const REFUSALS = 3;

/**
 * @param onRefused  asked after each refusal from then on. @returns what the machine starts from; undefined: it registers again
 * @returns undefined where no registration is asked for, or nothing is to be done
 * @throws what is wrong with URL and trust, and what `onRefused` throws; the rest is told and tried again
 */
export async function installRegistration(
  run: InstallRun,
  settings: InstallSettings,
  piped: PipedCa | undefined,
  onRefused: () => Promise<InstalledStart | undefined>,
): Promise<InstallAnswer | undefined> {
  const { flags, surroundings, remark } = run;
  const { registrationUrl: url, registrationAllowHttp: allowHttp } = settings;
  if (url === undefined || flags["dry-run"]) return undefined;
  parseRegistrationUrl(url, { allowHttp });
  const { registerMachine } = await import("./registration-run.ts");
  const { environment, signal } = surroundings;
  let refusals = 0;
  for (let failures = 0; ;) {
    try {
      const { config, tpmHash } = await registerMachine({
        protocol: "attestation",
        labels: {},
        annotations: {},
        endorsementKey: "any",
        server: { url, allowHttp, trust: trustOf(settings, piped), environment, signal, timeoutMs: TIMEOUT_MS },
        waitMs: 0,
        withoutEkCertificate: false,
        tcti: flags.tcti,
        smbios: { folder: undefined },
        surroundings,
        remark,
      });
      remark(`registered as ${tpmHash}`);
      return { kind: "registered", document: config };
    } catch (error) {
      if (signal.aborted || !isCodedError(error) || error.failure === "usage" || error.failure === "internal")
        throw error;
      refusals = isRegistrationRefused(error) ? refusals + 1 : 0;
      const longestMs = Math.min(FIRST_DELAY_MS * 2 ** failures++, LONGEST_DELAY_MS);
      const told = typeof error.retry === "object" ? error.retry.afterMs : 0;
      const delayMs = Math.max(told, longestMs * (0.5 + 0.5 * Math.random()));
      remark(
        `${describeError(error, { withStack: false }).trimEnd()}\nRegistering again in ${Math.ceil(delayMs / 1000)} s.`,
      );
      const next = refusals < REFUSALS ? undefined : await onRefused();
      if (next !== undefined) return { kind: "starts-installed", next };
      await installPause(delayMs, signal);
    }
  }
}

function isPem(ca: string): boolean {
  return ca.includes("-----BEGIN");
}

function trustOf(
  { registrationCaCert: ca, registrationCaSha256: pin }: InstallSettings,
  piped: PipedCa | undefined,
): Trust {
  if (ca !== undefined && isPem(ca)) return { kind: "ca", pem: ca };
  if (ca !== undefined) return ca === piped?.path ? { kind: "ca-file", ...piped } : { kind: "ca-file", path: ca };
  return pin === undefined ? { kind: "system" } : { kind: "pin", pin: parsePin(pin) };
}
