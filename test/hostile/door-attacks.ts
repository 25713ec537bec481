/** Doors that are closed, full, or want more than is shown; each is tried in both protocols where both could open it. */
import { randomBytes } from "node:crypto";
import type { EndorsementKey } from "@rancheros/protocol/messages";
import { answer, askNonce, attest, visitAttested, type AttestedVisit } from "../machine/attested-visit.ts";
import {
  createAuthority,
  createCertificate,
  ekExtensions,
  generateRsaEndorsementKey,
  softwareTpm,
  type MadeAuthority,
  type SoftwareTpm,
} from "../software-tpm/index.ts";
import type { LINES, Scene, Told } from "./attack.ts";
import { refused } from "./attested-attacks.ts";
import { dialAndListen, newTpm } from "./say.ts";

/** ConfigMap with the roots that the doors below trust: a hypervisor's, and no chip maker's. */
export const ANCHORS = "tpm-roots";
const trustAnchors = { configMapName: ANCHORS };

/** `spec` of the MachineRegistrations that are tried. */
export const DOORS = {
  disabled: { disabled: true },
  expired: { token: { expiresAt: "2020-01-01T00:00:00Z" } },
  single: { token: { maxMachines: 1 } },
  listed: { attestation: { endorsementKeys: ["0".repeat(64)] } },
  virtual: { attestation: { class: "virtual", trustAnchors } },
  hardware: { attestation: { class: "hardware", trustAnchors } },
  modern: { attestation: { legacyProtocol: "refuse" } },
} as const satisfies Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export type Door = keyof typeof DOORS;

export interface DoorScene extends Omit<Scene, "url"> {
  readonly channel: Buffer;
  /** Tokens of DOORS. */
  readonly tokens: Readonly<Record<Door, string>>;
  readonly hypervisor: MadeAuthority;
  /** Came in through the door `virtual`, with the hypervisor's certificate and by the attestation protocol. */
  readonly known: SoftwareTpm;
}

export interface DoorAttack {
  readonly line: keyof typeof LINES;
  readonly what: string;
  readonly reason: string;
  readonly told: { readonly via: Told["via"]; readonly code: number; readonly text: RegExp };
  readonly run: (scene: DoorScene) => Promise<Told>;
}

/** A TPM for whose endorsement key this authority vouches. */
export function endorsedTpm(scene: Pick<Scene, "ak">, authority: MadeAuthority): SoftwareTpm {
  const ek = generateRsaEndorsementKey(2048, randomBytes);
  return softwareTpm(ek, scene.ak, certificateFor(ek.spkiDer, authority));
}

function certificateFor(spkiDer: Buffer, authority: MadeAuthority): Buffer {
  return createCertificate(authority.key, { spkiDer, issuer: authority.name, extensions: ekExtensions() });
}

/** Calls itself what the hypervisor's is called. */
const impostor = ({ hypervisor }: DoorScene): MadeAuthority => createAuthority(hypervisor.name);

export function through(scene: Omit<DoorScene, "known">, door: Door, tpm: SoftwareTpm): AttestedVisit {
  const { origin, channel, tokens } = scene;
  return { next: () => origin, tpm, channel, purpose: { kind: "registration", token: tokens[door] } };
}

type Who = (scene: DoorScene) => SoftwareTpm;
const stranger: Who = (scene) => newTpm({ ...scene, url: "" });

interface Case {
  readonly line: DoorAttack["line"];
  readonly what: string;
  readonly reason: string;
  readonly door: Door;
  readonly who: Who;
}

function attested({ door, who, ...about }: Case): DoorAttack {
  return {
    ...about,
    told: { via: "http", code: 403, text: new RegExp(`^${about.reason}: `) },
    run: async (scene) => refused(visitAttested(through(scene, door, who(scene)))),
  };
}

function legacy({ door, who, what, ...about }: Case, text: RegExp): DoorAttack {
  return {
    ...about,
    what: `${what}, in rancherd's protocol`,
    told: { via: "http", code: 401, text },
    run: async (scene) => {
      const url = `${scene.origin}/v1-rancheros/registration/${scene.tokens[door]}`;
      return dialAndListen({ url, headers: { Authorization: who(scene).authorization() } });
    },
  };
}

const BOTH: readonly (readonly [Case, RegExp])[] = [
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
    told: { via: "http", code: 403, text: /^TRUST_CLASS_NOT_PROVED: / },
    run: async (scene) => {
      const visit = through(scene, "virtual", scene.known);
      return refused(attest(visit, await askNonce(visit.next), (request) => ({ ...request, ek: ek(scene) })));
    },
  };
}

export const DOOR_ATTACKS: readonly DoorAttack[] = [
  ...BOTH.flatMap(([about, text]) => [attested(about), legacy(about, text)]),
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
    told: { via: "http", code: 403, text: /^MACHINE_UNKNOWN: / },
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
    told: { via: "http", code: 403, text: /^PROOF_WRONG: / },
    run: async (scene) => {
      const visit = through(scene, "virtual", scene.known);
      const { state } = await attest(visit, await askNonce(visit.next));
      // It cannot open the credential: it can only guess.
      const guess = { state, secret: Buffer.alloc(32), report: Buffer.alloc(0), proof: Buffer.alloc(32) };
      return refused(answer(visit.next, guess));
    },
  },
  legacy(
    { line: "channel", what: "a door for the newer protocol", reason: "LEGACY_REFUSED", door: "modern", who: stranger },
    /use ros-agent/,
  ),
  legacy(
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
