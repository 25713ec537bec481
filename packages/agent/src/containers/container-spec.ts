/** A container that the agent runs, and what of it cannot be. */
import { ContainerError } from "./errors.ts";

export interface ContainerMount {
  readonly source: string;
  readonly destination: string;
  readonly readOnly?: boolean;
}

export interface ContainerFile {
  /** Absolute path in the container, such as /run/data/cloud-config. */
  readonly destination: string;
  /** Seen by root only, in the container and outside of it (mode 0600), and gone with the container. */
  readonly content: string;
}

/** What of a Kubernetes securityContext a runtime's program can do. */
export interface SecurityContext {
  readonly privileged?: boolean | undefined;
  readonly readOnlyRootFilesystem?: boolean | undefined;
  readonly runAsUser?: number | undefined;
  readonly runAsGroup?: number | undefined;
  readonly capabilities?:
    { readonly add?: readonly string[] | undefined; readonly drop?: readonly string[] | undefined } | undefined;
}

export interface ContainerSpec {
  /** At most one container of this name exists at any time; begins with `ros-agent-`. */
  readonly name: string;
  /**
   * Which run this is, such as digest and attempt. A container that an earlier agent left is taken over where it is
   * the same run, and ended and removed where it is another.
   */
  readonly run: string;
  /** As `pullImage` took it: by digest. */
  readonly image: string;
  /** As in Kubernetes: replaces the image's entrypoint; without it the image's own runs. */
  readonly command?: readonly string[] | undefined;
  /** As in Kubernetes: replaces the image's CMD. */
  readonly args?: readonly string[] | undefined;
  /** Values may be secret: they stand in no argument list. */
  readonly env?: Readonly<Record<string, string>>;
  readonly mounts?: readonly ContainerMount[];
  readonly files?: readonly ContainerFile[];
  /** Appears at /host, with all that is mounted below; mounts made there reach the host where it shares its own. */
  readonly hostRoot?: string | undefined;
  /** Default: privileged. */
  readonly securityContext?: SecurityContext | undefined;
  readonly labels?: Readonly<Record<string, string>>;
}

export const NAME_PREFIX = "ros-agent-";

const NAME = /^ros-agent-[a-z0-9](?:[a-z0-9-]{0,50}[a-z0-9])?$/;
/** Kubernetes's own rule for names of environment variables (C_IDENTIFIER with dots and dashes). */
const ENV_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;
const CAPABILITY = /^[A-Z][A-Z_]{1,40}$/;
const LABEL_KEY = /^[a-z0-9A-Z][-._/a-z0-9A-Z]{0,250}$/;
/** containerd reads a file of environment variables line by line, at most 64 KiB each. */
const MAX_ENV_BYTES = 60 * 1024;
const MAX_ARGUMENT_BYTES = 128 * 1024;

/** @throws ContainerError CONTAINER_SPEC_INVALID that names every bad field; values of variables are not shown */
export function checkContainerSpec(spec: ContainerSpec): void {
  const problems = [
    ...(NAME.test(spec.name) ? [] : [`name: ${JSON.stringify(spec.name)} is not ${NAME_PREFIX} and lower-case words`]),
    ...(isText(spec.run) && spec.run.length <= 250 ? [] : ["run: has to be one line of at most 250 characters"]),
    ...(/^[^\s-]\S*$/.test(spec.image) ? [] : ["image: is not an image reference"]),
    ...argumentProblems("command", spec.command),
    ...argumentProblems("args", spec.args),
    ...Object.entries(spec.env ?? {}).flatMap(([name, value]) => envProblems(name, value)),
    ...(spec.mounts ?? []).flatMap((mount, index) => mountProblems(`mounts[${index}]`, mount)),
    ...(spec.files ?? []).flatMap((file, index) => pathProblems(`files[${index}].destination`, file.destination)),
    ...(spec.hostRoot === undefined ? [] : pathProblems("hostRoot", spec.hostRoot)),
    ...securityProblems(spec.securityContext ?? {}),
    ...Object.entries(spec.labels ?? {}).flatMap(([key, value]) =>
      LABEL_KEY.test(key) && isText(value) && key.length + value.length <= 4096 ? [] : [`labels.${key}: is no label`],
    ),
  ];
  if (problems.length === 0) return;
  throw new ContainerError("CONTAINER_SPEC_INVALID", `the container cannot be run: ${problems.join("; ")}`, {
    details: { problems: problems.join("; ") },
  });
}

function envProblems(name: string, value: string): readonly string[] {
  if (!ENV_NAME.test(name)) return [`env: ${JSON.stringify(name)} is not the name of a variable`];
  if (/[\n\r\0]/.test(value)) return [`env.${name}: a value with a line break cannot be given; mount it as a file`];
  return Buffer.byteLength(value) > MAX_ENV_BYTES ? [`env.${name}: is longer than ${MAX_ENV_BYTES} bytes`] : [];
}

function argumentProblems(field: string, list: readonly string[] | undefined): readonly string[] {
  if (list === undefined) return [];
  if (list.some((argument) => argument.includes("\0"))) return [`${field}: holds a zero byte`];
  const bytes = list.reduce((sum, argument) => sum + Buffer.byteLength(argument), 0);
  if (bytes > MAX_ARGUMENT_BYTES) return [`${field}: is longer than ${MAX_ARGUMENT_BYTES} bytes`];
  return field === "command" && list[0] === "" ? [`${field}: begins with an empty program`] : [];
}

function mountProblems(field: string, mount: ContainerMount): readonly string[] {
  return [
    ...pathProblems(`${field}.source`, mount.source),
    ...pathProblems(`${field}.destination`, mount.destination),
    ...(mount.destination === "/" ? [`${field}.destination: is the container's own /`] : []),
  ];
}

function pathProblems(field: string, path: string): readonly string[] {
  if (!path.startsWith("/")) return [`${field}: ${JSON.stringify(path)} is not an absolute path`];
  if (path.split("/").includes("..")) return [`${field}: ${JSON.stringify(path)} goes upwards`];
  return /[\n\r\0"]/.test(path) ? [`${field}: ${JSON.stringify(path)} has characters that no mount takes`] : [];
}

function securityProblems(context: SecurityContext): readonly string[] {
  const { capabilities = {}, runAsUser, runAsGroup } = context;
  const names = [...(capabilities.add ?? []), ...(capabilities.drop ?? [])];
  return [
    ...names
      .filter((name) => !CAPABILITY.test(name.replace(/^CAP_/, "")))
      .map((name) => `securityContext.capabilities: ${JSON.stringify(name)} is no capability`),
    ...[runAsUser, runAsGroup]
      .filter((id) => id !== undefined && !(Number.isInteger(id) && id >= 0 && id < 2 ** 31))
      .map((id) => `securityContext: ${id} is no user or group`),
    ...(runAsGroup !== undefined && runAsUser === undefined ? ["securityContext.runAsGroup: needs runAsUser"] : []),
  ];
}

function isText(value: string): boolean {
  return value !== "" && !/[\n\r\0]/.test(value);
}
