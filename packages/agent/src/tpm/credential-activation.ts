/** Credential activation: the TPM opens a challenge only if it holds both the endorsement key and the attestation key. */

import type { EndorsementKind } from "./endorsement-kind.ts";
import { encodeCredentialFile } from "./credential-file.ts";
import { readSessionHandle } from "./session-file.ts";
import type { Workbench } from "./workbench.ts";

/** What the two keys and the policy session are called for the tools: handles or files. */
export interface Activation {
  readonly attestationKey: string;
  readonly endorsementKey: string;
  readonly sessionFile: string;
}

/** In the work folder. */
export const SESSION_FILE = "endorsement.session";
const SECRET_FILE = "activated-secret";

/**
 * Starts a session that satisfies the EK's policy: knowledge of the endorsement hierarchy's password, which is empty.
 * Takes the place of an earlier one. @returns the session's file; the session serves one activation
 * @throws TpmError TPM_AUTHORISATION_SET
 */
export async function startEndorsementSession(bench: Workbench, kind: EndorsementKind): Promise<string> {
  const { tpm2, folder, handles } = bench;
  await handles.flushSession();
  const file = await folder.path(SESSION_FILE);
  await folder.remove(SESSION_FILE);
  try {
    await tpm2.run("startauthsession", "--policy-session", ["-g", kind.hash, "-S", file]);
  } finally {
    // Even under a resource manager a saved session outlives its process, so it is noted before anything else happens.
    await noteSession(bench, file);
  }
  await tpm2.run("policysecret", "-Q", ["-S", file], ["-c", "endorsement"]);
  if (kind.policyBranches.length > 0) await choosePolicyBranch(bench, file, kind);
  return file;
}

/** Tells the session which policies the key gives the choice of; it has met one of them. */
async function choosePolicyBranch({ tpm2, folder }: Workbench, file: string, kind: EndorsementKind): Promise<void> {
  const files = await Promise.all(
    kind.policyBranches.map((digest, index) =>
      folder.write(`endorsement.branch-${String(index)}`, Buffer.from(digest, "hex")),
    ),
  );
  await tpm2.run("policyor", "-Q", ["-S", file], `${kind.hash}:${files.join(",")}`);
}

async function noteSession({ folder, handles }: Workbench, file: string): Promise<void> {
  const saved = await folder.read(SESSION_FILE).catch(() => undefined);
  if (saved !== undefined) handles.keepSession(readSessionHandle(saved) ?? file);
}

/**
 * @param credentialBlob   TPM2B_ID_OBJECT with its size
 * @param encryptedSecret  TPM2B_ENCRYPTED_SECRET with its size
 * @returns                the secret in the challenge
 * @throws TpmError TPM_CHALLENGE_MALFORMED before the TPM is asked, TPM_CHALLENGE_REFUSED by the TPM
 */
export async function activateCredential(
  bench: Workbench,
  activation: Activation,
  credentialBlob: Uint8Array,
  encryptedSecret: Uint8Array,
): Promise<Uint8Array> {
  const { tpm2, folder, handles } = bench;
  const credential = encodeCredentialFile(credentialBlob, encryptedSecret);
  const credentialFile = await folder.write("credential", credential);
  try {
    const secretFile = await folder.path(SECRET_FILE);
    await handles.guard(() =>
      tpm2.run(
        "activatecredential",
        "-Q",
        ["-c", activation.attestationKey, "-C", activation.endorsementKey],
        ["-P", `session:${activation.sessionFile}`],
        ["-i", credentialFile, "-o", secretFile],
      ),
    );
    return await folder.read(SECRET_FILE);
  } finally {
    await folder.remove(SECRET_FILE);
  }
}
