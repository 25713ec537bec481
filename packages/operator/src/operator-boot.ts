/** What the settings describe outside of themselves: registries, the boot files out of them, and files. */
import type { ImagePolicy } from "@rancheros/protocol/signatures";
import { createBootDesk, mediaFinder, type BootDesk, type BootParts } from "./boot/index.ts";
import type { Kubernetes } from "./controller/index.ts";
import { parseDefaults, type DefaultObject } from "./defaults/index.ts";
import {
  createRegistryClient,
  readCaBundle,
  readImagePolicy,
  readPullSecrets,
  type RegistryBlobs,
  type RegistryClient,
} from "./registry/index.ts";
import { readGivenFile, SETTINGS, type Settings } from "./settings/index.ts";
import { errorFields, type Log } from "./telemetry/index.ts";
import { verifyKeyless } from "./verify-keyless.ts";

export interface OpenRegistries {
  readonly client: RegistryClient;
  /** Content of --registry-ca. */
  readonly caPem: string | undefined;
}

/**
 * @throws RegistryError  REGISTRY_CA_INVALID
 * @throws SettingsError  SETTINGS_FILE_UNREADABLE
 */
export async function openRegistries({ registryCaFile }: Settings): Promise<OpenRegistries> {
  const caPem =
    registryCaFile === undefined
      ? undefined
      : await readGivenFile({ setting: SETTINGS.registryCa, path: registryCaFile });
  // Checked here, where its name is known.
  if (caPem !== undefined) readCaBundle(caPem, `--registry-ca ${JSON.stringify(registryCaFile)}`);
  return { client: createRegistryClient({ caPem, environment: process.env }), caPem };
}

/** @throws SignatureError  SIGNATURE_POLICY_INVALID: a policy that nobody understands must not count as none */
export async function openImagePolicy({ imagePolicyFile }: Settings, log: Log): Promise<ImagePolicy> {
  if (imagePolicyFile === undefined) return { rules: [], warnings: [] };
  const policy = await readImagePolicy(imagePolicyFile);
  for (const problem of policy.warnings) log.warn("image policy has a pattern that no image could match", { problem });
  return policy;
}

/** @throws DefaultsError; SettingsError  SETTINGS_FILE_UNREADABLE */
export async function readDefaults({ defaultsFile }: Settings): Promise<readonly DefaultObject[]> {
  if (defaultsFile === undefined) return [];
  return parseDefaults(await readGivenFile({ setting: SETTINGS.defaultsFile, path: defaultsFile }));
}

export interface OperatorBootParts extends Omit<BootParts, "find" | "bootUrl" | "steadyMs" | "lateAfter"> {
  readonly settings: Settings;
  readonly kubernetes: Kubernetes;
  readonly registry: RegistryBlobs;
  readonly imagePolicy: ImagePolicy;
  readonly log: Log;
}

export function startBootDesk(options: OperatorBootParts): BootDesk {
  const { settings, kubernetes, registry, imagePolicy, log, ...parts } = options;
  const find = mediaFinder({
    blobs: registry,
    settings: settings.registries,
    imagePolicy,
    verifyKeyless,
    onUnsigned: (media, error) => log.warn("boot media without a trusted signature", { media, ...errorFields(error) }),
    pullSecrets: async (namespace, names) => readPullSecrets(kubernetes, namespace, names),
  });
  const clocks = { steadyMs: () => performance.now(), lateAfter: (ms: number) => AbortSignal.timeout(ms) };
  return createBootDesk({ ...parts, ...clocks, find, bootUrl: settings.bootUrl });
}
