/** What a TPM maker does in the factory: endorsement key, certificate authority, EK certificate in NV. */

import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Two RSA keys for the authority and two for the TPM: 1.5 s, more where many are made at once. */
const SETUP_DEADLINE_MS = 60_000;

export interface ManufactureOptions {
  readonly stateFolder: string;
  readonly authorityFolder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly rsaKeyBits: 2048 | 3072;
}

/** The files of the certificate authority that swtpm_localca keeps. */
export function authorityFiles(authorityFolder: string): { rootCertificate: string; issuerCertificate: string } {
  return {
    rootCertificate: join(authorityFolder, "swtpm-localca-rootca-cert.pem"),
    issuerCertificate: join(authorityFolder, "issuercert.pem"),
  };
}

/**
 * Gives the TPM its EK (persistent at 0x81010001) and EK certificate (NV 0x01C00002), signed by an authority of our own
 * in authorityFolder. Nothing outside the two folders is read or written, so it works for any user and side by side.
 * A TPM that is already made is left as it is.
 * @throws Error  swtpm_setup failed; the message carries its output
 */
export async function manufactureTpm(options: ManufactureOptions): Promise<void> {
  const { stateFolder, authorityFolder, environment, rsaKeyBits } = options;
  const unfinished = join(stateFolder, "manufacture-unfinished");
  if (existsSync(join(stateFolder, "tpm2-00.permall")) && !existsSync(unfinished)) return;
  await writeLines(unfinished, ["removed when the TPM is complete"]);
  await mkdir(authorityFolder, { recursive: true, mode: 0o700 });

  const authorityConfig = join(stateFolder, "swtpm-localca.conf");
  const authorityOptions = join(stateFolder, "swtpm-localca.options");
  const setupConfig = join(stateFolder, "swtpm_setup.conf");
  const { issuerCertificate } = authorityFiles(authorityFolder);
  await writeLines(authorityConfig, [
    `statedir = ${authorityFolder}`,
    `signingkey = ${join(authorityFolder, "signkey.pem")}`,
    `issuercert = ${issuerCertificate}`,
    `certserial = ${join(authorityFolder, "certserial")}`,
  ]);
  await writeLines(authorityOptions, [
    "--platform-manufacturer RancherOS",
    "--platform-version 1",
    "--platform-model test",
  ]);
  await writeLines(setupConfig, [
    "create_certs_tool = swtpm_localca",
    `create_certs_tool_config = ${authorityConfig}`,
    `create_certs_tool_options = ${authorityOptions}`,
    "active_pcr_banks = sha256",
  ]);
  // --create-ek-cert implies --createek; a swtpm that serves this state must not run meanwhile.
  await run(
    "swtpm_setup",
    [
      ["--tpm2", "--tpmstate", stateFolder, "--create-ek-cert", "--overwrite", "--config", setupConfig],
      ["--rsa-keysize", String(rsaKeyBits)],
    ].flat(),
    { env: environment, timeout: SETUP_DEADLINE_MS },
  );
  await rm(unfinished);
}

async function writeLines(path: string, lines: readonly string[]): Promise<void> {
  await writeFile(path, `${lines.join("\n")}\n`, { mode: 0o600 });
}
