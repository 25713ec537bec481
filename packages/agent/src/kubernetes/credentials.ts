/** What a kubeconfig needs to log in, read and checked before the first request. */
import { X509Certificate, createPrivateKey } from "node:crypto";
import { validityOf } from "@rancheros/protocol/tpm";

import { NodeApiError } from "./errors.ts";
import { isHeaderValue, type Kubeconfig, type Material } from "./kubeconfig.ts";

/** Whom a kubeconfig logs in, as far as the client certificate tells. */
export type Identity =
  | { readonly kind: "kubelet"; readonly nodeName: string }
  | { readonly kind: "other"; readonly userName: string | undefined };

export interface Credentials {
  /** PEM */
  readonly ca: string | undefined;
  /** PEM, of the certificate with its chain, and of its key */
  readonly clientCertificate: { readonly certificate: string; readonly key: string } | undefined;
  readonly token: string | undefined;
  readonly identity: Identity;
}

export interface CredentialsOutside {
  /** @throws anything that says why not, ENOENT among it */
  readonly readFile: (path: string) => Promise<string>;
  /** Of the wall clock, in milliseconds since 1970. */
  readonly wallMs: () => number;
  /** The code of why TLS does not take a certificate and its key; undefined where it does. */
  readonly pairRefusal: (certificate: string, key: string) => string | undefined;
}

/** The names under which kubelets log in. Source: k8s.io/kubernetes plugin/pkg/auth/nodeidentifier */
const NODE_USER = "system:node:";
const NODE_GROUP = "system:nodes";

/**
 * @throws NodeApiError KUBECONFIG_UNREADABLE, KUBECONFIG_INVALID, KUBECONFIG_CERTIFICATE_EARLY, KUBECONFIG_CERTIFICATE_EXPIRED
 */
export async function readCredentials(outside: CredentialsOutside, kubeconfig: Kubeconfig): Promise<Credentials> {
  const { path, ca, clientCertificate: pair } = kubeconfig;
  const caPem = ca === undefined ? undefined : await readMaterial(outside, ca, "certificate-authority", path);
  const token = await readToken(outside, kubeconfig);
  if (pair === undefined) {
    return { ca: caPem, clientCertificate: undefined, token, identity: { kind: "other", userName: undefined } };
  }
  const certificate = await readMaterial(outside, pair.certificate, "client-certificate", path);
  const key = await readMaterial(outside, pair.key, "client-key", path);
  const parsed = checkPair(certificate, key, path);
  // Left to the first connection, it would look as if the API server were at fault.
  const refusal = outside.pairRefusal(certificate, key);
  if (refusal !== undefined) {
    const needs = "TLS asks for an RSA key of 2048 bits or more, and for SHA-256";
    throw invalid(path, `client-certificate cannot be used (${refusal}): ${needs}`);
  }
  checkValidity(parsed, path, outside.wallMs());
  // The API server tries the token only where there is no certificate that it knows.
  return { ca: caPem, clientCertificate: { certificate, key }, token, identity: identityOf(parsed) };
}

/** Whom a kubeconfig logs in, also where its certificate is out of date. @throws NodeApiError as readCredentials */
export async function readIdentity(
  outside: Pick<CredentialsOutside, "readFile">,
  { path, clientCertificate }: Kubeconfig,
): Promise<Identity> {
  if (clientCertificate === undefined) return { kind: "other", userName: undefined };
  const pem = await readMaterial(outside, clientCertificate.certificate, "client-certificate", path);
  return identityOf(parseCertificate(pem, path));
}

function identityOf(certificate: X509Certificate): Identity {
  const { CN, O } = certificate.toLegacyObject().subject;
  const groups = [O ?? []].flat();
  const userName = [CN ?? []].flat()[0];
  if (userName?.startsWith(NODE_USER) === true && groups.includes(NODE_GROUP)) {
    return { kind: "kubelet", nodeName: userName.slice(NODE_USER.length) };
  }
  return { kind: "other", userName };
}

async function readMaterial(
  outside: Pick<CredentialsOutside, "readFile">,
  material: Material,
  field: string,
  path: string,
): Promise<string> {
  const pem = material.kind === "inline" ? material.pem : await readNamed(outside, material.path, field, path);
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(pem)) return pem;
  throw invalid(path, `${field} holds no PEM`);
}

async function readToken(
  outside: Pick<CredentialsOutside, "readFile">,
  kubeconfig: Kubeconfig,
): Promise<string | undefined> {
  const { token, tokenFile, path } = kubeconfig;
  if (tokenFile === undefined) return token;
  let text: string;
  try {
    text = (await readNamed(outside, tokenFile, "tokenFile", path)).trim();
  } catch (error) {
    if (token !== undefined) return token;
    throw error;
  }
  if (isHeaderValue(text)) return text;
  throw invalid(path, "tokenFile holds no token");
}

async function readNamed(
  outside: Pick<CredentialsOutside, "readFile">,
  file: string,
  field: string,
  path: string,
): Promise<string> {
  try {
    return await outside.readFile(file);
  } catch (cause) {
    const message = `the ${field} ${file} of the kubeconfig ${path} cannot be read`;
    throw new NodeApiError("KUBECONFIG_UNREADABLE", message, { cause, details: { path, file } });
  }
}

function parseCertificate(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw invalid(path, "client-certificate holds no certificate");
  }
}

function checkPair(certificate: string, key: string, path: string): X509Certificate {
  const parsed = parseCertificate(certificate, path);
  let belongs: boolean;
  try {
    belongs = parsed.checkPrivateKey(createPrivateKey(key));
  } catch {
    // OpenSSL's reason is left out: it says nothing to a person.
    throw invalid(path, "client-key holds no private key that can be used without a password");
  }
  if (!belongs) throw invalid(path, "client-key is not the key of client-certificate");
  return parsed;
}

function checkValidity(certificate: X509Certificate, path: string, nowMs: number): void {
  const validity = validityOf(certificate);
  const [beginsMs, endsMs] = [validity.notBefore.getTime(), validity.notAfter.getTime()];
  if (Number.isNaN(beginsMs + endsMs)) throw invalid(path, "client-certificate has dates that nobody can read");
  if (nowMs <= endsMs && nowMs >= beginsMs) return;
  const [notBefore, notAfter] = [validity.notBefore.toISOString(), validity.notAfter.toISOString()];
  const [code, sentence] =
    nowMs > endsMs
      ? (["KUBECONFIG_CERTIFICATE_EXPIRED", `expired on ${notAfter}`] as const)
      : ([
          "KUBECONFIG_CERTIFICATE_EARLY",
          `is valid from ${notBefore} on, and it is ${new Date(nowMs).toISOString()} here`,
        ] as const);
  throw new NodeApiError(code, `the client certificate of the kubeconfig ${path} ${sentence}`, {
    details: { path, notBefore, notAfter },
  });
}

function invalid(path: string, problem: string): NodeApiError {
  return new NodeApiError("KUBECONFIG_INVALID", `the kubeconfig ${path} is not usable: ${problem}`, {
    details: { path },
  });
}
