import { createHash, createPublicKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ekHash, readEkCertificate } from "@rancheros/protocol/tpm";
import { parseAttestationHeader } from "@rancheros/protocol/messages";
import {
  createEkCertificate,
  createFleet,
  createSoftwareTpm,
  generateAttestationKey,
  importFleet,
  importSoftwareTpm,
} from "../../software-tpm/index.ts";

/** Randomness that is the same in every run. */
function seeded(seed: string): (sizeBytes: number) => Buffer {
  let count = 0;
  return (sizeBytes) => {
    const blocks = Array.from({ length: Math.ceil(sizeBytes / 32) }, () => {
      count += 1;
      return createHash("sha256")
        .update(`${seed} ${String(count)}`)
        .digest();
    });
    return Buffer.concat(blocks).subarray(0, sizeBytes);
  };
}

const ak = generateAttestationKey("rsa");

describe("a software TPM", () => {
  it("has the endorsement key of its randomness", () => {
    const [first, again, other] = ["a", "a", "b"].map((seed) => createSoftwareTpm({ ak, randomBytes: seeded(seed) }));
    expect(first?.ekHash).toBe(again?.ekHash);
    expect(first?.ekHash).not.toBe(other?.ekHash);
  });

  it("is another one each time, by a key of full size", () => {
    const tpms = Array.from({ length: 40 }, () => createSoftwareTpm({ ak }));
    expect(new Set(tpms.map((tpm) => tpm.ekHash)).size).toBe(40);
    const keys = tpms.map(({ ekSpkiDer: key }) => createPublicKey({ key, format: "der", type: "spki" }));
    expect(new Set(keys.map((key) => key.asymmetricKeyDetails?.modulusLength))).toEqual(new Set([2048]));
  });

  it.each(["rsa", "ec"] as const)("comes back from JSON with an %s key", (ekType) => {
    const tpm = createSoftwareTpm({ ak, ekType });
    const ekCertificateDer = createEkCertificate({ spkiDer: tpm.ekSpkiDer });
    const certified = importSoftwareTpm({ ...tpm.toJson(), ekCertificate: ekCertificateDer.toString("base64") });
    const again = importSoftwareTpm(JSON.parse(JSON.stringify(certified.toJson())) as ReturnType<typeof tpm.toJson>);
    expect(again.ekHash).toBe(tpm.ekHash);
    expect(again.akName).toEqual(tpm.akName);
    expect(again.attestationData().ek).toEqual({ type: "certificate", certificateDer: ekCertificateDer });
    expect(ekHash(readEkCertificate(ekCertificateDer).publicKeySpkiDer)).toBe(tpm.ekHash);
  });

  it("sends the header that the protocol reads", () => {
    const tpm = createSoftwareTpm({ ak, ekType: "ec" });
    expect(parseAttestationHeader(tpm.authorization())).toEqual(tpm.attestationData());
  });
});

describe("a fleet", () => {
  const fleet = createFleet(10, seeded("fleet"));

  it("is of different machines, RSA-2048 each, with one attestation key", () => {
    const machines = Array.from({ length: 10 }, (_, index) => fleet.at(index));
    expect(new Set(machines.map((machine) => machine.ekHash)).size).toBe(10);
    expect(new Set(machines.map((machine) => machine.akName.toString("hex"))).size).toBe(1);
    expect(new Set(machines.map((machine) => machine.ekSpkiDer.length))).toEqual(new Set([294]));
    expect(fleet.toJson().primes).toHaveLength(5);
  });

  it("comes back from JSON, machine for machine", () => {
    const again = importFleet(JSON.parse(JSON.stringify(fleet.toJson())) as ReturnType<typeof fleet.toJson>);
    expect(again.size).toBe(10);
    expect(again.at(7).ekHash).toBe(fleet.at(7).ekHash);
    expect(again.at(7).akName).toEqual(fleet.at(7).akName);
  });

  it.each([10, 11, -1, 0.5])("has no machine %d", (index) => {
    expect(() => fleet.at(index)).toThrow(RangeError);
  });
});
