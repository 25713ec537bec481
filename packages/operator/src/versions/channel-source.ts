/** From a ManagedOSVersionChannel to what reading it goes by: every field read once, every bad one named. */
import { ImageReferenceError, parseImageReference, type ImageReference } from "@rancheros/protocol/images";
import type { ChannelOptions, Container, ManagedOSVersionChannel } from "@rancheros/protocol/resources";
import { parseVersion, parseVersionRange, type VersionRange } from "@rancheros/protocol/versions";
import { readCaBundle, RegistryError } from "../registry/index.ts";
import { INTERVAL, POD_TIMEOUT, span, TIMEOUT } from "./channel-spans.ts";

export interface JsonSource {
  readonly kind: "json";
  readonly url: URL;
  readonly timeoutMs: number;
  readonly caPem: string | undefined;
  /** Undefined: the operator's own, where its environment names one. */
  readonly proxy: URL | "none" | undefined;
  readonly secretName: string | undefined;
}

export interface TagsSource {
  readonly kind: "oci";
  /** Without a tag. */
  readonly repository: ImageReference;
  /** As written. */
  readonly name: string;
  readonly range: VersionRange | undefined;
  readonly withPreReleases: boolean;
  readonly minVersion: string | undefined;
  readonly timeoutMs: number;
  readonly pullSecrets: readonly string[];
}

export interface PodSource {
  readonly kind: "custom";
  readonly options: ChannelOptions & { readonly image: string };
  /** Folder in the container that is shared with ours. */
  readonly mountPath: string;
  /** Below it. */
  readonly outputFile: string;
  readonly timeoutMs: number;
  readonly pullSecrets: readonly string[];
}

export type ChannelSource = JsonSource | TagsSource | PodSource;

export interface CompiledChannel {
  readonly isEnabled: boolean;
  /** Undefined where there are problems. */
  readonly source: ChannelSource | undefined;
  readonly intervalMs: number;
  readonly deletes: boolean;
  readonly registry: string;
  readonly maxVersions: number;
  readonly upgradeContainer: Container | undefined;
  /** One sentence for each bad field. */
  readonly problems: readonly string[];
}

/** More versions than that nobody chooses from; the newest are taken. */
export const VERSIONS_MAX = 1_000;

/** As the original has it. */
const MOUNT_PATH = "/data";

type Problem = (text: string) => void;

function webAddress(text: string, field: string, problem: Problem): URL | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    problem(`${field}: is no http or https address`);
    return undefined;
  }
  if (url.username !== "" || url.password !== "") {
    problem(`${field}: has a password in it, which belongs into the Secret that options.secretName names`);
    return undefined;
  }
  return url;
}

function caOf(pem: string | undefined, problem: Problem): string | undefined {
  if (pem === undefined || pem === "") return undefined;
  try {
    readCaBundle(pem);
    return pem;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    problem(`options.caBundle: ${error.message.replaceAll("the file", "it")}`);
    return undefined;
  }
}

function jsonSource(options: ChannelOptions, problem: Problem): JsonSource | undefined {
  const url = webAddress(options.uri ?? "", "options.uri", problem);
  const secretName = options.secretName || undefined;
  if (url?.protocol === "http:" && secretName !== undefined) {
    problem("options.secretName: a password is not sent without TLS; options.uri must begin with https");
  }
  const { proxy: proxyText } = options;
  const named = proxyText === undefined || proxyText === "" || proxyText === "none" ? undefined : proxyText;
  const proxy = named === undefined ? undefined : webAddress(named, "options.proxy", problem);
  const caPem = caOf(options.caBundle, problem);
  const timeoutMs = span(options.timeout, TIMEOUT, "options.timeout", problem);
  if (url === undefined) return undefined;
  return { kind: "json", url, timeoutMs, caPem, proxy: proxyText === "none" ? "none" : proxy, secretName };
}

function pullSecrets({ imagePullSecrets }: ChannelOptions): readonly string[] {
  return (imagePullSecrets ?? []).map(({ name }) => name);
}

function repositoryOf(name: string, problem: Problem): ImageReference | undefined {
  try {
    const reference = parseImageReference(name);
    if (!/@|:[^/]*$/.test(name)) return reference;
    problem("options.repository: has a tag or a digest; give the name without it");
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    for (const text of error.problems) problem(`options.repository: ${text}`);
  }
  return undefined;
}

function tagsSource(options: ChannelOptions, problem: Problem): TagsSource | undefined {
  const name = options.repository ?? "";
  const repository = repositoryOf(name, problem);
  const withPreReleases = options.preReleases === true;
  const range = options.range ? parseVersionRange(options.range, withPreReleases) : undefined;
  if (options.range && range === undefined) {
    problem(`options.range: ${JSON.stringify(options.range.slice(0, 64))} is no range such as ^1.2.0 or >=1.4 <3`);
  }
  const minVersion = options.minVersion || undefined;
  if (minVersion !== undefined && parseVersion(minVersion) === undefined) {
    problem(`options.minVersion: ${JSON.stringify(minVersion)} is no semantic version`);
  }
  const timeoutMs = span(options.timeout, TIMEOUT, "options.timeout", problem);
  if (repository === undefined) return undefined;
  const secrets = pullSecrets(options);
  return { kind: "oci", repository, name, range, withPreReleases, minVersion, timeoutMs, pullSecrets: secrets };
}

function podSource(options: ChannelOptions, problem: Problem): PodSource | undefined {
  const { image = "" } = options;
  if (image === "") problem("options.image: is missing");
  if (options.env !== undefined && options.envs !== undefined) {
    problem("options: env and envs are two names of one field; use env");
  }
  const timeoutMs = span(options.timeout, POD_TIMEOUT, "options.timeout", problem);
  const mountPath = pathOf(options.mountPath || MOUNT_PATH, "options.mountPath", problem);
  const outputFile = pathOf(options.outputFile || `${mountPath}/output`, "options.outputFile", problem);
  if (!outputFile.startsWith(`${mountPath}/`)) {
    problem(`options.outputFile: is not below ${JSON.stringify(mountPath)}, the only folder that both containers see`);
  }
  const secrets = pullSecrets(options);
  return { kind: "custom", options: { ...options, image }, mountPath, outputFile, timeoutMs, pullSecrets: secrets };
}

/** One that can be mounted: absolute, without steps up, and not the whole container. */
function pathOf(written: string, field: string, problem: Problem): string {
  const path = written.replace(/\/+$/, "");
  const isPath = /^(?:\/[^/:\0]+)+$/.test(path) && !path.split("/").some((part) => part === "." || part === "..");
  if (!isPath) problem(`${field}: ${JSON.stringify(written.slice(0, 64))} is no absolute path such as /data`);
  return path;
}

function sourceOf(type: string, options: ChannelOptions, problem: Problem): ChannelSource | undefined {
  if (type === "json") return jsonSource(options, problem);
  if (type === "oci") return tagsSource(options, problem);
  if (type === "custom") return podSource(options, problem);
  problem(`type: ${JSON.stringify(type.slice(0, 64))} is none of json, oci and custom`);
  return undefined;
}

/** Never throws: what is wrong is listed, and a channel with problems is not read. */
export function compileChannel({ spec }: ManagedOSVersionChannel): CompiledChannel {
  const problems: string[] = [];
  const problem: Problem = (text) => problems.push(`spec.${text}`);
  const options = spec.options ?? {};
  const source = sourceOf(spec.type, options, problem);
  const registry = spec.registry?.replace(/\/+$/, "") ?? "";
  if (registry !== "" && !/^[a-zA-Z0-9][\w.:/-]*$/.test(registry))
    problem("registry: is no beginning of an image's name");
  return {
    isEnabled: spec.enabled !== false,
    source: problems.length === 0 ? source : undefined,
    intervalMs: span(spec.syncInterval, INTERVAL, "syncInterval", problem),
    deletes: spec.deleteNoLongerInSyncVersions === true,
    registry,
    maxVersions: Math.min(VERSIONS_MAX, Math.max(1, options.maxVersions ?? VERSIONS_MAX)),
    upgradeContainer: spec.upgradeContainer ?? undefined,
    problems,
  };
}
