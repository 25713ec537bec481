/** Keys and certificates that somebody has taken back, at doors that would let their machines in otherwise. */
import { createPrivateKey } from "node:crypto";
import published from "../../packages/protocol/test/unit/tpm/testdata/swtpm.json" with { type: "json" };
import { rsaEndorsementKey, softwareTpm, type SoftwareTpm } from "../software-tpm/index.ts";
import { attestedAttack, legacyAttack, type DoorAttack, type DoorCase } from "./door-attacks.ts";
import { endorsedTpm, REVOKED_SERIAL, type DoorScene } from "./doors.ts";

/** Everybody has the private half. */
function publishedTpm({ ak }: DoorScene): SoftwareTpm {
  const der = Buffer.from(published.credentials.rsa.privateKeyPkcs8, "hex");
  const { p = "", q = "" } = createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "jwk" });
  const [first, second] = [p, q].map((prime) => BigInt(`0x${Buffer.from(prime, "base64url").toString("hex")}`));
  return softwareTpm(rsaEndorsementKey(first ?? 0n, second ?? 0n), ak);
}

const revoked = (scene: DoorScene): SoftwareTpm =>
  endorsedTpm(scene, scene.hypervisor, { serialNumber: REVOKED_SERIAL });
const ofRefusedAuthority = (scene: DoorScene): SoftwareTpm => endorsedTpm(scene, scene.refusedHypervisor);

const BOTH: readonly (readonly [DoorCase, RegExp])[] = [
  [
    {
      line: "ek",
      what: "a key whose private half is published",
      reason: "EK_KNOWN_WEAK",
      door: "open",
      who: publishedTpm,
    },
    /is published/,
  ],
  [
    {
      line: "ek",
      what: "a key that an administrator refuses, with a good certificate",
      reason: "EK_REFUSED",
      door: "virtual",
      who: ({ refusedTpm }) => refusedTpm,
    },
    /listed this endorsement key/,
  ],
  [
    {
      line: "certificate",
      what: "a certificate that was revoked",
      reason: "EK_CERTIFICATE_REVOKED",
      door: "virtual",
      who: revoked,
    },
    /revocation list/,
  ],
  [
    {
      line: "certificate",
      what: "a certificate that was revoked, where nothing is demanded",
      reason: "EK_CERTIFICATE_REVOKED",
      door: "undemanding",
      who: revoked,
    },
    /revocation list/,
  ],
  [
    {
      line: "certificate",
      what: "a certificate of an authority that an administrator refuses, though it is among the roots",
      reason: "EK_CERTIFICATE_REFUSED",
      door: "undemanding",
      who: ofRefusedAuthority,
    },
    /one to refuse/,
  ],
];

export const TAKEN_BACK_ATTACKS: readonly DoorAttack[] = BOTH.flatMap(([about, text]) => [
  attestedAttack(about),
  legacyAttack(about, text),
]);
