/** Reads kubeconfigs, which are foreign input: every bad field is named, and no value of it is repeated. */
import { dirname, isAbsolute, join } from "node:path";
import { hasSoundAccount } from "@rancheros/protocol/proxies";
import { LineCounter, parseDocument } from "yaml";

import { NodeApiError } from "./errors.ts";
import { createFieldReader, type FieldReader, type Fields } from "./field-reader.ts";

/** A key, certificate or CA: in the kubeconfig itself or in a file of its own. */
export type Material =
  { readonly kind: "inline"; readonly pem: string } | { readonly kind: "file"; readonly path: string };

/** Where an API server is, and how one logs in there. */
export interface Kubeconfig {
  /** Of the kubeconfig, for people; several joined by colons. */
  readonly path: string;
  /** https */
  readonly server: URL;
  /** The name that the server's certificate must have, where it is not the address's. */
  readonly tlsServerName: string | undefined;
  /** Undefined for the CAs that Node brings along. */
  readonly ca: Material | undefined;
  readonly skipTlsVerify: boolean;
  readonly proxy: URL | undefined;
  readonly clientCertificate: { readonly certificate: Material; readonly key: Material } | undefined;
  readonly token: string | undefined;
  /** What is in it goes before `token`. */
  readonly tokenFile: string | undefined;
}

export interface KubeconfigFile {
  readonly path: string;
  readonly text: string;
}

interface Named {
  readonly name: string;
  readonly fields: Fields;
  /** For relative paths in it. */
  readonly folder: string;
}

interface Merged {
  readonly clusters: Map<string, Named>;
  readonly users: Map<string, Named>;
  readonly contexts: Map<string, Named>;
  currentContext: string;
}

/** Ways to log in that this program does not have; client-go would use them. */
const PLUGINS = ["exec", "auth-provider"] as const;
const UNSUPPORTED = ["username", "password", "as", "as-uid", "as-groups", "as-user-extra"] as const;

/**
 * Takes the current context of one or more kubeconfigs. As kubectl merges them: of each name the first wins.
 * @param files     in their order; not none
 * @param hostRoot  goes before absolute paths in them, for a host that is mounted somewhere; otherwise "/"
 * @throws NodeApiError KUBECONFIG_INVALID with every bad field, KUBECONFIG_PLUGIN
 * Source: k8s.io/client-go/tools/clientcmd (loader.go, validation.go, client_config.go)
 */
export function parseKubeconfig(files: readonly KubeconfigFile[], hostRoot: string): Kubeconfig {
  const path = files.map((file) => file.path).join(":");
  const reader = createFieldReader();
  const merged: Merged = { clusters: new Map(), users: new Map(), contexts: new Map(), currentContext: "" };
  for (const file of files) merge(merged, file, reader, files.length > 1);
  refuseIfBad(reader, path);

  const context = named(merged.contexts, merged.currentContext, "current-context", "context", reader);
  refuseIfBad(reader, path);
  const cluster = named(merged.clusters, context?.fields.text("cluster") ?? "", "context.cluster", "cluster", reader);
  const user = named(merged.users, context?.fields.text("user") ?? "", "context.user", "user", reader);
  if (user !== undefined) refusePlugins(user, path);
  if (cluster === undefined || user === undefined) throw invalid(reader, path);
  const clusterParts = readCluster(cluster, reader, hostRoot);
  const userParts = readUser(user, reader, hostRoot);
  refuseIfBad(reader, path);
  if (clusterParts.server === undefined) throw invalid(reader, path);
  return { path, ...clusterParts, ...userParts, server: clusterParts.server };
}

function merge(merged: Merged, file: KubeconfigFile, reader: FieldReader, isOneOfMany: boolean): void {
  const lines = new LineCounter();
  const document = parseDocument(file.text, { prettyErrors: false, logLevel: "silent", lineCounter: lines });
  const problem = document.errors[0];
  const where = isOneOfMany ? `${file.path}: ` : "";
  if (problem !== undefined) {
    // The parser's own sentence may quote the file, which holds secrets.
    reader.complain(`${where}no YAML: ${problem.code} in line ${lines.linePos(problem.pos[0]).line}`);
    return;
  }
  let tree: unknown;
  try {
    tree = document.toJS();
  } catch {
    reader.complain(`${where}no YAML: its aliases lead nowhere, or to too much`);
    return;
  }
  const top = reader.map(tree, where);
  if (top === undefined) return;
  const folder = dirname(file.path);
  for (const [list, kind] of [
    ["clusters", "cluster"],
    ["users", "user"],
    ["contexts", "context"],
  ] as const) {
    const names = new Set<string>();
    for (const item of top.list(list)) {
      const name = item.text("name") ?? "";
      const fields = item.child(kind);
      if (names.has(name)) reader.complain(`${item.path}name is there twice`);
      names.add(name);
      if (fields !== undefined && !merged[list].has(name)) merged[list].set(name, { name, fields, folder });
    }
  }
  if (merged.currentContext === "") merged.currentContext = top.text("current-context") ?? "";
}

function named(
  all: ReadonlyMap<string, Named>,
  name: string,
  field: string,
  kind: string,
  reader: FieldReader,
): Named | undefined {
  const found = all.get(name);
  if (found === undefined)
    reader.complain(name === "" ? `${field} is missing` : `${field} names a ${kind} that is not there`);
  return found;
}

type ClusterParts = Pick<Kubeconfig, "tlsServerName" | "ca" | "skipTlsVerify" | "proxy"> & {
  readonly server: URL | undefined;
};

function readCluster({ fields, folder }: Named, reader: FieldReader, hostRoot: string): ClusterParts {
  const server = fields.url("server", ["https:"]);
  if (server === undefined && fields.text("server") === undefined) reader.complain(`${fields.path}server is missing`);
  const ca = material(fields, "certificate-authority", folder, hostRoot);
  const skipTlsVerify = fields.flag("insecure-skip-tls-verify") ?? false;
  if (skipTlsVerify && ca !== undefined) {
    reader.complain(`${fields.path}insecure-skip-tls-verify does not go with a certificate-authority`);
  }
  const proxy = fields.url("proxy-url", ["http:", "https:"]);
  if (proxy !== undefined && !hasSoundAccount(proxy)) {
    reader.complain(`${fields.path}proxy-url has a % that begins no escape: it is written %25`);
  }
  return { server, ca, skipTlsVerify, proxy, tlsServerName: fields.text("tls-server-name") };
}

function readUser(
  { fields, folder }: Named,
  reader: FieldReader,
  hostRoot: string,
): Pick<Kubeconfig, "clientCertificate" | "token" | "tokenFile"> {
  for (const field of UNSUPPORTED) {
    if (fields.has(field)) reader.complain(`${fields.path}${field} is a way to log in that this program does not have`);
  }
  const certificate = material(fields, "client-certificate", folder, hostRoot);
  const key = material(fields, "client-key", folder, hostRoot);
  if ((certificate === undefined) !== (key === undefined)) {
    const missing = certificate === undefined ? "client-certificate" : "client-key";
    reader.complain(`${fields.path}${missing} is missing beside the other half`);
  }
  const token = fields.text("token");
  if (token !== undefined && !isHeaderValue(token)) reader.complain(`${fields.path}token is no token`);
  const tokenFile = fields.text("tokenFile");
  const clientCertificate = certificate === undefined || key === undefined ? undefined : { certificate, key };
  return {
    clientCertificate,
    token,
    tokenFile: tokenFile === undefined ? undefined : locate(tokenFile, folder, hostRoot),
  };
}

/** Characters that may stand in an HTTP header, which a token becomes part of. */
export function isHeaderValue(value: string): boolean {
  return /^[\x21-\x7e]+$/.test(value);
}

/** As client-go: what is inline goes before the file. */
function material(fields: Fields, name: string, folder: string, hostRoot: string): Material | undefined {
  const pem = fields.base64(`${name}-data`);
  if (pem !== undefined) return { kind: "inline", pem };
  const path = fields.text(name);
  return path === undefined ? undefined : { kind: "file", path: locate(path, folder, hostRoot) };
}

function locate(path: string, folder: string, hostRoot: string): string {
  return isAbsolute(path) ? join(hostRoot, path) : join(folder, path);
}

function refusePlugins({ fields }: Named, path: string): void {
  const plugin = PLUGINS.find((field) => fields.has(field));
  if (plugin === undefined) return;
  throw new NodeApiError("KUBECONFIG_PLUGIN", `the kubeconfig ${path} logs in by ${fields.path}${plugin}`, {
    details: { path },
  });
}

function refuseIfBad(reader: FieldReader, path: string): void {
  if (reader.complaints.length > 0) throw invalid(reader, path);
}

function invalid(reader: FieldReader, path: string): NodeApiError {
  return new NodeApiError(
    "KUBECONFIG_INVALID",
    `the kubeconfig ${path} is not usable: ${reader.complaints.join("; ")}`,
    {
      details: { path },
    },
  );
}
