/** Doors that do not open; each is tried in both protocols where both could open it. */
import type { EndorsementKey } from "@rancheros/protocol/messages";
import { answer, askNonce, attest, visitAttested } from "../machine/attested-visit.ts";
import { createAuthority, type MadeAuthority, type SoftwareTpm } from "../software-tpm/index.ts";
import type { Attack } from "./attack.ts";
import { refused, toldCode } from "./attested-attacks.ts";
import { certificateFor, endorsedTpm, legacyUrl, through, type Door, type DoorScene } from "./doors.ts";
import { dialAndListen, newTpm } from "./say.ts";

export type DoorAttack = Attack<DoorScene>;

/** Calls itself what the hypervisor's is called. */
const impostor = ({ hypervisor }: DoorScene): MadeAuthority => createAuthority(hypervisor.name);

export type Who = (scene: DoorScene) => SoftwareTpm;
export const stranger: Who = (scene) => newTpm(scene);

export interface DoorCase {
  readonly line: DoorAttack["line"];
  readonly what: string;
  readonly reason: string;
  readonly door: Door;
  readonly who: Who;
}

export function attestedAttack({ door, who, ...about }: DoorCase): DoorAttack {
  return {
    ...about,
    told: toldCode(403, about.reason),
    run: async (scene) => refused(visitAttested(through(scene, door, who(scene)))),
  };
}

export function legacyAttack({ door, who, what, ...about }: DoorCase, text: RegExp): DoorAttack {
  return {
    ...about,
    what: `${what}, in rancherd's protocol`,
    told: { via: "http", code: 401, text },
    run: async (scene) =>
      dialAndListen({ url: legacyUrl(scene, door), headers: { Authorization: who(scene).authorization() } }),
  };
}

const BOTH: readonly (readonly [DoorCase, RegExp])[] = [
  [
    {
      line: "token",
      what: "a door that is switched off",
      reason: "REGISTRATION_DISABLED",
      door: "disabled",
      who: stranger,
    },
    /disabled/,
  ],
  [
    { line: "token", what: "a token that has expired", reason: "REGISTRATION_EXPIRED", door: "expired", who: stranger },
    /has expired/,
  ],
  [
    { line: "token", what: "a token that is used up", reason: "REGISTRATION_FULL", door: "single", who: stranger },
    /no more machines/,
  ],
  [
    { line: "ek", what: "a key that is not on the list", reason: "EK_NOT_ALLOWED", door: "listed", who: stranger },
    /list/,
  ],
  [
    {
      line: "certificate",
      what: "a key pair in software",
      reason: "TRUST_CLASS_NOT_PROVED",
      door: "virtual",
      who: stranger,
    },
    /wants proof/,
  ],
  [
    {
      line: "certificate",
      what: "a certificate of a root that only has the right name",
      reason: "TRUST_CLASS_NOT_PROVED",
      door: "virtual",
      who: (scene) => endorsedTpm(scene, impostor(scene)),
    },
    /wants proof/,
  ],
  [
    {
      line: "certificate",
      what: "a hypervisor's word where a chip maker's is wanted",
      reason: "TRUST_CLASS_NOT_PROVED",
      door: "hardware",
      who: (scene) => endorsedTpm(scene, scene.hypervisor),
    },
    /wants proof/,
  ],
];

/** The known machine shows something else in place of its certificate. */
function changedCertificate(what: string, ek: (scene: DoorScene) => EndorsementKey): DoorAttack {
  return {
    line: "changed",
    what,
    reason: "TRUST_CLASS_NOT_PROVED",
    told: toldCode(403, "TRUST_CLASS_NOT_PROVED"),
    run: async (scene) => {
      const visit = through(scene, "virtual", scene.known);
      return refused(attest(visit, await askNonce(visit.next), (request) => ({ ...request, ek: ek(scene) })));
    },
  };
}

export const DOOR_ATTACKS: readonly DoorAttack[] = [
  ...BOTH.flatMap(([about, text]) => [attestedAttack(about), legacyAttack(about, text)]),
  changedCertificate("a known machine without its certificate", ({ known }) => ({
    type: "public-key",
    spkiDer: known.ekSpkiDer,
  })),
  changedCertificate("a known machine with a certificate of somebody else's", (scene) => ({
    type: "certificate",
    certificateDer: certificateFor(scene.known.ekSpkiDer, impostor(scene)),
  })),
  {
    line: "changed",
    what: "another key that would go on as the known machine",
    reason: "MACHINE_UNKNOWN",
    told: toldCode(403, "MACHINE_UNKNOWN"),
    run: async (scene) =>
      refused(
        visitAttested({
          ...through(scene, "virtual", endorsedTpm(scene, scene.hypervisor)),
          purpose: { kind: "session" },
        }),
      ),
  },
  {
    line: "changed",
    what: "the known machine's certificate, shown by who does not have its TPM",
    reason: "PROOF_WRONG",
    told: toldCode(403, "PROOF_WRONG"),
    run: async (scene) => {
      const visit = through(scene, "virtual", scene.known);
      const { state } = await attest(visit, await askNonce(visit.next));
      // It cannot open the credential: it can only guess.
      const guess = { state, secret: Buffer.alloc(32), report: Buffer.alloc(0), proof: Buffer.alloc(32) };
      return refused(answer(visit.next, guess));
    },
  },
  legacyAttack(
    { line: "channel", what: "a door for the newer protocol", reason: "LEGACY_REFUSED", door: "modern", who: stranger },
    /use ros-agent/,
  ),
  legacyAttack(
    {
      line: "channel",
      what: "a machine that has used the newer protocol",
      reason: "LEGACY_DOWNGRADE",
      door: "virtual",
      who: ({ known }) => known,
    },
    /has used the attestation protocol before/,
  ),
];
