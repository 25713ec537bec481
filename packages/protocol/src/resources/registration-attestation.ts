/** spec.attestation of a MachineRegistration: what a machine must prove before it is let in. */
import { Type, type Static } from "typebox";

const trustAnchors = Type.Object(
  {
    configMapName: Type.Optional(
      Type.String({ description: "Name of a ConfigMap in this namespace.", maxLength: 253 }),
    ),
    secretName: Type.Optional(Type.String({ description: "Name of a Secret in this namespace.", maxLength: 253 })),
  },
  {
    description:
      "CA certificates of TPM makers, as PEM. Keys that begin with hardware hold roots of chips, with virtual those of hypervisors, with intermediate what lies between; with refused SHA-256 hashes of keys and certificates that count no more; keys that end in .crl hold revocation lists. Without it the operator's own are used.",
    "x-kubernetes-validations": [
      {
        rule: "has(self.configMapName) != has(self.secretName)",
        message: "trustAnchors: give configMapName or secretName, and not both",
      },
    ],
  },
);

export const registrationAttestation = Type.Object(
  {
    class: Type.Optional(
      Type.String({
        description:
          "Whose word for the endorsement key is wanted: hardware, a maker of TPM chips; virtual, a hypervisor or a chip maker; any, nobody's. Default any.",
        enum: ["any", "virtual", "hardware"],
      }),
    ),
    endorsementKeys: Type.Optional(
      Type.Array(Type.String({ minLength: 64, maxLength: 64, pattern: "^[0-9a-f]{64}$" }), {
        description: "Only TPMs with these hashes are let in, as ros-agent get-tpm-hash prints them.",
        maxItems: 10_000,
      }),
    ),
    approval: Type.Optional(
      Type.String({
        description:
          "automatic, or manual: a new machine waits until spec.approval of its MachineInventory is set to Approved. Default automatic.",
        enum: ["automatic", "manual"],
      }),
    ),
    legacyProtocol: Type.Optional(
      Type.String({
        description:
          "allow, or refuse the protocol of rancherd, which binds to no TLS key and encrypts no answer. Default allow.",
        enum: ["allow", "refuse"],
      }),
    ),
    expiredCertificates: Type.Optional(
      Type.String({
        description:
          "accept or refuse endorsement key certificates that have expired; makers do not renew them. Default accept.",
        enum: ["accept", "refuse"],
      }),
    ),
    trustAnchors: Type.Optional(trustAnchors),
  },
  { description: "What a machine must prove before it is let in." },
);

export type RegistrationAttestation = Static<typeof registrationAttestation>;
