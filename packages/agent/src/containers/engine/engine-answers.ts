/** What docker, podman and nerdctl say; their command lines are docker's. */
import { ContainerError } from "../errors.ts";

export interface InspectedContainer {
  readonly status: "created" | "running" | "ended";
  readonly exitCode: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** Statuses of docker, podman and nerdctl; whatever is neither here nor running has not ended. */
const CREATED: ReadonlySet<string> = new Set(["created", "configured", "initialized", "init"]);
const ENDED: ReadonlySet<string> = new Set(["exited", "stopped", "dead", "removing"]);

/**
 * Of `container inspect NAME`: a list with one object; its environment is not looked at.
 * @throws ContainerError CONTAINER_NONSENSE
 */
export function parseInspected(printed: string): InspectedContainer {
  const list = parseJson(printed);
  const one: unknown = Array.isArray(list) ? list[0] : undefined;
  const state = isRecord(one) ? one["State"] : undefined;
  const config = isRecord(one) ? one["Config"] : undefined;
  if (!isRecord(state) || !isRecord(config)) throw nonsense("a container has no State or no Config");
  const { Status: status, ExitCode: exitCode } = state;
  if (typeof status !== "string" || typeof exitCode !== "number") throw nonsense("a container has no status");
  const labels = isRecord(config["Labels"]) ? config["Labels"] : {};
  const name = status.toLowerCase();
  return {
    status: CREATED.has(name) ? "created" : ENDED.has(name) ? "ended" : "running",
    exitCode,
    labels: Object.fromEntries(
      Object.entries(labels).flatMap(([key, value]) => (typeof value === "string" ? [[key, value] as const] : [])),
    ),
  };
}

/** Of `image inspect NAME`: digests under which registries have it. @throws ContainerError CONTAINER_NONSENSE */
export function repoDigests(printed: string): readonly string[] {
  const list = parseJson(printed);
  const one: unknown = Array.isArray(list) ? list[0] : undefined;
  if (!isRecord(one)) throw nonsense("an image is not described");
  const digests = one["RepoDigests"] ?? [];
  const own = typeof one["Digest"] === "string" ? [one["Digest"]] : [];
  if (!Array.isArray(digests)) throw nonsense("an image's RepoDigests is not a list");
  return [
    ...own,
    ...digests.flatMap((text: unknown) => (typeof text === "string" ? [text.slice(text.indexOf("@") + 1)] : [])),
  ];
}

/** Of `image inspect NAME`. @throws ContainerError CONTAINER_NONSENSE */
export function imageId(printed: string): string {
  const list = parseJson(printed);
  const one: unknown = Array.isArray(list) ? list[0] : undefined;
  const id = isRecord(one) ? one["Id"] : undefined;
  if (typeof id !== "string" || id === "") throw nonsense("an image has no id");
  return id;
}

/** Of `image inspect NAME`: names with a tag. @throws ContainerError CONTAINER_NONSENSE */
export function repoTags(printed: string): readonly string[] {
  return inspectedNames(printed, "RepoTags");
}

/** Of `image inspect NAME`: names with a digest. @throws ContainerError CONTAINER_NONSENSE */
export function repoDigestNames(printed: string): readonly string[] {
  return inspectedNames(printed, "RepoDigests");
}

function inspectedNames(printed: string, field: "RepoTags" | "RepoDigests"): readonly string[] {
  const list = parseJson(printed);
  const one: unknown = Array.isArray(list) ? list[0] : undefined;
  const names = isRecord(one) ? (one[field] ?? []) : undefined;
  if (!Array.isArray(names)) throw nonsense(`an image's ${field} is not a list`);
  return names.flatMap((name: unknown) => (typeof name === "string" ? [name] : []));
}

export function saysNoSuchThing(stderr: string): boolean {
  return /no such (container|object|image)|no container with (name|id)|image not known|not found/i.test(stderr);
}

/** Of `run` and `create`, which are not to pull. Source: messages of docker 20 to 29, podman 3 to 5, nerdctl 1 and 2 */
export function saysNoSuchImage(stderr: string): boolean {
  return /no such image|image not (known|available)/i.test(stderr);
}

/** Of `cp`: docker has the container and the path in one word. */
export function saysNoSuchPath(stderr: string): boolean {
  return /no such file|no such container:path|could not (be )?f(i|ou)nd|does not exist/i.test(stderr);
}

export function saysNameTaken(stderr: string): boolean {
  return /already in use|name .*is already used|already exists/i.test(stderr);
}

export function saysNotRunning(stderr: string): boolean {
  return /is not running|can only kill running|not running/i.test(stderr);
}

export function saysNotShared(stderr: string): boolean {
  return /not a shared( or slave)? mount/i.test(stderr);
}

function parseJson(printed: string): unknown {
  try {
    return JSON.parse(printed);
  } catch (cause) {
    throw new ContainerError("CONTAINER_NONSENSE", "the container runtime's answer is not JSON", { cause });
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nonsense(what: string): ContainerError {
  return new ContainerError("CONTAINER_NONSENSE", `the container runtime said what is not understood: ${what}`);
}
