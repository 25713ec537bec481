/** Where an image is asked for: its registry's mirrors in their order, then the registry itself. */
import { isIP } from "node:net";
import { SIGSTORE_BUNDLE_TYPE } from "@rancheros/protocol/signatures";

import type { PinnedImage } from "./image-reference.ts";
import { NO_TLS, type Registries, type RegistryAccount, type RegistryConfig, type RegistryTls } from "./registries.ts";
import { rewriteName } from "./rewrite-name.ts";

export interface Endpoint {
  /** For messages: host, with port. */
  readonly host: string;
  /** Root of the API, without a slash at its end: https://registry.example.com/v2 */
  readonly root: string;
  /** The repository's name there. */
  readonly repository: string;
  readonly account: RegistryAccount | undefined;
  /** Why there is none, where another kind of login is set that nobody here knows. */
  readonly passedOver?: string;
  readonly tls: RegistryTls;
  /** With a mirror: the registry that it stands for. */
  readonly mirrorOf: string | undefined;
}

/** docker.io is a web page; its registry is beside it. */
const DOCKER_HOST = "docker.io";
const DOCKER_REGISTRY = "registry-1.docker.io";

/**
 * At least one. A mirror never gets the account of the registry that it mirrors.
 * @param account  for the registry itself; the one of registries.yaml where undefined
 */
export function endpointsOf(
  image: PinnedImage,
  registries: Registries,
  account: RegistryAccount | undefined,
): readonly Endpoint[] {
  const { host, repository } = image;
  const mirror = registries.mirrors.get(host) ?? registries.mirrors.get("*");
  const mirrors = (mirror?.endpoints ?? []).map(({ url, host: written }) => ({
    host: url.host,
    root: rootOf(url),
    repository: rewriteName(mirror?.rewrites ?? [], repository),
    ...configOf(registries, [written, url.host, ...(url.host === DOCKER_REGISTRY ? [DOCKER_HOST] : [])]),
    mirrorOf: host,
  }));
  const address = host === DOCKER_HOST ? DOCKER_REGISTRY : host;
  const root = `${schemeOf(host)}://${address}/v2`;
  const config = configOf(registries, [host, address, URL.parse(root)?.host ?? address]);
  const upstream = {
    host,
    root,
    repository,
    ...(account === undefined ? config : { account, tls: config.tls }),
    mirrorOf: undefined,
  };
  // A mirror at the registry's own address only says how it is spoken to.
  const all = mirrors.map((one) => (isAt(one, address) ? asUpstream(one, upstream) : one));
  return all.some(({ mirrorOf }) => mirrorOf === undefined) ? all : [...all, upstream];
}

/** @param names  of one registry, the likeliest first */
function configOf({ configs }: Registries, names: readonly string[]): RegistryConfig {
  const own = names.map((name) => configs.get(name)).find((one) => one !== undefined);
  // Whoever is asked for any image would be shown an account that is meant for all; containerd looks there for none either.
  return own ?? { account: undefined, tls: configs.get("*")?.tls ?? NO_TLS };
}

/** With the port that the mirror's scheme means where none is written. */
function isAt(mirror: Endpoint, address: string): boolean {
  const { protocol, host } = new URL(mirror.root);
  return URL.parse(`${protocol}//${address}`)?.host === host;
}

function asUpstream(mirror: Endpoint, { account, passedOver }: Endpoint): Endpoint {
  const { host, root, repository, tls } = mirror;
  return {
    host,
    root,
    repository,
    account,
    ...(passedOver === undefined ? {} : { passedOver }),
    tls,
    mirrorOf: undefined,
  };
}

/** What stands behind the host is the root of the API; k3s takes it so too. */
function rootOf(url: URL): string {
  const path = url.pathname.replace(/\/+$/, "");
  return `${url.origin}${path === "" ? "/v2" : path}`;
}

/** Without TLS only on this machine, as containerd and docker do; others have to be named as mirrors with http://. */
function schemeOf(host: string): "http" | "https" {
  const url = URL.parse(`http://${host}`);
  const name = (url?.hostname ?? "").replace(/^\[|\]$/g, "");
  const local = name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
  return local && url?.port !== "443" ? "http" : "https";
}

export function manifestUrl(endpoint: Endpoint, digest: string): URL {
  return withNamespace(endpoint, new URL(`${endpoint.root}/${endpoint.repository}/manifests/${digest}`));
}

export function blobUrl(endpoint: Endpoint, digest: string): URL {
  return withNamespace(endpoint, new URL(`${endpoint.root}/${endpoint.repository}/blobs/${digest}`));
}

/** Sigstore's bundles among what refers to a digest; registries may tell of others too. */
export function referrersUrl(endpoint: Endpoint, digest: string): URL {
  const url = new URL(`${endpoint.root}/${endpoint.repository}/referrers/${digest}`);
  url.searchParams.set("artifactType", SIGSTORE_BUNDLE_TYPE);
  return withNamespace(endpoint, url);
}

/** As containerd does: one mirror can serve several registries. */
function withNamespace(endpoint: Endpoint, url: URL): URL {
  if (endpoint.mirrorOf !== undefined) url.searchParams.set("ns", endpoint.mirrorOf);
  return url;
}
