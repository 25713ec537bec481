/** The operator's login at a test's API server: the ServiceAccount of the chart, with the rights that the chart gives it. */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readAdminLogin, type AdminLogin } from "../control-plane/admin-client.ts";
import { ApiClient } from "../control-plane/api-client.ts";
import { writeKubeconfig } from "../control-plane/credentials.ts";
import { inventRequests, type Rule } from "./rules.ts";
import { renderChart, type RenderedObject } from "./render-chart.ts";

const TOKEN_SECONDS = 24 * 3_600;
const EFFECT_TIMEOUT_MS = 20_000;
const FIELD_MANAGER = "rancheros-test";

const COLLECTIONS: Readonly<Record<string, string>> = {
  ServiceAccount: "serviceaccounts",
  Role: "roles",
  RoleBinding: "rolebindings",
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
};

export interface OperatorPlace {
  /** The admin's, as control-plane/credentials.ts writes it. */
  readonly kubeconfigPath: string;
  readonly namespace: string;
  readonly watchNamespace?: string | undefined;
  /** Further values of the chart. */
  readonly chartValues?: object;
}

interface Login extends Pick<AdminLogin, "serverUrl" | "caPem"> {
  readonly token: string;
}

/** Stand for a place's namespaces, so that the chart is rendered once for all of them. */
const OWN = "namespace-of-the-operator";
const WATCHED = "namespace-that-it-watches";

/** One for each place in this process: replicas and restarts share it, also while the API server is away. */
const logins = new Map<string, Promise<Login>>();

/** Writes a kubeconfig for the operator into the folder. @returns its path */
export async function writeOperatorKubeconfig(folder: string, place: OperatorPlace): Promise<string> {
  const { kubeconfigPath, namespace, watchNamespace = "" } = place;
  const key = `${path.resolve(kubeconfigPath)} ${namespace} ${watchNamespace}`;
  const login = logins.get(key) ?? makeLogin(place);
  logins.set(key, login);
  const { serverUrl, caPem, token } = await login;
  const file = path.join(folder, `operator-of-${namespace}.kubeconfig`);
  writeKubeconfig(file, serverUrl, caPem, { name: "operator", token });
  return file;
}

/** Writes a kubeconfig for a ServiceAccount that is there. @returns its path */
export async function writeAccountKubeconfig(
  folder: string,
  kubeconfigPath: string,
  account: { readonly namespace: string; readonly name: string },
): Promise<string> {
  const admin = readAdminLogin(kubeconfigPath);
  const client = new ApiClient(admin, admin);
  try {
    const object = { apiVersion: "v1", kind: "ServiceAccount", metadata: account };
    const file = path.join(folder, `${account.name}.kubeconfig`);
    writeKubeconfig(file, admin.serverUrl, admin.caPem, { name: "operator", token: await askToken(client, object) });
    return file;
  } finally {
    await client.close();
  }
}

async function makeLogin({
  kubeconfigPath,
  namespace,
  watchNamespace = "",
  chartValues,
}: OperatorPlace): Promise<Login> {
  const admin = readAdminLogin(kubeconfigPath);
  const rights = await renderRights(namespace, watchNamespace, chartValues);
  const client = new ApiClient(admin, admin);
  try {
    await Promise.all(rights.map(async (object) => client.apply(pathOf(object), object, FIELD_MANAGER)));
    const account = rights.find(({ kind }) => kind === "ServiceAccount");
    if (account === undefined) throw new Error("the chart makes no ServiceAccount");
    const token = await askToken(client, account);
    await untilEffective(admin, token, rights);
    return { serverUrl: admin.serverUrl, caPem: admin.caPem, token };
  } finally {
    await client.close();
  }
}

/** Named after the namespace: cluster-wide roles of several tests lie beside each other. */
async function renderRights(
  namespace: string,
  watchNamespace: string,
  chartValues: object | undefined,
): Promise<readonly RenderedObject[]> {
  const ofRights = ({ kind }: RenderedObject): boolean => COLLECTIONS[kind] !== undefined;
  if (chartValues !== undefined) {
    const values = { ...chartValues, watchNamespace };
    return (await renderChart({ name: namespace, namespace, values })).filter(ofRights);
  }
  const watched = new Map([
    ["", ""],
    [namespace, OWN],
  ]);
  const values = { watchNamespace: watched.get(watchNamespace) ?? WATCHED };
  const rights = JSON.stringify((await renderChart({ name: OWN, namespace: OWN, values })).filter(ofRights));
  return JSON.parse(rights.replaceAll(OWN, namespace).replaceAll(WATCHED, watchNamespace)) as readonly RenderedObject[];
}

function pathOf({ kind, apiVersion, metadata }: RenderedObject): string {
  const api = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
  const namespace = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `${api}${namespace}/${COLLECTIONS[kind] ?? ""}/${metadata.name}`;
}

async function askToken(client: ApiClient, account: RenderedObject): Promise<string> {
  const body = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { expirationSeconds: TOKEN_SECONDS },
  };
  const answer = (await client.create(`${pathOf(account)}/token`, body)) as { readonly status: { token: string } };
  return answer.status.token;
}

/** The API server's authorizer hears of new roles by a watch of its own. */
async function untilEffective(
  admin: Pick<Login, "serverUrl" | "caPem">,
  token: string,
  rights: readonly RenderedObject[],
): Promise<void> {
  const client = new ApiClient(admin, { adminToken: token });
  const deadline = performance.now() + EFFECT_TIMEOUT_MS;
  try {
    for (const { kind, metadata, ...fields } of rights) {
      if (kind !== "Role" && kind !== "ClusterRole") continue;
      const [request] = inventRequests(fields["rules"] as readonly Rule[], metadata.namespace);
      const spec = { resourceAttributes: request };
      const body = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec };
      for (;;) {
        const review = await client.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body);
        if ((review as { readonly status: { readonly allowed: boolean } }).status.allowed) break;
        if (performance.now() > deadline) throw new Error(`${kind} ${metadata.name} has no effect`);
        await sleep(20);
      }
    }
  } finally {
    await client.close();
  }
}
