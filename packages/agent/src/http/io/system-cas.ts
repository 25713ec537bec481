/** The CAs that this system trusts. */
import { readFile, stat } from "node:fs/promises";

import { systemBundles } from "../system-bundles.ts";

/** A bundle of every public CA has 220 KiB. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Read as a file because Node's way to the system's CAs takes 60 ms and finds each of them several times.
 * @param bundle  value of SSL_CERT_FILE, which OpenSSL and Go read in place of the usual files
 * @returns PEM; `undefined` where the system has none, for the CAs that Node brings along
 */
export async function readSystemCas(bundle: string | undefined): Promise<string | undefined> {
  for (const path of systemBundles(bundle)) {
    const text = await readBundle(path).catch(() => "");
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  }
  return undefined;
}

/** Of a pipe even the opening would wait until somebody writes to it. */
async function readBundle(path: string): Promise<string> {
  const found = await stat(path);
  return found.isFile() && found.size <= MAX_BYTES ? readFile(path, "latin1") : "";
}
