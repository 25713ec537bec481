/** The node's registries.yaml, and the CAs and keys that it names. */
import { systemCode } from "@rancheros/protocol/errors";
import { readFile } from "node:fs/promises";
import { rootCertificates } from "node:tls";

import { ImagePullError } from "../errors.ts";
import { NO_REGISTRIES, parseRegistries, type Registries, type RegistryTls } from "../registries.ts";
import type { TlsMaterial } from "./registry-request.ts";

/** Source: Go crypto/x509 root_linux.go: Debian, Fedora, openSUSE, OpenELEC, RHEL, Alpine. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
] as const;

/** @returns none where the file does not exist. @throws ImagePullError IMAGE_REGISTRIES_INVALID */
export async function readRegistries(path: string): Promise<Registries> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return NO_REGISTRIES;
    throw new ImagePullError("IMAGE_REGISTRIES_INVALID", `${path} cannot be read`, { cause, details: { path } });
  }
  return parseRegistries(text);
}

/** What the system trusts, and what the file names besides. @throws ImagePullError IMAGE_REGISTRIES_INVALID */
export async function readTls(tls: RegistryTls): Promise<TlsMaterial> {
  const named = async (path: string | undefined): Promise<string | undefined> => {
    if (path === undefined) return undefined;
    return readFile(path, "utf8").catch((cause: unknown) => {
      throw new ImagePullError("IMAGE_REGISTRIES_INVALID", `${path} cannot be read`, { cause, details: { path } });
    });
  };
  const [own, cert, key] = [await named(tls.caFile), await named(tls.certFile), await named(tls.keyFile)];
  const system = await readSystemCas();
  // A list replaces Node's own.
  const ca = [...(system === undefined ? rootCertificates : [system]), ...(own === undefined ? [] : [own])];
  return { ca, cert, key, skipVerify: tls.skipVerify };
}

async function readSystemCas(): Promise<string | undefined> {
  const bundle = process.env["SSL_CERT_FILE"];
  for (const path of bundle === undefined || bundle === "" ? SYSTEM_BUNDLES : [bundle]) {
    const text = await readFile(path, "latin1").catch(() => "");
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  }
  return undefined;
}
