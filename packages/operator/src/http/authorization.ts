/** The Authorization header of a machine. */

export type Authorization =
  | { readonly kind: "none" }
  /** `Bearer TPM` and attestation data, with no space in between. */
  | { readonly kind: "tpm"; readonly header: string }
  | { readonly kind: "bearer"; readonly value: string }
  | { readonly kind: "unsupported" };

export function authorizationOf(header: string | undefined): Authorization {
  if (header === undefined || header === "") return { kind: "none" };
  if (header.startsWith("Bearer TPM")) return { kind: "tpm", header };
  const bearer = /^Bearer ([A-Za-z0-9+/=._~-]+)$/.exec(header);
  return bearer?.[1] === undefined ? { kind: "unsupported" } : { kind: "bearer", value: bearer[1] };
}
