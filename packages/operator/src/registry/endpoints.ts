/** Where an image is asked for: its registry's mirrors in their order, then the registry itself. */
import { writeImageName, type ImageReference } from "@rancheros/protocol/images";
import { mirrorsOf, type RegistrySettings } from "./registry-settings.ts";

export interface Endpoint {
  /** For messages: host, with port. */
  readonly host: string;
  /** Scheme, host and port. */
  readonly origin: URL;
  /** The repository's name there. */
  readonly repository: string;
  /** By which pull secrets are searched: a mirror never gets the credentials of the registry that it mirrors. */
  readonly imageName: string;
  /** With a mirror: the registry that it stands for. */
  readonly mirrorOf: string | undefined;
}

/** docker.io is a web page; its registry is beside it. */
const DOCKER_HOST = "docker.io";
const DOCKER_REGISTRY = "registry-1.docker.io";

/** At least one, and the registry itself as the last, unless the settings say otherwise. */
export function endpointsOf(reference: ImageReference, settings: RegistrySettings): readonly Endpoint[] {
  const { urls, upstream } = mirrorsOf(settings, reference.host);
  const mirrors = urls.map((url) => mirrorEndpoint(url, reference));
  return upstream ? [...mirrors, upstreamEndpoint(reference, settings)] : mirrors;
}

function mirrorEndpoint(url: URL, reference: ImageReference): Endpoint {
  const prefix = url.pathname.replace(/^\/+|\/+$/g, "");
  const repository = prefix === "" ? reference.repository : `${prefix}/${reference.repository}`;
  const imageName = `${url.host}/${repository}`;
  return { host: url.host, origin: new URL(url.origin), repository, imageName, mirrorOf: reference.host };
}

function upstreamEndpoint(reference: ImageReference, settings: RegistrySettings): Endpoint {
  const { host, repository } = reference;
  const scheme = settings.insecureHosts.has(host) ? "http" : "https";
  const origin = new URL(`${scheme}://${host === DOCKER_HOST ? DOCKER_REGISTRY : host}`);
  return { host, origin, repository, imageName: writeImageName(reference), mirrorOf: undefined };
}

/** @param tagOrDigest  what is behind manifests/ */
export function manifestUrl(endpoint: Endpoint, tagOrDigest: string): URL {
  return urlAt(endpoint, `manifests/${tagOrDigest}`);
}

export function blobUrl(endpoint: Endpoint, digest: string): URL {
  return urlAt(endpoint, `blobs/${digest}`);
}

/** What refers to a digest, and is of a type; registries may tell of others too. */
export function referrersUrl(endpoint: Endpoint, digest: string, artifactType: string): URL {
  const url = urlAt(endpoint, `referrers/${digest}`);
  url.searchParams.set("artifactType", artifactType);
  return url;
}

/** @param count  most tags of one answer */
export function tagsUrl(endpoint: Endpoint, count: number): URL {
  const url = urlAt(endpoint, "tags/list");
  url.searchParams.set("n", String(count));
  return url;
}

function urlAt(endpoint: Endpoint, what: string): URL {
  const url = new URL(`/v2/${endpoint.repository}/${what}`, endpoint.origin);
  // As containerd does: one mirror can serve several registries.
  if (endpoint.mirrorOf !== undefined) url.searchParams.set("ns", endpoint.mirrorOf);
  return url;
}
