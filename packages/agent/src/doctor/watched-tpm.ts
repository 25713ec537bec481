/** A TPM of which can be told whether somebody waits for it in this moment. */
import type { Tpm } from "../tpm/index.ts";

export interface WatchedTpm {
  readonly tpm: Tpm;
  isBusy(): boolean;
}

export function watchTpm(tpm: Tpm): WatchedTpm {
  let underWay = 0;
  const watched =
    <A extends readonly unknown[], T>(work: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      underWay += 1;
      try {
        return await work(...args);
      } finally {
        underWay -= 1;
      }
    };
  return {
    isBusy: () => underWay > 0,
    tpm: {
      readEndorsementKey: watched(() => tpm.readEndorsementKey()),
      readEndorsementChain: watched(() => tpm.readEndorsementChain()),
      prepareAttestation: watched(() => tpm.prepareAttestation()),
      createAttestationKey: watched((given) => tpm.createAttestationKey(given)),
      activateCredential: watched((key, blob, secret) => tpm.activateCredential(key, blob, secret)),
      endAttestation: watched(() => tpm.endAttestation()),
      close: () => tpm.close(),
    },
  };
}
