/** Lists of revoked certificates of made-up authorities: every field can be set wrong. */
import { sign } from "node:crypto";
import { signatureAlgorithm, type MadeAuthority } from "./certificate-authority.ts";
import { element, name, sequence, time } from "./der.ts";

export interface RevocationListParts {
  /** Contents of INTEGERs. */
  readonly serialNumbers?: readonly Buffer[];
  readonly thisUpdate?: Date;
  /** null: none is written. */
  readonly nextUpdate?: Date | null;
  readonly issuer?: string;
  readonly hash?: "sha1" | "sha256" | "sha384" | "sha512";
  readonly extensions?: readonly Buffer[];
  /** Of each entry. */
  readonly entryExtensions?: readonly Buffer[];
  /** In place of what is written of thisUpdate. */
  readonly thisUpdateDer?: Buffer;
}

/** @returns DER */
export function createRevocationList(authority: MadeAuthority, parts: RevocationListParts = {}): Buffer {
  const { serialNumbers = [], hash = "sha256", extensions = [], entryExtensions = [] } = parts;
  const issued = parts.thisUpdate ?? new Date("2026-01-01T00:00:00Z");
  const nextUpdate = parts.nextUpdate === undefined ? new Date("2999-01-01T00:00:00Z") : parts.nextUpdate;
  const algorithm = signatureAlgorithm(authority.key.asymmetricKeyType, hash);
  const none = Buffer.alloc(0);
  const entries = serialNumbers.map((serialNumber) =>
    sequence(
      element(0x02, serialNumber),
      time(issued),
      entryExtensions.length === 0 ? none : sequence(...entryExtensions),
    ),
  );
  const tbs = sequence(
    element(0x02, Buffer.from([1])),
    algorithm,
    name(parts.issuer ?? authority.name),
    parts.thisUpdateDer ?? time(issued),
    nextUpdate === null ? none : time(nextUpdate),
    entries.length === 0 ? none : sequence(...entries),
    extensions.length === 0 ? none : element(0xa0, sequence(...extensions)),
  );
  return sequence(tbs, algorithm, element(0x03, Buffer.from([0]), sign(hash, tbs, authority.key)));
}

export function listPemOf(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN X509 CRL-----\n${lines.join("\n")}\n-----END X509 CRL-----\n`;
}
