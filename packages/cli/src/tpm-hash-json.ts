/** What `ros-agent get-tpm-hash --json` says. */
import type { EndorsementKey, EndorsementKeyKind } from "@rancheros/agent/tpm";

/** Result of `get-tpm-hash --json`. */
export interface TpmHashJson {
  /** 64 lower-case hexadecimal digits */
  readonly hash: string;
  readonly kind: EndorsementKeyKind;
  readonly source:
    | {
        readonly kind: "certificate";
        /** For example 0x01c00002. */
        readonly nvIndex: string;
        readonly issuer: string;
        readonly subject: string;
        /** RFC 3339, UTC; null where nobody can read it */
        readonly notBefore: string | null;
        readonly notAfter: string | null;
      }
    | {
        readonly kind: "template";
        readonly why: string;
        readonly certificateProblem?: { readonly code: string; readonly message: string; readonly mend: string };
      };
}

function timeText(date: Date): string | null {
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** What is told of the key, for programs. */
export function tpmHashJson({ kind, hash, source }: EndorsementKey): TpmHashJson {
  if (source.kind === "certificate") {
    const { nvIndex, issuer, subject, notBefore, notAfter } = source;
    const index = `0x${nvIndex.toString(16).padStart(8, "0")}`;
    const validity = { notBefore: timeText(notBefore), notAfter: timeText(notAfter) };
    return { hash, kind, source: { kind: "certificate", nvIndex: index, issuer, subject, ...validity } };
  }
  const { why, certificateProblem: problem } = source;
  if (problem === undefined) return { hash, kind, source: { kind: "template", why } };
  const { code, message, mend } = problem;
  return { hash, kind, source: { kind: "template", why, certificateProblem: { code, message, mend } } };
}
