/** The third step: the TPM gave up the secret, so the machine is who it said, and gets what is meant for it. */
import {
  isAnswerProof,
  readAnswerRequest,
  readMachineReport,
  RESPONSE_MAX_BYTES,
  sealAnswer,
  SESSION_LIFETIME_MS,
  writeAdmission,
  writeSealedAnswer,
  type AnswerRequest,
  type MachineReport,
} from "@rancheros/protocol/attestation";
import type { MachineInventory, MachineRegistration } from "@rancheros/protocol/resources";
import { approvalOf, challengeText, InventoryError, isLaterChallenge, type Claim } from "../inventory/index.ts";
import { openChallengeState, sealSession, sessionSealKey, type ChallengeState } from "../session/index.ts";
import { claimMachine } from "./claim-machine.ts";
import { chosenBy, judgeAgain, newInventory } from "./door.ts";
import { machineUnknown, SessionError } from "./errors.ts";
import { namesOf, refuseKnown } from "./protocol-attest.ts";
import { commonVersion, nextAskInSeconds, type ProtocolParts, type Trace } from "./protocol-parts.ts";
import type { UsedChallenges } from "./used-challenges.ts";

const IV_BYTES = 12;

/** The registration that the challenge was made for, unless it or its token went away while the TPM was working. */
async function registrationOf(parts: ProtocolParts, state: ChallengeState): Promise<MachineRegistration | undefined> {
  const through = state.registration;
  if (through === undefined) return undefined;
  const found = parts.entrance.enteredThrough(through);
  await judgeAgain(parts, found, state);
  return found;
}

function challengeUsed(): InventoryError {
  return new InventoryError("CHALLENGE_USED", "this challenge has been answered, begin again");
}

async function claimFor(
  parts: ProtocolParts,
  state: ChallengeState,
  registration: MachineRegistration | undefined,
  report: MachineReport | undefined,
): Promise<Claim> {
  const { ekHash, trust, root, certificateSha256, protocol } = state;
  if (registration === undefined) {
    const [known] = parts.inventories.withEndorsementKey(ekHash);
    if (known === undefined) throw machineUnknown(ekHash);
    return { entry: known, made: false };
  }
  if (!isLaterChallenge(state, parts.deletedChallenge(ekHash))) throw challengeUsed();
  const challenge = challengeText(state);
  const shown = { trust, root, certificateSha256 };
  const machine = { ekHash, smbios: report?.smbios, ...shown, protocol, challenge, report };
  return claimMachine(parts, registration, ekHash, (attempt) => newInventory(registration, machine, attempt));
}

function reasonFor(approval: ReturnType<typeof approvalOf>, made: boolean): NonNullable<Trace["outcome"]> {
  if (approval === "Pending") return { kind: "pending", reason: "MACHINE_PENDING" };
  return made ? { kind: "admitted", reason: "MACHINE_REGISTERED" } : { kind: "known", reason: "MACHINE_KNOWN" };
}

/** @throws AttestationMessageError, SealError, SessionError, InventoryError, KubernetesError */
export async function admit(parts: ProtocolParts, used: UsedChallenges, body: Buffer, trace: Trace): Promise<Buffer> {
  const request = readAnswerRequest(body);
  const state = await openChallengeState(parts.keys, request.state, parts.nowMs());
  trace.ekHash = state.ekHash;
  trace.beganMs = state.issuedAtMs;
  trace.akName = state.akName.toString("hex");
  if (state.registration !== undefined) trace.registration = namesOf(state.registration);
  if (commonVersion(request.protocol) !== state.protocol) {
    throw new SessionError("PROTOCOL_CHANGED", "the machine changed the protocol's version on the way");
  }
  if (!isAnswerProof(request.proof, state.secret, request.state, request.report)) {
    throw new SessionError("PROOF_WRONG", "the answer does not show that the TPM gave up the secret");
  }
  const report = request.report.length === 0 ? undefined : readMachineReport(request.report);
  if (!used.use(state.id, parts.nowMs())) {
    throw challengeUsed();
  }
  const registration = await registrationOf(parts, state);
  const claim = await claimFor(parts, state, registration, report);
  refuseKnown(claim.entry, registration, trace);
  const { ekHash, trust, root, certificateSha256, protocol } = state;
  const isRegistration = registration !== undefined;
  const proof = { challenge: state, protocol, ekHash, trust, root, certificateSha256, report, isRegistration };
  const chosen = chosenBy(registration, report);
  trace.notAccepted = chosen.notAccepted;
  const { inventory, isRecordedAnew } = await parts.records.prove(claim, proof, chosen);
  const approval = approvalOf(inventory.spec.approval);
  // The index may be a moment behind the object itself.
  if (approval === "Denied") throw new SessionError("MACHINE_DENIED", "this machine was denied");
  trace.outcome = isRecordedAnew
    ? { kind: "known", reason: "MACHINE_CERTIFICATE_RECORDED" }
    : reasonFor(approval, claim.made);
  return sealedAdmission(parts, { request, state, inventory, registration });
}

interface Admitted {
  readonly request: AnswerRequest;
  readonly state: ChallengeState;
  readonly inventory: MachineInventory;
  readonly registration: MachineRegistration | undefined;
}

/** @throws SessionError CONFIG_TOO_LARGE */
function sealedAdmission(parts: ProtocolParts, admitted: Admitted): Buffer {
  const { request, state, inventory, registration } = admitted;
  const { namespace, name, uid } = inventory.metadata;
  const approval = approvalOf(inventory.spec.approval);
  const isConfigured = approval === "Approved" && registration !== undefined;
  const { ekHash } = state;
  const { smbios } = inventory.spec;
  const subject = { uid, namespace, name, ekHash };
  const keys = parts.keys.sealing();
  const token = sealSession(keys, subject, parts.nowMs());
  const plain = writeAdmission({
    machine: { namespace, name, uid },
    approval,
    trust: state.trust,
    config: isConfigured ? parts.configFor(registration, { name, ekHash, smbios }) : undefined,
    session: { token, key: sessionSealKey(keys, token), expiresInSeconds: SESSION_LIFETIME_MS / 1000 },
    ca: parts.caForMachines(),
    nextAskInSeconds: nextAskInSeconds(approval, registration, parts.inventories.pendingCount, parts.random),
  });
  const sealed = sealAnswer(plain, state.secret, request, parts.random(IV_BYTES));
  const answer = writeSealedAnswer({ protocol: state.protocol, sealed });
  if (answer.length <= RESPONSE_MAX_BYTES) return answer;
  // What was cut the machine could not open, and nobody would know why.
  const words = `the answer has ${answer.length} bytes, and machines take ${RESPONSE_MAX_BYTES}`;
  throw new SessionError("CONFIG_TOO_LARGE", `the registration's cloud config is too large: ${words}`);
}
