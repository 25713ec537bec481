/** The operator's TLS identity as a Secret keeps it; what somebody has made nonsense of is left out. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { CertificateAndKey } from "./certificates.ts";
import { joinPem, trustBundle, type TlsIdentity } from "./identity.ts";

const PEM_KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END (?:[A-Z]+ )?PRIVATE KEY-----/g;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
/** A bundle of more than that is none that we have written. */
const LONGEST_CHARACTERS = 64 * 1024;

/** A CA is taken over on this word: see docs/operations.md. */
export const ROTATE_ANNOTATION = "rancheros.cattle.io/rotate-ca";

export interface StoredIdentity {
  /** Of the Secret: another one where it was deleted and made anew. */
  readonly uid: string | undefined;
  readonly resourceVersion: string;
  /** NaN where it does not say. */
  readonly createdMs: number;
  /** Nothing at all is in it: the chart has just made it, or somebody has put it back to what the chart makes. */
  readonly isEmpty: boolean;
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

/** Each certificate with the key that it belongs to; what has none is left out. */
function pairsIn(certificates: string, keys: string): readonly CertificateAndKey[] {
  const known = keys.length > LONGEST_CHARACTERS ? [] : (keys.match(PEM_KEY) ?? []);
  return certificatesIn(certificates).flatMap((certificatePem) => {
    const keyPem = known.find((key) => fits(certificatePem, key));
    return keyPem === undefined ? [] : [{ certificatePem, keyPem: `${keyPem}\n` }];
  });
}

function hasSigned(certificatePem: string, servingPem: string): boolean {
  try {
    const serving = new X509Certificate(servingPem);
    const ca = new X509Certificate(certificatePem);
    return serving.checkIssued(ca) && serving.verify(ca.publicKey);
  } catch {
    return false;
  }
}

/** Certificates where the Secret's own are none, or another one's. PEM, one after the other. */
export interface KnownCertificates {
  /** What this process has told machines to trust, as it read it in the Secret. */
  readonly told: string;
  /** What the ConfigMap says, into which others may have written: only what key or certificate of the Secret vouch for counts. */
  readonly published: string;
}

interface Cas {
  readonly ca: string | undefined;
  readonly others: readonly string[];
}

interface SecretTexts {
  readonly stored: readonly string[];
  readonly keyPem: string;
  readonly servingPem: string;
}

/** The certificate that the key signs for, wherever it is; the one that is stored first where there is none. */
function chooseCa({ stored, keyPem, servingPem }: SecretTexts, { told, published }: KnownCertificates): Cas {
  const own = stored.find((pem) => fits(pem, keyPem));
  if (own !== undefined) return { ca: own, others: stored.filter((pem) => pem !== own) };
  const before = certificatesIn(told);
  const known = [...before, ...certificatesIn(published)];
  const ca =
    known.find((pem) => fits(pem, keyPem)) ?? stored[0] ?? before[0] ?? known.find((pem) => hasSigned(pem, servingPem));
  const bundle = ca === stored[0] ? stored : [...stored, ...before];
  return { ca, others: [...new Set(bundle)].filter((pem) => pem !== ca) };
}

const NONE_KNOWN: KnownCertificates = { told: "", published: "" };

/**
 * @param secret  of the API server; undefined where it is no object with a version
 * @param known   where somebody has made nonsense of ca.crt, its CA is found there. Of a Secret from which CA and key were
 *                taken out nothing is kept
 */
export function readIdentity(secret: unknown, known: KnownCertificates = NONE_KNOWN): StoredIdentity | undefined {
  const metadata = child(secret, "metadata");
  const resourceVersion = child(metadata, "resourceVersion");
  if (typeof resourceVersion !== "string") return undefined;
  const data = child(secret, "data");
  const text = (key: string): string => {
    const value = child(data, key);
    return typeof value === "string" ? Buffer.from(value, "base64").toString() : "";
  };
  const stored = certificatesIn(text("ca.crt"));
  const keyPem = text("ca.key");
  const isTakenOut = text("ca.crt") === "" && keyPem === "";
  const texts = { stored, keyPem, servingPem: text("tls.crt") };
  const { ca, others } = chooseCa(texts, isTakenOut ? NONE_KNOWN : known);
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
          ended: certificatesIn(text("ended.crt")),
          aside: pairsIn(text("aside.crt"), text("aside.key")),
          serving: { certificatePem: text("tls.crt"), keyPem: text("tls.key") },
        };
  const asked = child(child(metadata, "annotations"), ROTATE_ANNOTATION);
  const uid = child(metadata, "uid");
  return {
    uid: typeof uid === "string" ? uid : undefined,
    resourceVersion,
    createdMs: Date.parse(String(child(metadata, "creationTimestamp"))),
    isEmpty: Object.keys(Object(data ?? {})).length === 0,
    identity,
    isRotationAsked: asked !== undefined,
    isWhole: ca !== undefined && fits(ca, keyPem),
    isAsStored: ca === stored[0],
  };
}

/** The Secret's data, as text; null for what is to be taken out of it. */
export function identityData(identity: TlsIdentity): Readonly<Record<string, string | null>> {
  const { ca, next, crosses, ended, aside, serving } = identity;
  const orNone = (pems: readonly string[]): string | null => (pems.length === 0 ? null : joinPem(pems));
  return {
    "ca.crt": trustBundle(identity),
    "ca.key": ca.keyPem,
    "cross.crt": orNone(crosses),
    "ended.crt": orNone(ended),
    "aside.crt": orNone(aside.map(({ certificatePem }) => certificatePem)),
    "aside.key": orNone(aside.map(({ keyPem }) => keyPem)),
    "next.crt": next === undefined ? null : joinPem([next.certificatePem]),
    "next.key": next?.keyPem ?? null,
    "next-cross.crt": next === undefined ? null : joinPem([next.crossPem]),
    "tls.crt": serving.certificatePem,
    "tls.key": serving.keyPem,
  };
}
