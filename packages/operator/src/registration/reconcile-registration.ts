/** Decides what the status of a MachineRegistration should be: its token, its URL, and whether machines can come. */
import type { MachineRegistration, MachineRegistrationStatus } from "@rancheros/protocol/resources";
import { templateProblems } from "@rancheros/protocol/templates";
import { registrationUrl } from "../rancherd/index.ts";
import { reportIntervalRemark } from "./report-interval.ts";
import type { TokenState } from "./registration-tokens.ts";
import { secretNameOf, tokenDigest } from "./token-secret.ts";

type Condition = NonNullable<MachineRegistrationStatus["conditions"]>[number];

/** How many digits of the token's SHA-256 the status shows. */
const SHOWN_HASH_DIGITS = 16;

export interface AnchorsStanding {
  /** What is to be said about its trust anchors; null where it has none. */
  readonly trustAnchors: Readiness | null;
  /** Whether any machine could prove by them what it demands. */
  readonly isProvable: boolean;
}

/** What it is about trust anchors is undefined where they could not be read: then what was said stands. */
export interface Surroundings {
  /** Address that machines use; undefined while it is not known. */
  readonly serverUrl: string | undefined;
  readonly nowMs: number;
  readonly state: TokenState;
  /** Whether another registration has the same token. */
  readonly isShared: boolean;
  /** Whether as many machines as spec.token.maxMachines came through. */
  readonly isFull: boolean;
  /** Whether the status shows token and URL, as the original does. */
  readonly tokenInStatus: boolean;
  readonly trustAnchors?: AnchorsStanding["trustAnchors"] | undefined;
  readonly isProvable?: AnchorsStanding["isProvable"] | undefined;
}

/** A merge patch of the status: null takes a field away. */
export interface StatusPatch {
  readonly registrationToken: string | null;
  readonly registrationURL: string | null;
  readonly tokenSecretName: string | null;
  readonly tokenHash: string | null;
  readonly tokenRotation: number | null;
  readonly conditions: readonly Condition[];
}

/** A condition without type and time. */
export type Readiness = Pick<Condition, "status" | "reason" | "message">;

function no(reason: string, message: string): Readiness {
  return { status: "False", reason, message };
}

/** Whether spec.token.expiresAt has passed; what nobody can read has. */
export function isExpired(registration: MachineRegistration, nowMs: number): boolean {
  const at = registration.spec.token?.expiresAt;
  return at !== undefined && !(Date.parse(at) > nowMs);
}

function expiredSentence(at: string): string {
  return Number.isNaN(Date.parse(at))
    ? `spec.token.expiresAt is ${at}, which is no time: write it as 2026-01-31T12:00:00Z`
    : `the token expired at ${at}: set spec.token.expiresAt later`;
}

const UNPROVABLE = "TrustAnchorsMissing";

function saysUnprovable({ status }: MachineRegistration): boolean {
  return (status?.conditions ?? []).some(({ type, reason }) => type === "Ready" && reason === UNPROVABLE);
}

function unprovableSentence({ attestation }: MachineRegistration["spec"]): string {
  const keys = attestation?.class === "virtual" ? "hardware or virtual" : "hardware";
  const { configMapName, secretName } = attestation?.trustAnchors ?? {};
  const own = secretName === undefined ? `ConfigMap ${configMapName}` : `Secret ${secretName}`;
  const where = attestation?.trustAnchors === undefined ? "the operator's ConfigMap" : own;
  return `spec.attestation.class is ${attestation?.class ?? "any"}, and no trust anchor could prove that, so nobody registers: put the roots of the machines' TPMs into ${where}, under keys that begin with ${keys}`;
}

const NOBODY_LISTED =
  "spec.attestation.endorsementKeys is an empty list, so nobody registers: add what ros-agent get-tpm-hash prints on the machines, or take the list away to let in all others too";

/** Where what it demands of machines lets none in. */
function nobodyAccepted(registration: MachineRegistration, { isProvable }: Surroundings): Readiness | undefined {
  const { spec } = registration;
  if (spec.attestation?.endorsementKeys?.length === 0) return no("EndorsementKeysEmpty", NOBODY_LISTED);
  return (isProvable ?? !saysUnprovable(registration)) ? undefined : no(UNPROVABLE, unprovableSentence(spec));
}

function readiness(registration: MachineRegistration, around: Surroundings): Readiness {
  const { state, serverUrl } = around;
  const { spec } = registration;
  if (state.kind === "trouble") return no(state.trouble.reason, state.trouble.message);
  if (around.isShared) {
    return no("TokenNotUnique", "another MachineRegistration has the same token, and neither serves: change one");
  }
  if (spec.disabled === true) return no("Disabled", "spec.disabled is true: nobody registers");
  if (isExpired(registration, around.nowMs)) {
    return no("TokenExpired", expiredSentence(spec.token?.expiresAt ?? ""));
  }
  if (around.isFull) {
    const max = spec.token?.maxMachines ?? 0;
    return no("Full", `${max} machines came through, as many as spec.token.maxMachines allows`);
  }
  if (serverUrl === undefined) {
    const message =
      "there is no server-url, or it is no http or https address: give --server-url, or set it in Rancher's settings";
    return no("ServerURLNotSet", message);
  }
  const nobody = nobodyAccepted(registration, around);
  if (nobody !== undefined) return nobody;
  const where = around.tokenInStatus ? "status.registrationURL" : `the URL of Secret ${secretNameOf(registration)}`;
  return { status: "True", reason: "URLPublished", message: `machines can register at ${where}` };
}

/** With what is not gone by as it is written. */
function remarked(found: Readiness, { spec }: MachineRegistration): Readiness {
  const remark = reportIntervalRemark(spec);
  return remark === undefined ? found : { ...found, message: `${found.message ?? ""}; ${remark}` };
}

function isSame(old: Condition, next: Condition): boolean {
  return (
    old.status === next.status &&
    old.reason === next.reason &&
    old.message === next.message &&
    old.observedGeneration === next.observedGeneration
  );
}

/** What a condition's message may be long; the API server takes 32 KiB. */
const MESSAGE_MAX = 2048;

/** Null where there is nothing to say. */
function templatesFinding({ spec }: MachineRegistration): Readiness | null {
  const text = templateProblems(spec).join("; ");
  if (text === "") return null;
  return no("Problems", text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX - 3)}...` : text);
}

function nextConditions(registration: MachineRegistration, around: Surroundings): readonly Condition[] {
  const findings: readonly (readonly [string, Readiness | null | undefined])[] = [
    ["TrustAnchors", around.trustAnchors],
    ["Templates", templatesFinding(registration)],
    ["Ready", remarked(readiness(registration, around), registration)],
  ];
  return findings.reduce<readonly Condition[]>(
    (conditions, [type, found]) => withFinding(conditions, type, found, registration, around),
    registration.status?.conditions ?? [],
  );
}

/** @param found  null takes the condition away, undefined leaves it as it is */
function withFinding(
  old: readonly Condition[],
  type: string,
  found: Readiness | null | undefined,
  registration: MachineRegistration,
  around: Surroundings,
): readonly Condition[] {
  if (found) return withCondition(old, type, found, registration, around);
  return found === null && old.some((one) => one.type === type) ? old.filter((one) => one.type !== type) : old;
}

/** @returns the old ones themselves where nothing is new */
function withCondition(
  old: readonly Condition[],
  type: string,
  found: Readiness,
  { metadata }: MachineRegistration,
  { nowMs }: Surroundings,
): readonly Condition[] {
  const before = old.find((one) => one.type === type);
  const now = new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");
  const flipped = before?.status !== found.status;
  const next: Condition = {
    type,
    ...found,
    // Half a character is stored as another one, and would be written again and again.
    ...(found.message === undefined ? {} : { message: found.message.toWellFormed() }),
    lastTransitionTime: flipped ? now : (before?.lastTransitionTime ?? now),
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
  };
  if (before !== undefined && isSame(before, next)) return old;
  return [...old.filter((one) => one.type !== type), next];
}

/** While the address is not known, the one that was published before stands, if it still has this token. */
function urlOf(registration: MachineRegistration, serverUrl: string | undefined, token: string): string | null {
  if (serverUrl !== undefined) return registrationUrl(serverUrl, token);
  const old = registration.status?.registrationURL;
  return old?.endsWith(`/${token}`) === true ? old : null;
}

function isWritten(old: MachineRegistrationStatus, next: StatusPatch): boolean {
  const { conditions, ...fields } = next;
  const stored = new Map<string, unknown>(Object.entries(old));
  return (
    conditions === old.conditions && Object.entries(fields).every(([key, value]) => (stored.get(key) ?? null) === value)
  );
}

/** The status to write, or undefined where it is right already. */
export function reconcileRegistration(
  registration: MachineRegistration,
  around: Surroundings,
): StatusPatch | undefined {
  const tokens = around.state.kind === "tokens" ? around.state.tokens : undefined;
  const shown = around.tokenInStatus ? tokens?.token : undefined;
  const next: StatusPatch = {
    registrationToken: shown ?? null,
    registrationURL: shown === undefined ? null : urlOf(registration, around.serverUrl, shown),
    tokenSecretName: secretNameOf(registration),
    tokenHash: tokens === undefined ? null : tokenDigest(tokens.token).slice(0, SHOWN_HASH_DIGITS),
    tokenRotation: tokens?.rotation ?? null,
    conditions: nextConditions(registration, around),
  };
  return isWritten(registration.status ?? {}, next) ? undefined : next;
}
