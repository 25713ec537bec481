/** Where an image is asked for: its registry's mirrors in their order, then the registry itself. */
import { isIP } from "node:net";
import { SIGSTORE_BUNDLE_TYPE } from "@rancheros/protocol/signatures";

import type { PinnedImage } from "./image-reference.ts";
import { NO_TLS, type Registries, type RegistryAccount, type RegistryTls } from "./registries.ts";

export interface Endpoint {
  /** For messages: host, with port. */
  readonly host: string;
  /** Root of the API, without a slash at its end: https://registry.example.com/v2 */
  readonly root: string;
  /** The repository's name there. */
  readonly repository: string;
  readonly account: RegistryAccount | undefined;
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
  const mirrors = (mirror?.endpoints ?? []).map((url) => ({
    host: url.host,
    root: rootOf(url),
    repository: (mirror?.rewrites ?? []).reduce((name, [from, to]) => name.replace(from, to), repository),
    account: registries.configs.get(url.host)?.account,
    tls: registries.configs.get(url.host)?.tls ?? NO_TLS,
    mirrorOf: host,
  }));
  const address = host === DOCKER_HOST ? DOCKER_REGISTRY : host;
  const config = registries.configs.get(host) ?? registries.configs.get(address);
  const upstream = {
    host,
    root: `${schemeOf(host)}://${address}/v2`,
    repository,
    account: account ?? config?.account,
    tls: config?.tls ?? NO_TLS,
    mirrorOf: undefined,
  };
  // A mirror at the registry's own address only says how it is spoken to.
  return mirrors.some(({ root }) => new URL(root).host === address)
    ? mirrors.map((one) => own(one, upstream))
    : [...mirrors, upstream];
}

function own(one: Endpoint, upstream: Endpoint): Endpoint {
  return new URL(one.root).host === new URL(upstream.root).host
    ? { ...one, account: upstream.account, mirrorOf: undefined }
    : one;
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
