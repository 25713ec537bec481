/** The channel that machines have in front of them when we serve with this certificate. */
import { X509Certificate } from "node:crypto";
import { channelOf } from "@rancheros/protocol/attestation";

/** @param pem  certificate or chain, the server's own first */
export function tlsChannel(pem: string): Buffer {
  return channelOf(new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" }));
}
