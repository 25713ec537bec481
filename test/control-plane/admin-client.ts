/** The API server as the admin of a kubeconfig, asked by this process: a kubectl process takes fifty times as long to start. */
import { existsSync, readFileSync } from "node:fs";
import { ApiClient, type ApiClientTarget } from "./api-client.ts";
import type { KubectlTarget } from "./kubectl.ts";
import { startKubectlProxy } from "./kubectl-proxy.ts";

/** As kubectl: the API server answers 429 for kinds that it has just been given. */
const PATIENCE = 10;

/** What logs in as the admin of a test's API server. */
export interface AdminLogin extends ApiClientTarget {
  readonly adminToken: string;
}

/** By what the kubeconfig says: a control plane that comes back to its folder has another admin. */
const clients = new Map<string, Promise<ApiClient>>();

/** One client for each kubeconfig; nobody need close it, for what is idle keeps no process alive. */
export async function adminClient(target: KubectlTarget): Promise<ApiClient> {
  const { kubeconfigPath } = target;
  // Elsewhere it may name several files.
  const text = existsSync(kubeconfigPath) ? readFileSync(kubeconfigPath, "utf8") : "";
  const key = `${kubeconfigPath}\n${text}`;
  const client = clients.get(key) ?? connect(target, text);
  clients.set(key, client);
  client.catch(() => clients.delete(key));
  return client;
}

/** @throws where it is not one that credentials.ts has written for an admin */
export function readAdminLogin(kubeconfigPath: string): AdminLogin {
  const login = parseAdminLogin(readFileSync(kubeconfigPath, "utf8"));
  if (login === undefined) throw new Error(`${kubeconfigPath} is no kubeconfig of a test's admin`);
  return login;
}

/** Other kubeconfigs than ours may log in by programs, through proxies, and more that kubectl knows. */
async function connect(target: KubectlTarget, text: string): Promise<ApiClient> {
  const login = parseAdminLogin(text);
  if (login !== undefined) return new ApiClient(login, login, PATIENCE);
  const proxySocketPath = await startKubectlProxy(target);
  return new ApiClient({ serverUrl: "http://localhost", caPem: "" }, { proxySocketPath }, PATIENCE);
}

interface OwnKubeconfig {
  readonly clusters?: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users?: readonly { readonly user: { readonly token?: string } }[];
}

function parseAdminLogin(text: string): AdminLogin | undefined {
  // Ours are JSON.
  if (!text.startsWith("{")) return undefined;
  const { clusters = [], users = [] } = JSON.parse(text) as OwnKubeconfig;
  const { server, "certificate-authority-data": ca } = clusters[0]?.cluster ?? {};
  const adminToken = users[0]?.user.token;
  if (server === undefined || ca === undefined || adminToken === undefined) return undefined;
  return { serverUrl: server, caPem: Buffer.from(ca, "base64").toString(), adminToken };
}
