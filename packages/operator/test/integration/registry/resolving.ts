/** Shorthand for tests: resolve a text, and see all of an error. */
import { inspect } from "node:util";
import { parseImageReference } from "@rancheros/protocol/images";
import { buildImage, REGISTRY_ACCOUNT, type Image } from "../../../../../test/registry/index.ts";
import {
  createRegistryClient,
  NO_REGISTRY_SETTINGS,
  RegistryError,
  resolveDigest,
  type RegistryCredential,
  type RegistryMirrors,
  type RegistryRequest,
  type ResolvedImage,
  type ResolveOptions,
} from "../../../src/registry/index.ts";

export interface Resolving extends Partial<Omit<ResolveOptions, "settings">> {
  readonly caPem?: string | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  readonly insecure?: readonly string[];
  readonly mirrors?: Readonly<Record<string, RegistryMirrors>>;
  /** Told of each request, and waited for, before it is sent. */
  readonly onRequest?: (request: RegistryRequest) => unknown;
}

/** Resolves with a client of its own. */
export async function resolve(image: string, options: Resolving = {}): Promise<ResolvedImage> {
  const { caPem, environment = {}, insecure = [], mirrors = {}, onRequest, ...rest } = options;
  const client = createRegistryClient({ caPem, environment });
  const settings = {
    ...NO_REGISTRY_SETTINGS,
    mirrors: new Map(Object.entries(mirrors)),
    insecureHosts: new Set(insecure),
  };
  const outside = {
    nowMs: () => client.nowMs(),
    send: async (request: RegistryRequest) => {
      await onRequest?.(request);
      return client.send(request);
    },
  };
  try {
    return await resolveDigest(outside, parseImageReference(image), { settings, credentials: [], ...rest });
  } finally {
    await client.close();
  }
}

/** The error that it ends with; anything else fails the test. Nothing of it may show a secret. */
export async function failure(image: string, options: Resolving = {}): Promise<RegistryError> {
  const error: unknown = await resolve(image, options).then(
    (resolved) => new Error(`resolved to ${resolved.digest}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RegistryError)) throw error;
  const shown = `${inspect(error, { depth: 8, showHidden: true })}${error.stack}`;
  for (const { username, password } of options.credentials ?? []) {
    const basic = Buffer.from(`${username}:${password}`).toString("base64");
    if (shown.includes(password) || shown.includes(basic)) throw new Error(`the error ${error.code} shows a password`);
  }
  return error;
}

export function mirrored(...urls: readonly string[]): RegistryMirrors {
  return { urls: urls.map((url) => new URL(url)), upstream: true };
}

export function account(registry: string, username: string, password: string): RegistryCredential {
  return { registry, username, password };
}

/** As the test registries with an account have it. */
export function right(registry: string): RegistryCredential {
  return account(registry, REGISTRY_ACCOUNT.username, REGISTRY_ACCOUNT.password);
}

/** Of two layers. @param text  makes it one of its own */
export function image(text: string, format: "oci" | "docker" = "oci"): Image {
  return buildImage({ format, layers: [[{ path: "/a", content: text }], [{ path: "/b", content: `${text} too` }]] });
}
