/** The node's registries.yaml, and the CAs and keys that it names. */
import { systemCode } from "@rancheros/protocol/errors";
import { X509Certificate } from "node:crypto";
import { createSecureContext, rootCertificates } from "node:tls";

import { readBounded } from "../../files/index.ts";
import { readSystemCas } from "../../http/index.ts";
import { ImagePullError } from "../errors.ts";
import { NO_REGISTRIES, parseRegistries, type Registries, type RegistryTls } from "../registries.ts";
import type { TlsMaterial } from "./registry-request.ts";

/** Of registries.yaml, and of each CA, certificate and key that it names. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * @param path  that somebody has named: a file that does not exist is an error
 * @throws ImagePullError IMAGE_REGISTRIES_INVALID
 */
export async function readRegistries(path: string): Promise<Registries> {
  const bytes = await readBounded(path, MAX_BYTES).catch((cause: unknown) => {
    const why = systemCode(cause) === "ENOENT" ? ": there is no such file" : "";
    throw new ImagePullError("IMAGE_REGISTRIES_INVALID", `${path} cannot be read${why}`, { cause, details: { path } });
  });
  return parseRegistries(bytes.toString("utf8"), path);
}

/** The same of a place where a file may be. @returns none where it does not exist */
export async function registriesIfThere(path: string): Promise<Registries> {
  try {
    return await readRegistries(path);
  } catch (error) {
    if (error instanceof ImagePullError && systemCode(error.cause) === "ENOENT") return NO_REGISTRIES;
    throw error;
  }
}

/** What the system trusts, and what the file names besides. @throws ImagePullError IMAGE_REGISTRIES_INVALID */
export async function readTls(tls: RegistryTls): Promise<TlsMaterial> {
  const named = async (path: string | undefined): Promise<string | undefined> => {
    if (path === undefined) return undefined;
    const bytes = await readBounded(path, MAX_BYTES).catch((cause: unknown) => {
      throw new ImagePullError("IMAGE_REGISTRIES_INVALID", `${path} cannot be read`, { cause, details: { path } });
    });
    return bytes.toString("utf8");
  };
  const [own, cert, key] = [await named(tls.caFile), await named(tls.certFile), await named(tls.keyFile)];
  checkTls(tls, { own, cert, key });
  const system = await readSystemCas(process.env["SSL_CERT_FILE"]);
  // A list replaces Node's own.
  const ca = [...(system === undefined ? rootCertificates : [system]), ...(own === undefined ? [] : [own])];
  // As with containerd, what vouches for the registry vouches for a proxy before it.
  return { ca, proxyCa: own, cert, key, skipVerify: tls.skipVerify };
}

/** Node says what is wrong with them at the first connection only, and as if the network were: that would be tried again. */
function checkTls(
  { caFile, certFile, keyFile }: RegistryTls,
  { own, cert, key }: Readonly<Record<"own" | "cert" | "key", string | undefined>>,
): void {
  if (own !== undefined) check(`${caFile}: is no certificate`, () => new X509Certificate(own));
  if (cert !== undefined && key === undefined) throw invalid(`${certFile}: is a cert_file without a key_file`);
  if (key !== undefined && cert === undefined) throw invalid(`${keyFile}: is a key_file without a cert_file`);
  if (cert === undefined || key === undefined) return;
  check(`${certFile}: is no certificate, or ${keyFile} is not its key`, () => [
    new X509Certificate(cert),
    createSecureContext({ cert, key }),
  ]);
}

function check(problem: string, read: () => unknown): void {
  try {
    read();
  } catch (cause) {
    throw invalid(problem, cause);
  }
}

function invalid(problem: string, cause?: unknown): ImagePullError {
  return new ImagePullError("IMAGE_REGISTRIES_INVALID", `registries.yaml: ${problem}`, { cause });
}
