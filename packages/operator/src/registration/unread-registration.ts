/**
 * MachineRegistrations that are stored and cannot be read here; see controller/unreadable.ts. Nobody registers through one,
 * and machines are told to come back. What it names its token and its trust anchors by is read by itself, so that its
 * machines find it, and those that go on are judged by it still.
 */
import { parseMachineRegistration, type MachineRegistration } from "@rancheros/protocol/resources";
import { memberOf, unreadable, type Unreadable } from "../controller/index.ts";

export interface UnreadRegistration extends Unreadable {
  /** Its names and what could be read of its spec. */
  readonly known: MachineRegistration;
  /** Whether what counts of spec.attestation for a machine that goes on is among that, or is not there. */
  readonly isAttestationKnown: boolean;
}

/** What is asked of a machine that goes on; what is demanded of new ones may be of tomorrow. */
const FOR_KNOWN = ["trustAnchors", "expiredCertificates"] as const;

function only(key: string, value: unknown): object {
  return value === undefined ? {} : { [key]: value };
}

/** What is no object is kept as it is, and then nobody can tell what it says. */
function forKnown(attestation: unknown): unknown {
  if (typeof attestation !== "object" || attestation === null || Array.isArray(attestation)) return attestation;
  return Object.assign({}, ...FOR_KNOWN.map((key) => only(key, memberOf(attestation, key))));
}

/** @param object  that is no MachineRegistration. @returns undefined where it is on its way out, or where nothing names it */
export function unreadRegistration(object: unknown, problems: readonly string[]): UnreadRegistration | undefined {
  const stored = unreadable(object, problems);
  if (stored === undefined) return undefined;
  const [spec, status] = [memberOf(object, "spec"), memberOf(object, "status")];
  const bare = {
    metadata: stored.metadata,
    spec: { token: only("secretName", memberOf(memberOf(spec, "token"), "secretName")) },
    status: only("registrationToken", memberOf(status, "registrationToken")),
  };
  const attestation = only("attestation", forKnown(memberOf(spec, "attestation")));
  const whole = parseMachineRegistration({ ...bare, spec: { ...bare.spec, ...attestation } });
  if (whole.ok) return { ...stored, known: whole.value, isAttestationKnown: true };
  const rest = parseMachineRegistration(bare);
  // Whose Secret cannot be told is found by no token but that of the Secret that the operator makes.
  const known = rest.ok ? rest.value : { metadata: stored.metadata, spec: {} };
  return { ...stored, known, isAttestationKnown: false };
}
