import { createHash, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { TrustClass } from "@rancheros/protocol/attestation";
import {
  isProvable,
  judgeMachine,
  NO_TRUST_ANCHORS,
  trustAnchors,
  verifyEkCertificate,
} from "../../../src/attestation/index.ts";
import type { EkVerdict } from "../../../src/attestation/index.ts";
import { anchors, root } from "./ek-certificates.ts";
import { refusedWith } from "./attestation-mutations.ts";

const ekHash = "a".repeat(64);
const nobody = verifyEkCertificate(undefined, NO_TRUST_ANCHORS, { nowMs: 0, expired: "accept" });

function machine(trust: TrustClass, verdictHash = ekHash): { ekHash: string; verdict: EkVerdict } {
  if (trust === "none") return { ekHash, verdict: nobody };
  return { ekHash, verdict: { ...nobody, class: trust, ekHash: verdictHash, root: "CN=Root", problem: undefined } };
}

describe("isProvable", () => {
  const hypervisors = trustAnchors({ "virtual.pem": root.pem });
  const refused = createHash("sha256").update(new X509Certificate(root.pem).raw).digest("hex");
  const taken = trustAnchors({ "hardware.pem": root.pem, "refused.txt": refused });

  it.each([
    ["nothing, without any root", undefined, NO_TRUST_ANCHORS, true],
    ["any, without any root", "any", NO_TRUST_ANCHORS, true],
    ["virtual, without any root", "virtual", NO_TRUST_ANCHORS, false],
    ["hardware, without any root", "hardware", NO_TRUST_ANCHORS, false],
    ["hardware, with roots of hypervisors only", "hardware", hypervisors, false],
    ["virtual, with roots of hypervisors", "virtual", hypervisors, true],
    ["virtual, with roots of chip makers", "virtual", anchors, true],
    ["hardware, with roots of chip makers", "hardware", anchors, true],
    ["hardware, with a root that is refused", "hardware", taken, false],
    ["a word of a newer operator, with roots of hypervisors", "confidential", hypervisors, false],
  ])("knows whether any machine gets in where the registration wants %s", (_, wanted, found, expected) => {
    expect(isProvable(wanted === undefined ? undefined : { class: wanted }, found)).toBe(expected);
  });
});

describe("judgeMachine", () => {
  it.each([
    [undefined, { none: true, virtual: true, hardware: true }],
    ["any", { none: true, virtual: true, hardware: true }],
    ["virtual", { none: false, virtual: true, hardware: true }],
    ["hardware", { none: false, virtual: false, hardware: true }],
    ["a word of a newer operator", { none: false, virtual: false, hardware: true }],
  ])("that wants %s admits by what is proved", (wanted, admitted) => {
    const attestation = wanted === undefined ? {} : { class: wanted as "any" };
    for (const trust of ["none", "virtual", "hardware"] as const) {
      const judge = () => judgeMachine(attestation, machine(trust));
      if (admitted[trust]) expect(judge).not.toThrow();
      else expect(judge).toThrow(refusedWith("TRUST_CLASS_NOT_PROVED"));
    }
  });

  it("asks for nothing where the registration has no attestation", () => {
    expect(() => judgeMachine(undefined, machine("none"))).not.toThrow();
  });

  it("names the class and the reason", () => {
    expect(() => judgeMachine({ class: "hardware" }, machine("none"))).toThrow(
      expect.objectContaining({
        details: { ekHash, wanted: "hardware", proved: "none", reason: "EK_CERTIFICATE_MISSING" },
      }),
    );
    expect(() => judgeMachine({ class: "hardware" }, machine("virtual"))).toThrow(/its root is virtual/);
  });

  it("lets in the listed keys only, and nobody by an empty list, however good their certificate is", () => {
    expect(() => judgeMachine({ endorsementKeys: ["b".repeat(64), ekHash] }, machine("none"))).not.toThrow();
    for (const endorsementKeys of [[], ["b".repeat(64)], [ekHash.toUpperCase()]]) {
      expect(() => judgeMachine({ endorsementKeys }, machine("hardware"))).toThrow(refusedWith("EK_NOT_ALLOWED"));
    }
  });

  it("wants the class of a listed key too", () => {
    const both = { endorsementKeys: [ekHash], class: "hardware" as const };
    expect(() => judgeMachine(both, machine("virtual"))).toThrow(refusedWith("TRUST_CLASS_NOT_PROVED"));
  });

  it("never takes the certificate of another key", () => {
    const theirs = machine("hardware", "b".repeat(64));
    expect(() => judgeMachine(undefined, theirs)).toThrow(refusedWith("EK_CERTIFICATE_KEY_MISMATCH"));
  });
});
