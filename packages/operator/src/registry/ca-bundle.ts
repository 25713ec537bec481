/** The certificates that an administrator adds to those of public authorities. */
import { X509Certificate } from "node:crypto";
import { pemBlocks } from "../tls/index.ts";
import { RegistryError } from "./errors.ts";

const MAX_CERTIFICATES = 1_000;

/**
 * @param pem  certificates one after the other; text between them is skipped, as OpenSSL does
 * @param what names the text, for the error
 * @returns     each as PEM
 * @throws RegistryError  REGISTRY_CA_INVALID
 */
export function readCaBundle(pem: string, what = "the file"): readonly string[] {
  const blocks = pemBlocks(pem)
    .filter(({ label }) => label === "CERTIFICATE")
    .map(({ whole }) => whole);
  if (blocks.length === 0) throw new RegistryError("REGISTRY_CA_INVALID", `${what} has no certificate in it`);
  if (blocks.length > MAX_CERTIFICATES) {
    throw new RegistryError("REGISTRY_CA_INVALID", `${what} has more than ${MAX_CERTIFICATES} certificates`);
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block).toString();
    } catch (cause) {
      throw new RegistryError("REGISTRY_CA_INVALID", `certificate ${index + 1} of ${what} cannot be read`, { cause });
    }
  });
}
