/** The secrets of one test control plane: who is admin, and what signs service account tokens. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";

export interface Credentials {
  readonly adminToken: string;
  readonly tokenFile: string;
  readonly serviceAccountKeyFile: string;
}

/** Writes them into the folder, readable for this user only. A folder that is used again keeps its signing key. */
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
  return { adminToken, tokenFile, serviceAccountKeyFile };
}

/** Writes a kubeconfig for the admin. JSON is YAML. */
export function writeKubeconfig(file: string, serverUrl: string, caPem: string, token: string): void {
  const name = "rancheros-test";
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name, cluster: { server: serverUrl, "certificate-authority-data": Buffer.from(caPem).toString("base64") } },
    ],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name, context: { cluster: name, user: "admin" } }],
    "current-context": name,
  };
  writeFileSync(file, `${JSON.stringify(kubeconfig, undefined, 2)}\n`, { mode: 0o600 });
}
