/** What a machine's key needs before the clock starts. */
import { constants, publicEncrypt } from "node:crypto";
import type { SoftwareTpm } from "../../test/software-tpm/index.ts";

/** OpenSSL computes what blinds a private key when it is first used, which takes longer than using it. */
export function warmUp(tpm: SoftwareTpm): void {
  const seed = publicEncrypt(
    {
      key: tpm.ekSpkiDer,
      format: "der",
      type: "spki",
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: "sha256",
      oaepLabel: Buffer.from("IDENTITY\0"),
    },
    Buffer.alloc(16),
  );
  const blob = Buffer.concat([Buffer.from([0, 68, 0, 32]), Buffer.alloc(66)]);
  try {
    tpm.activateCredential(blob, Buffer.concat([Buffer.from([1, 0]), seed]));
  } catch {
    // Nobody made a credential for it: the key was used all the same.
    return;
  }
}
