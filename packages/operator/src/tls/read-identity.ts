/** The operator's TLS identity as a Secret keeps it; what somebody has made nonsense of is left out. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { joinPem, trustBundle, type TlsIdentity } from "./identity.ts";

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
/** A bundle of more than that is none that we have written. */
const LONGEST_CHARACTERS = 64 * 1024;

/** A CA is taken over on this word: see docs/operations.md. */
export const ROTATE_ANNOTATION = "rancheros.cattle.io/rotate-ca";

export interface StoredIdentity {
  readonly resourceVersion: string;
  /** Undefined where there is no certificate of a CA in it. */
  readonly identity: TlsIdentity | undefined;
  readonly isRotationAsked: boolean;
  /** Whether its CA is the one that ca.key signs for. */
  readonly isWhole: boolean;
  /** Whether ca.crt says so first: else it is to be written anew. */
  readonly isAsStored: boolean;
}

function child(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
}

function certificatesIn(text: string): readonly string[] {
  if (text.length > LONGEST_CHARACTERS) return [];
  return (text.match(PEM_CERTIFICATE) ?? []).filter((pem) => {
    try {
      return new X509Certificate(pem).raw.length > 0;
    } catch {
      return false;
    }
  });
}

function fits(certificatePem: string, keyPem: string): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

interface Cas {
  readonly ca: string | undefined;
  readonly others: readonly string[];
}

/** The certificate that the key signs for, wherever it is; the one that is stored first where there is none. */
function chooseCa(stored: readonly string[], known: readonly string[], keyPem: string): Cas {
  const own = stored.find((pem) => fits(pem, keyPem));
  const ca = own ?? known.find((pem) => fits(pem, keyPem)) ?? stored[0] ?? known[0];
  const bundle = own === undefined && ca !== stored[0] ? [...stored, ...known] : stored;
  return { ca, others: [...new Set(bundle)].filter((pem) => pem !== ca) };
}

/**
 * @param secret    of the API server; undefined where it is no object with a version
 * @param knownPem  certificates that machines were told to trust: where somebody has made nonsense of ca.crt, its CA is
 *                  found among them. Of a Secret that was emptied nothing is kept
 */
export function readIdentity(secret: unknown, knownPem = ""): StoredIdentity | undefined {
  const resourceVersion = child(child(secret, "metadata"), "resourceVersion");
  if (typeof resourceVersion !== "string") return undefined;
  const text = (key: string): string => {
    const value = child(child(secret, "data"), key);
    return typeof value === "string" ? Buffer.from(value, "base64").toString() : "";
  };
  const stored = certificatesIn(text("ca.crt"));
  const isEmpty = ["ca.key", "tls.crt", "tls.key"].every((key) => text(key) === "");
  const keyPem = text("ca.key");
  const { ca, others } = chooseCa(stored, isEmpty ? [] : certificatesIn(knownPem), keyPem);
  const [nextPem] = certificatesIn(text("next.crt"));
  const crosses = certificatesIn(text("cross.crt"));
  const [crossPem] = certificatesIn(text("next-cross.crt"));
  const next =
    nextPem === undefined || crossPem === undefined
      ? undefined
      : { certificatePem: nextPem, keyPem: text("next.key"), crossPem };
  const identity =
    ca === undefined
      ? undefined
      : {
          ca: { certificatePem: ca, keyPem },
          next,
          crosses,
          old: others.filter((pem) => pem !== nextPem),
          serving: { certificatePem: text("tls.crt"), keyPem: text("tls.key") },
        };
  const asked = child(child(child(secret, "metadata"), "annotations"), ROTATE_ANNOTATION);
  return {
    resourceVersion,
    identity,
    isRotationAsked: asked !== undefined,
    isWhole: ca !== undefined && fits(ca, keyPem),
    isAsStored: ca === stored[0],
  };
}

/** The Secret's data, as text; null for what is to be taken out of it. */
export function identityData(identity: TlsIdentity): Readonly<Record<string, string | null>> {
  const { ca, next, crosses, serving } = identity;
  return {
    "ca.crt": trustBundle(identity),
    "ca.key": ca.keyPem,
    "cross.crt": crosses.length === 0 ? null : joinPem(crosses),
    "next.crt": next === undefined ? null : joinPem([next.certificatePem]),
    "next.key": next?.keyPem ?? null,
    "next-cross.crt": next === undefined ? null : joinPem([next.crossPem]),
    "tls.crt": serving.certificatePem,
    "tls.key": serving.keyPem,
  };
}
