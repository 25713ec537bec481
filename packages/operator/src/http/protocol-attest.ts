/** The first two steps of the attestation protocol: a nonce, then a challenge for the keys that were attested over it. */
import {
  CHALLENGE_LIFETIME_MS,
  NONCE_LIFETIME_MS,
  qualifyingData,
  readAttestRequest,
  readNonceRequest,
  writeChallengeAnswer,
  writeNonceAnswer,
  type Purpose,
} from "@rancheros/protocol/attestation";
import { SECRET_MAX_BYTES } from "@rancheros/protocol/messages";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import { makeCredential, verifyAttestation } from "../attestation/index.ts";
import { nextChallengeMs, type InventoryEntry } from "../inventory/index.ts";
import { tokenDigest } from "../registration/index.ts";
import { checkNonce, sealChallengeState, sealNonce, type ThroughRegistration } from "../session/index.ts";
import { judge } from "./door.ts";
import { machineUnknown, SessionError } from "./errors.ts";
import { commonVersion, type ProtocolParts, type Trace } from "./protocol-parts.ts";

const ID_BYTES = 16;
const IV_BYTES = 12;

export function giveNonce(parts: ProtocolParts, body: Buffer): Buffer {
  const protocol = commonVersion(readNonceRequest(body).protocol);
  const nonce = sealNonce(parts.keys.sealing(), parts.nowMs(), parts.random);
  return writeNonceAnswer({ protocol, nonce, expiresInSeconds: NONCE_LIFETIME_MS / 1000 });
}

interface Way {
  /** Through which the machine comes now. */
  readonly registration: MachineRegistration | undefined;
  /** Whose trust anchors count: that one, or the one through which it came first. */
  readonly judgedBy: Pick<MachineRegistration, "spec"> | undefined;
  /** Whose trust anchors count where the registration has none. */
  readonly namespace: string;
  /** Those that are known to have been answered. */
  readonly challenges: readonly (string | undefined)[];
}

/** @throws SessionError MACHINE_UNKNOWN, MACHINE_DENIED, MACHINE_ELSEWHERE; RegistrationRefusedError */
function wayOf(parts: ProtocolParts, purpose: Purpose, ekHash: string, trace: Trace): Way {
  const through =
    purpose.kind === "registration" ? parts.entrance.enter(purpose.token, trace.remoteAddress) : undefined;
  if (through !== undefined) trace.registration = namesOf(through.metadata);
  const [known] = parts.inventories.withEndorsementKey(ekHash);
  if (known === undefined && through === undefined) throw machineUnknown(ekHash);
  if (known !== undefined) refuseKnown(known, through, trace);
  if (through !== undefined) parts.entrance.checkRoom(through, { ekHash, isKnown: known !== undefined });
  const namespace = through?.metadata.namespace ?? known?.metadata.namespace ?? "";
  const judgedBy = through ?? parts.registrations.judging(`${namespace}/${known?.registrationName ?? ""}`);
  const challenges = [known?.challenge, parts.deletedChallenge(ekHash)];
  return { registration: through, judgedBy, namespace, challenges };
}

/** Without what else the object has: what is traced is logged. */
export function namesOf({
  namespace,
  name,
  uid,
}: {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}) {
  return { namespace, name, uid };
}

function throughOf(registration: MachineRegistration | undefined, purpose: Purpose): ThroughRegistration | undefined {
  if (registration === undefined || purpose.kind !== "registration") return undefined;
  return { ...namesOf(registration.metadata), tokenDigest: tokenDigest(purpose.token) };
}

/** Said again after the challenge; here it spares the machine and us the work. */
export function refuseKnown(known: InventoryEntry, through: MachineRegistration | undefined, trace: Trace): void {
  trace.inventory = namesOf(known.metadata);
  if (known.approval === "Denied") throw new SessionError("MACHINE_DENIED", "this machine was denied");
  if (through === undefined || through.metadata.namespace === known.metadata.namespace) return;
  throw new SessionError("MACHINE_ELSEWHERE", "this machine belongs to another namespace than this registration");
}

/** @throws AttestationMessageError, SealError, SessionError, AttestationError, KubernetesError */
export async function challenge(parts: ProtocolParts, body: Buffer, trace: Trace): Promise<Buffer> {
  trace.beganMs = parts.nowMs();
  const request = readAttestRequest(body);
  const protocol = commonVersion(request.protocol);
  const { nonce, channel, purpose, ek, ekChain, ak } = request;
  await checkNonce(parts.keys, nonce, parts.nowMs());
  if (!(await parts.isOwnChannel(channel))) {
    throw new SessionError("CHANNEL_MISMATCH", "the machine sees another TLS key than this server's");
  }
  const attestation = verifyAttestation(
    { ek, ak },
    { ...parts.policy, acceptRsa3072: true, qualifyingData: qualifyingData(nonce, channel) },
  );
  const { endorsementKey, attestationKey } = attestation;
  trace.ekHash = endorsementKey.hash;
  trace.akName = attestationKey.name.toString("hex");
  const { registration, judgedBy, namespace, challenges } = wayOf(parts, purpose, endorsementKey.hash, trace);
  const machine = { ekHash: endorsementKey.hash, ek, ekChain };
  const verdict = await judge(parts, judgedBy, namespace, machine, registration !== undefined);
  const secret = parts.random(SECRET_MAX_BYTES);
  const credential = makeCredential({
    ek: endorsementKey,
    akName: attestationKey.name,
    secret,
    randomBytes: parts.random,
  });
  const state = sealChallengeState(
    parts.keys.sealing(),
    {
      id: parts.random(ID_BYTES).toString("hex"),
      issuedAtMs: nextChallengeMs(parts.nowMs(), challenges),
      protocol,
      ekHash: endorsementKey.hash,
      akName: attestationKey.name,
      secret,
      registration: throughOf(registration, purpose),
      trust: verdict.class,
      root: verdict.root,
      certificateSha256: verdict.certificateSha256,
    },
    parts.random(IV_BYTES),
  );
  return writeChallengeAnswer({
    protocol,
    ...credential,
    state,
    expiresInSeconds: CHALLENGE_LIFETIME_MS / 1000,
  });
}
