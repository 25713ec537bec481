/** An upgrade's containers, in whatever runs containers on this node. */
import type { ImagePolicy } from "@rancheros/protocol/signatures";
import {
  findRuntime,
  ownImages,
  parseSecurityContext,
  pullImage,
  readImageFiles,
  removeContainer,
  removeImage,
  runContainer,
  runtimeMissing,
  type ContainerRuntime,
  type RuntimeChoice,
  type RuntimeIdentity,
} from "../containers/index.ts";
import { readPolicies, readRegistries, registriesIfThere, type AdmitEvent, type Registries } from "../images/index.ts";
import type { ContainerPort, ContainerRun } from "./ports.ts";
import { RELEASE_MAX_BYTES } from "./release.ts";

export interface NodeContainersOptions {
  readonly hostRoot: string;
  /** Of the agent; what containers need while they run lies below. */
  readonly runFolder: string;
  readonly choice: RuntimeChoice;
  /** Undefined: those of k3s and rke2, below the host's root. */
  readonly registriesPath: string | undefined;
  readonly bytesPerSecond: number | undefined;
  /** How a node's own program records the output of containers; undefined: the sources' own. */
  readonly recorder: readonly [program: string, argument: string] | undefined;
  readonly log: (message: string) => void;
}

const STOP_GRACE_MS = 30_000;
const REGISTRIES = ["/etc/rancher/rke2/registries.yaml", "/etc/rancher/k3s/registries.yaml"] as const;

/** Everything in it throws ContainerError, ImagePullError, ImageReferenceError and SignatureError. */
export function nodeContainers(options: NodeContainersOptions): ContainerPort {
  const { hostRoot, choice, log, recorder } = options;
  const containers = {
    runFolder: `${options.runFolder}/containers`,
    ...(recorder === undefined ? {} : { recorder }),
  };
  let held: RuntimeIdentity | undefined;
  /** Looked for each time: it may have come and gone since. */
  const runtime = async (): Promise<ContainerRuntime> => {
    const search = await findRuntime({ hostRoot, choice, held });
    if (search.kind === "missing") throw runtimeMissing(search.looks);
    return search.runtime;
  };
  return {
    async find() {
      const { kind, socket } = await runtime();
      return { kind, socket };
    },
    hold(wanted) {
      held = wanted;
    },
    async pull(image, { credentials, signal, isOwn, onOwn, onTrouble }) {
      const { bytesPerSecond } = options;
      const registries = await nodeRegistries(options);
      const policies = await toldPolicies(options);
      const { digest } = await pullImage(await runtime(), containers, {
        image,
        credentials,
        registries,
        policies,
        bytesPerSecond,
        signal,
        isOwn,
        onOwn,
        onProgress: (progress) => {
          if (progress.kind === "retry") {
            const { code, message } = progress;
            log(`pulling ${image}: ${message} (${code}); trying again`);
            onTrouble({ code, message });
          } else if (progress.kind === "bytes" || progress.kind === "described") onTrouble(undefined);
          else if (progress.kind === "signed" || progress.kind === "unsigned") log(admissionText(image, progress));
        },
      });
      return digest;
    },
    async removeImage(image, { isClaimed, signal }) {
      await removeImage(await runtime(), containers, { image, isClaimed, signal });
    },
    async ownImages(signal) {
      return ownImages(await runtime(), containers, signal);
    },
    async readImageFile(image, path) {
      const call = { image, paths: [path], maxBytes: RELEASE_MAX_BYTES };
      const file = (await readImageFiles(await runtime(), containers, call)).get(path);
      return file?.kind === "file" ? file.content : undefined;
    },
    async run(run, { signal, leave, deadlineMs, onLine }) {
      const spec = specOf(run, hostRoot);
      return runContainer(await runtime(), containers, {
        spec,
        signal,
        leave,
        deadlineMs,
        keepsResult: true,
        onOutput: (event) => onLine(`${run.name}: ${event.kind === "line" ? event.text : "output was left out"}`),
      });
    },
    async stop(name) {
      await removeContainer(await runtime(), containers, name, STOP_GRACE_MS);
    },
  };
}

/** Those of this machine; what is hardly meant in them is told. @throws SignatureError SIGNATURE_POLICY_INVALID */
export async function toldPolicies({
  hostRoot,
  log,
}: Pick<NodeContainersOptions, "hostRoot" | "log">): Promise<readonly ImagePolicy[]> {
  const policies = await readPolicies(hostRoot);
  for (const warning of policies.flatMap(({ warnings }) => warnings)) log(warning);
  return policies;
}

/** For the log. */
export function admissionText(image: string, event: AdmitEvent): string {
  if (event.kind === "signed") return `${image} is signed: ${event.by}`;
  return `${event.error.message} (${event.error.code}); it is let in, as the policy only warns`;
}

/** Those of the file that is named, else those that the node's own runtime goes by. @throws ImagePullError IMAGE_REGISTRIES_INVALID */
export async function nodeRegistries({
  hostRoot,
  registriesPath,
}: Pick<NodeContainersOptions, "hostRoot" | "registriesPath">): Promise<Registries> {
  if (registriesPath !== undefined) return readRegistries(registriesPath);
  const [rke2, k3s] = REGISTRIES.map((path) => `${hostRoot.replace(/\/+$/, "")}${path}`);
  const first = await registriesIfThere(rke2 ?? "");
  const isEmpty = first.mirrors.size === 0 && first.configs.size === 0;
  return isEmpty ? registriesIfThere(k3s ?? "") : first;
}

function specOf({ name, run, container, env, files }: ContainerRun, hostRoot: string) {
  const { image, command, args, volumes, securityContext } = container;
  return {
    name,
    run,
    image,
    command,
    args,
    env: { ...container.env, ...env },
    mounts: volumes.map(({ source, destination }) => ({ source, destination })),
    files,
    hostRoot,
    securityContext: parseSecurityContext(securityContext),
  };
}
