/** The secrets of one test control plane: who is admin, what signs service account tokens and client certificates. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { writeClientAuthority, type ClientAuthority, type ClientCertificate } from "./client-authority.ts";

export interface Credentials {
  readonly adminToken: string;
  readonly tokenFile: string;
  readonly serviceAccountKeyFile: string;
  readonly clientAuthority: ClientAuthority;
}

/** Writes them into the folder, readable for this user only. A folder that is used again keeps its signing keys. */
export function writeCredentials(folder: string): Credentials {
  const adminToken = randomBytes(24).toString("hex");
  const tokenFile = path.join(folder, "tokens.csv");
  writeFileSync(tokenFile, `${adminToken},admin,admin,"system:masters"\n`, { mode: 0o600 });
  const serviceAccountKeyFile = path.join(folder, "service-account.key");
  if (!existsSync(serviceAccountKeyFile)) {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" });
    writeFileSync(serviceAccountKeyFile, pem, { mode: 0o600 });
  }
  return { adminToken, tokenFile, serviceAccountKeyFile, clientAuthority: writeClientAuthority(folder) };
}

/** Who a kubeconfig logs in as: with a bearer token or a client certificate. */
export type KubeconfigUser =
  | { readonly name: string; readonly token: string }
  | { readonly name: string; readonly certificate: ClientCertificate };

/** Writes a kubeconfig with mode 0600. JSON is YAML. */
export function writeKubeconfig(file: string, serverUrl: string, caPem: string, user: KubeconfigUser): void {
  const name = "rancheros-test";
  const login =
    "token" in user
      ? { token: user.token }
      : {
          "client-certificate-data": base64(user.certificate.certificatePem),
          "client-key-data": base64(user.certificate.keyPem),
        };
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server: serverUrl, "certificate-authority-data": base64(caPem) } }],
    users: [{ name: user.name, user: login }],
    contexts: [{ name, context: { cluster: name, user: user.name } }],
    "current-context": name,
  };
  writeFileSync(file, `${JSON.stringify(kubeconfig, undefined, 2)}\n`, { mode: 0o600 });
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
