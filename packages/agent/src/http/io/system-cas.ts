/** The CAs that this system trusts. */
import { readFile } from "node:fs/promises";

import { systemBundles } from "../system-bundles.ts";

/**
 * Read as a file because Node's way to the system's CAs takes 60 ms and finds each of them several times.
 * @param bundle  value of SSL_CERT_FILE, which OpenSSL and Go read in place of the usual files
 * @returns PEM; `undefined` where the system has none, for the CAs that Node brings along
 */
export async function readSystemCas(bundle: string | undefined): Promise<string | undefined> {
  for (const path of systemBundles(bundle)) {
    const text = await readFile(path, "latin1").catch(() => "");
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  }
  return undefined;
}
