/** What a hostile client does: real messages, one field wrong at a time, and what it is told for it. */
import type { SoftwareAttestationKey } from "../software-tpm/index.ts";

/** Where a refusal was said: in an HTTP answer, or in the close frame of a websocket. */
export interface Told {
  readonly via: "http" | "close";
  /** HTTP status, or code of the close frame. */
  readonly code: number;
  readonly text: string;
}

export interface Scene {
  /** Registration URL of an open door, with its token. */
  readonly url: string;
  /** The same address without path. */
  readonly origin: string;
  /** To share between identities: making one takes most of the time. */
  readonly ak: SoftwareAttestationKey;
}

/** The lines of the list of what a server must refuse; docs/security.md has them too. */
export const LINES = {
  token: "a registration token that is missing, unknown, switched off, expired or used up",
  ek: "an endorsement key that is missing, of another kind, too weak, or that can be factored",
  certificate: "a certificate that is not of an allowed root, or not for this key",
  ak: "an attestation key that fails one of the checks, trailing bytes, SHA-1",
  challenge: "a second, late, foreign or wrong answer to a challenge",
  twice: "a second machine with the same endorsement key",
  changed: "another key for a machine that is known; another certificate",
  size: "more, deeper or other bytes than allowed",
  asked: "labels, role, cluster and addresses that the machine asks for itself",
  channel: "plain HTTP, no binding to the TLS key, a step back to a weaker protocol",
  rate: "more than the rate, or too many half-open challenges",
} as const satisfies Readonly<Record<string, string>>;

export interface AttackFacts {
  readonly line: keyof typeof LINES;
  readonly what: string;
  /** The code that the audit log has for it. */
  readonly reason: string;
  readonly told: { readonly via: Told["via"]; readonly code: number; readonly text: RegExp };
}

export interface Attack<In = Scene> extends AttackFacts {
  readonly run: (scene: In) => Promise<Told>;
}

/** Something happens between two of its steps. */
export interface StagedAttack<In = Scene> extends AttackFacts {
  /** All that comes before the step that is to be refused; from there on nothing may change. */
  readonly arrange: (scene: In) => Promise<() => Promise<Told>>;
}
