/** Doors that are closed, full, slow, or want more than is shown; and who comes to them. */
import { createHash, randomBytes } from "node:crypto";
import { applyObjects } from "../control-plane/apply-objects.ts";
import { type KubectlTarget } from "../control-plane/kubectl.ts";
import { visitAttested, type AttestedVisit } from "../machine/attested-visit.ts";
import { makeRegistration } from "../operator/objects.ts";
import {
  createAuthority,
  createCertificate,
  createRevocationList,
  createSoftwareTpm,
  ekExtensions,
  generateAttestationKey,
  generateRsaEndorsementKey,
  listPemOf,
  softwareTpm,
  type CertificateParts,
  type MadeAuthority,
  type SoftwareTpm,
} from "../software-tpm/index.ts";
import type { Scene } from "./attack.ts";

/** ConfigMap with the roots that the doors below trust: hypervisors', and no chip maker's. */
export const ANCHORS = "tpm-roots";
const trustAnchors = { configMapName: ANCHORS };

/** Of a certificate that the hypervisor has revoked. */
export const REVOKED_SERIAL = Buffer.from("5245564f4b4544", "hex");

/** `spec` of the MachineRegistrations that are tried. */
export const DOORS = {
  disabled: { disabled: true },
  expired: { token: { expiresAt: "2020-01-01T00:00:00Z" } },
  single: { token: { maxMachines: 1 } },
  listed: { attestation: { endorsementKeys: ["0".repeat(64)] } },
  virtual: { attestation: { class: "virtual", trustAnchors } },
  strict: { attestation: { class: "virtual", expiredCertificates: "refuse", trustAnchors } },
  hardware: { attestation: { class: "hardware", trustAnchors } },
  undemanding: { attestation: { trustAnchors } },
  modern: { attestation: { legacyProtocol: "refuse" } },
  "slow-source": { rateLimit: { perSourcePerMinute: 1 } },
  "slow-door": { rateLimit: { perMinute: 1 } },
  open: {},
} as const satisfies Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export type Door = keyof typeof DOORS;

export interface DoorScene extends Omit<Scene, "url"> {
  readonly channel: Buffer;
  /** Tokens of DOORS. */
  readonly tokens: Readonly<Record<Door, string>>;
  readonly hypervisor: MadeAuthority;
  /** Trusted as well, but their time is over, or has not come. */
  readonly pastHypervisor: MadeAuthority;
  readonly futureHypervisor: MadeAuthority;
  /** Among the roots, and among the hashes to refuse. */
  readonly refusedHypervisor: MadeAuthority;
  /** The hypervisor vouches for it, and an administrator refuses it. */
  readonly refusedTpm: SoftwareTpm;
  /** Came in through the door `virtual`, with the hypervisor's certificate and by the attestation protocol. */
  readonly known: SoftwareTpm;
}

/** A certificate of an endorsement key. @param parts  what is to be otherwise than in an honest one */
export function certificateFor(
  spkiDer: Buffer,
  authority: MadeAuthority,
  parts: Partial<CertificateParts> = {},
): Buffer {
  const honest = { spkiDer, issuer: authority.name, extensions: ekExtensions() };
  return createCertificate(authority.key, { ...honest, ...parts });
}

/** A TPM for whose endorsement key this authority vouches. */
export function endorsedTpm(
  scene: Pick<Scene, "ak">,
  authority: MadeAuthority,
  parts: Partial<CertificateParts> = {},
): SoftwareTpm {
  const ek = generateRsaEndorsementKey(2048, randomBytes);
  return softwareTpm(ek, scene.ak, certificateFor(ek.spkiDer, authority, parts));
}

export function through(
  scene: Pick<DoorScene, "origin" | "channel" | "tokens">,
  door: Door,
  tpm: SoftwareTpm,
): AttestedVisit {
  const { origin, channel, tokens } = scene;
  return { next: () => origin, tpm, channel, purpose: { kind: "registration", token: tokens[door] } };
}

export function legacyUrl({ origin, tokens }: Pick<DoorScene, "origin" | "tokens">, door: Door): string {
  return `${origin}/v1-rancheros/registration/${tokens[door]}`;
}

export interface DoorOptions {
  readonly target: KubectlTarget;
  readonly namespace: string;
  /** Address of the operator without TLS, and the TLS key that machines have in front of it. */
  readonly origin: string;
  readonly channel: Buffer;
}

/** Makes the doors and the ConfigMap with their roots, and lets in whom the scene wants to be inside. */
export async function openDoors({ target, namespace, origin, channel }: DoorOptions): Promise<DoorScene> {
  const hypervisor = createAuthority("Example hypervisor");
  const pastHypervisor = createAuthority("Former hypervisor", undefined, {
    notBefore: new Date("2010-01-01T00:00:00Z"),
    notAfter: new Date("2021-01-01T00:00:00Z"),
  });
  const futureHypervisor = createAuthority("Coming hypervisor", undefined, {
    notBefore: new Date("2999-01-01T00:00:00Z"),
  });
  const refusedHypervisor = createAuthority("Refused hypervisor");
  const ak = generateAttestationKey("rsa");
  const refusedTpm = endorsedTpm({ ak }, hypervisor);
  const authorities = [hypervisor, pastHypervisor, futureHypervisor, refusedHypervisor];
  const data = {
    "virtual.pem": authorities.map(({ pem }) => pem).join(""),
    "virtual-example.crl": listPemOf(createRevocationList(hypervisor, { serialNumbers: [REVOKED_SERIAL] })),
    "refused-example": `${refusedTpm.ekHash} # stolen\n${createHash("sha256").update(refusedHypervisor.der).digest("hex")}\n`,
  };
  const metadata = { name: ANCHORS, namespace };
  await applyObjects(target, { apiVersion: "v1", kind: "ConfigMap", metadata, data });
  const made = await Promise.all(
    Object.entries(DOORS).map(async ([door, spec]) => {
      const { token } = await makeRegistration(target, namespace, door, spec);
      return [door, token] as const;
    }),
  );
  const tokenOf = new Map(made);
  const token = (door: Door): string => tokenOf.get(door) ?? "";
  const tokens: Record<Door, string> = {
    disabled: token("disabled"),
    expired: token("expired"),
    single: token("single"),
    listed: token("listed"),
    virtual: token("virtual"),
    strict: token("strict"),
    hardware: token("hardware"),
    undemanding: token("undemanding"),
    modern: token("modern"),
    "slow-source": token("slow-source"),
    "slow-door": token("slow-door"),
    open: token("open"),
  };
  const known = endorsedTpm({ ak }, hypervisor);
  const hypervisors = { hypervisor, pastHypervisor, futureHypervisor, refusedHypervisor };
  const scene = { origin, ak, channel, tokens, ...hypervisors, refusedTpm, known };
  await visitAttested(through(scene, "virtual", known));
  // The one machine that the door takes.
  await visitAttested(through(scene, "single", createSoftwareTpm({ ak })));
  return scene;
}
