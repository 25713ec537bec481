/** The checks of the TPM. */
import { TpmError, type EndorsementKey, type Tpm } from "../tpm/index.ts";
import { NOTHING, both, mapped, type Checkup, type Source } from "./checkup.ts";
import type { DoctorOutside } from "./doctor-outside.ts";
import { DoctorError } from "./errors.ts";
import { judgeCertificate, judgeTpmState } from "./judge-tpm.ts";
import { ok, unsettled } from "./verdict.ts";

export interface TpmSources {
  readonly tpm: Source<Tpm>;
  readonly endorsementKey: Source<EndorsementKey>;
  readonly attestationKey: Source<undefined>;
}

export interface TpmCheckOptions {
  /** PEM; see judgeCertificate. */
  readonly ekAuthorities: string | undefined;
  /** Closed by whoever gave the checks. */
  readonly onOpen: (tpm: Tpm) => void;
  /** Ends with the whole, as the TPM is used by several checks. */
  readonly signal: AbortSignal;
}

export function addTpmChecks(checkup: Checkup, outside: DoctorOutside, options: TpmCheckOptions): TpmSources {
  const { ekAuthorities, onOpen, signal } = options;
  const state = checkup.add("tpm", {
    needs: NOTHING,
    run: async (_needed, ended) => {
      const found = await outside.readTpmState(ended);
      return ok(found.maker === "" ? "answers" : `answers: ${found.maker}`, found);
    },
    late: (limitMs) =>
      new TpmError("TPM_TIMED_OUT", `the TPM has not answered within ${limitMs / 1000} s`, {
        mend: "Run doctor again in a minute, as another program may have had it make a key; a TPM that answers nothing needs a power cycle.",
      }),
  });
  const healthy = checkup.add("tpm-lockout", { needs: state, run: async (found) => judgeTpmState(found) });
  const key = checkup.add<readonly [unknown, unknown], { readonly tpm: Tpm; readonly ek: EndorsementKey }>(
    "endorsement-key",
    {
      needs: both(state, healthy),
      run: async () => {
        const tpm = await outside.openTpm(signal);
        onOpen(tpm);
        const ek = await tpm.readEndorsementKey();
        return ok(`${ek.kind}, with the hash ${ek.hash}`, { tpm, ek });
      },
      late: (limitMs) => unsettled(slow("endorsement key", limitMs)),
    },
  );
  checkup.add("ek-certificate", {
    needs: key,
    run: async ({ tpm, ek }) => {
      const chain = ekAuthorities === undefined ? [] : await tpm.readEndorsementChain();
      return judgeCertificate(ek, { nowMs: outside.wallMs(), authorities: ekAuthorities, chain });
    },
  });
  const attestationKey = checkup.add("attestation-key", {
    needs: key,
    run: async ({ tpm }) => {
      await tpm.prepareAttestation();
      return ok("can be made");
    },
    late: (limitMs) => unsettled(slow("attestation key", limitMs)),
  });
  return {
    tpm: mapped(key, ({ tpm }) => tpm),
    endorsementKey: mapped(key, ({ ek }) => ek),
    attestationKey,
  };
}

/** Slow is no fault; but a key that is still being made is none to go on with. */
export function slow(what: string, limitMs: number): DoctorError {
  return new DoctorError("DOCTOR_TPM_SLOW", `the TPM has made no ${what} within ${limitMs / 1000} s`);
}
