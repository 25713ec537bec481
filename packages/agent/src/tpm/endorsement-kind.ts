/** The kinds of endorsement key (EK) that a TPM can have: where its certificate lies, and how its policy is met. */
import { NV_RSA_EK_CERTIFICATE } from "@rancheros/protocol/tpm";

export type EndorsementKeyKind = "rsa2048" | "rsa3072" | "ecc-p256";

/** The machine's identity unless another one is asked for, and the only one that rancherd knows. */
export const DEFAULT_ENDORSEMENT_KEY: EndorsementKeyKind = "rsa2048";

export interface EndorsementKind {
  /** Source: TCG EK Credential Profile 2.5, 2.2.1.4 and 2.2.1.5 */
  readonly certificateIndex: number;
  /** The hash of the key's name and policy. */
  readonly hash: "sha256" | "sha384";
  /**
   * The branches of the policy where it is a choice (TPM2_PolicyOR, templates H-*): the first is TPM2_PolicySecret of the
   * endorsement hierarchy, which we meet. Empty where the policy is that alone (templates L-*).
   */
  readonly policyBranches: readonly string[];
  /** For people. */
  readonly words: string;
}

/** Source: TCG EK Credential Profile 2.5, B.6.2 and B.6.4; test/integration holds the key against swtpm's certificate */
const POLICY_A_SHA384 =
  "8bbf2266537c171cb56e403c4dc1d4b64f432611dc386e6f532050c3278c930e143e8bb1133824ccb431053871c6db53";
const POLICY_C_SHA384 =
  "d6032ce61f2fb3c240eb3cf6a33237ef2b6a16f4293c22b455e261cffd217ad5b4947c2d73e63005eed2dc2b3593d165";
/** TPM2_PolicyOR of the two. */
export const EK_POLICY_SHA384 =
  "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12";

export const ENDORSEMENT_KINDS: Readonly<Record<EndorsementKeyKind, EndorsementKind>> = {
  rsa2048: { certificateIndex: NV_RSA_EK_CERTIFICATE, hash: "sha256", policyBranches: [], words: "RSA-2048" },
  rsa3072: {
    certificateIndex: 0x01c0_001c,
    hash: "sha384",
    policyBranches: [POLICY_A_SHA384, POLICY_C_SHA384],
    words: "RSA-3072",
  },
  "ecc-p256": { certificateIndex: 0x01c0_000a, hash: "sha256", policyBranches: [], words: "ECC P-256" },
};

/** As people and the tools write an NV index. */
export function nvIndexText(index: number): string {
  return `0x${index.toString(16).padStart(8, "0")}`;
}
