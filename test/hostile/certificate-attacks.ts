/** Endorsement key certificates that are of a trusted root, or nearly so, and that a door with demands does not take. */
import { basicConstraints, ekExtensions, extendedKeyUsage, keyUsage, tpmName } from "../software-tpm/index.ts";
import type { CertificateParts } from "../software-tpm/index.ts";
import { createAuthority, type MadeAuthority } from "../software-tpm/index.ts";
import { attestedAttack, legacyAttack, type DoorAttack } from "./door-attacks.ts";
import { endorsedTpm, type Door, type DoorScene } from "./doors.ts";

interface Row {
  readonly what: string;
  /** What the machine is told of the certificate. */
  readonly because: RegExp;
  readonly door?: Door;
  readonly authority?: (scene: DoorScene) => MadeAuthority;
  readonly parts?: Partial<CertificateParts>;
}

const PAST = { notBefore: new Date("2015-01-01T00:00:00Z"), notAfter: new Date("2020-01-01T00:00:00Z") };
const TPM_NAME = tpmName("id:45584d50", "TEST", "id:00010002");

const ROWS: readonly Row[] = [
  {
    what: "a certificate that has expired, where such are refused",
    because: /certificate has expired/,
    door: "strict",
    parts: PAST,
  },
  {
    what: "a certificate that is not valid yet",
    because: /is not valid yet/,
    parts: { notBefore: new Date("2999-01-01T00:00:00Z") },
  },
  {
    what: "a root that has expired, where such are refused",
    because: /authority above .* had expired/,
    door: "strict",
    authority: ({ pastHypervisor }) => pastHypervisor,
    parts: { notBefore: new Date("2015-01-01T00:00:00Z") },
  },
  {
    what: "a root that had expired before it signed",
    because: /authority above .* had expired/,
    authority: ({ pastHypervisor }) => pastHypervisor,
    parts: { notBefore: new Date("2022-01-01T00:00:00Z") },
  },
  {
    what: "a root that is not valid yet",
    because: /is not valid yet/,
    authority: ({ futureHypervisor }) => futureHypervisor,
  },
  {
    what: "a certificate of a test authority, whose key everybody may have",
    because: /none of the trust anchors/,
    authority: () => createAuthority("Published test authority"),
  },
  {
    what: "a certificate authority's own certificate",
    because: /one of a certificate authority/,
    parts: { extensions: [basicConstraints(true), keyUsage(0x24), extendedKeyUsage("6781050801"), TPM_NAME] },
  },
  {
    what: "a web server's certificate of the same root",
    because: /another purpose/,
    parts: { extensions: [basicConstraints(false), keyUsage(0x20), extendedKeyUsage("2b06010505070301"), TPM_NAME] },
  },
  { what: "a certificate signed with SHA-1", because: /SHA-1/, parts: { hash: "sha1" } },
  {
    what: "a certificate without serial number",
    because: /no positive serial number/,
    parts: { serialNumber: Buffer.from([0]) },
  },
  {
    what: "a certificate for agreeing on keys, of a key that cannot",
    because: /another purpose/,
    parts: { extensions: ekExtensions(0x08) },
  },
];

export const CERTIFICATE_ATTACKS: readonly DoorAttack[] = ROWS.flatMap(({ what, because, ...row }) => {
  const { door = "virtual", authority = ({ hypervisor }) => hypervisor, parts } = row;
  const about = {
    line: "certificate",
    what,
    reason: "TRUST_CLASS_NOT_PROVED",
    door,
    who: (scene: DoorScene) => endorsedTpm(scene, authority(scene), parts),
  } as const;
  const attested = attestedAttack(about);
  const text = new RegExp(`${attested.told.text.source}.*${because.source}`);
  return [{ ...attested, told: { ...attested.told, text } }, legacyAttack(about, because)];
});
