/** Which CAs machines are told of in their sessions, so that they go on through a change of them. */
import { CA_MAX_CHARACTERS } from "@rancheros/protocol/attestation";
import type { Log } from "../telemetry/index.ts";

/**
 * What Rancher's settings or --ca-file have as a CA may be anything: what machines could not read they are not told, and
 * the log says so once, as otherwise nobody knows until the CA is another one.
 * @returns  given the PEM, what machines are told
 */
export function createCaForMachines(log: Pick<Log, "warn">): (pem: string | undefined) => string | undefined {
  let toldAbout: string | undefined;
  return (pem) => {
    if (pem === undefined) return undefined;
    const isShort = pem.length <= CA_MAX_CHARACTERS;
    if (isShort && pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
    if (toldAbout !== pem) {
      toldAbout = pem;
      const sizes = { characters: pem.length, limit: CA_MAX_CHARACTERS };
      if (isShort) log.warn("machines are not told of the CA, which has no certificate in it", sizes);
      else log.warn("machines are not told of the CA, which is too large: take out what they do not need", sizes);
    }
    return undefined;
  };
}
