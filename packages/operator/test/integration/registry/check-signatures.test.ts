/** Whether the operator's policy lets an image of a real registry in: accounts, indexes, troubles. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseImageReference } from "@rancheros/protocol/images";
import { parseImagePolicy, type ImageVerdict } from "@rancheros/protocol/signatures";
import {
  buildImage,
  buildIndex,
  pushImage,
  REGISTRY_ACCOUNT,
  startRegistry,
  type Image,
  type ImageIndex,
  type TestRegistry,
} from "../../../../../test/registry/index.ts";
import { keySigner, pushSignatures, simpleSigning } from "../../../../../test/sigstore/index.ts";
import { checkSignatures, createRegistryClient, type RegistryCredential } from "../../../src/registry/index.ts";

const ours = keySigner();
let folder: string;
let registry: TestRegistry;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "registry-signed-"));
  registry = await startRegistry({ folder, auth: "basic" });
});
afterAll(async () => {
  await registry.stop();
  await rm(folder, { recursive: true, force: true });
});

function image(text: string, architecture = "amd64"): Image {
  return buildImage({ layers: [[{ path: "/a", content: text }]], platform: { os: "linux", architecture } });
}

async function sign(repository: string, ...digests: readonly string[]): Promise<void> {
  for (const digest of digests) {
    await pushSignatures(registry, repository, digest, [simpleSigning(ours, `${registry.host}/${repository}`, digest)]);
  }
}

async function check(
  repository: string,
  { descriptor: { digest } }: Image | ImageIndex,
  asked: { readonly password?: string; readonly mode?: string; readonly host?: string } = {},
): Promise<ImageVerdict | string> {
  const { password = REGISTRY_ACCOUNT.password, mode = "enforce", host = registry.host } = asked;
  const client = createRegistryClient({ caPem: undefined, environment: {} });
  const credentials: readonly RegistryCredential[] = [{ ...REGISTRY_ACCOUNT, password, registry: host }];
  const policy = parseImagePolicy([{ images: ["**"], mode, require: [{ publicKey: ours.pem }] }], "policy.yaml");
  const settings = { mirrors: new Map(), insecureHosts: new Set([host]) };
  const verifyKeyless = () => Promise.resolve({ problem: "nobody signs without a key here" });
  try {
    const reference = parseImageReference(`${host}/${repository}:v1`);
    return await checkSignatures(client, reference, digest, { policy, verifyKeyless, settings, credentials });
  } catch (error) {
    return (error as { readonly code?: string }).code ?? String(error);
  } finally {
    await client.close();
  }
}

it("lets a signed image in, and refuses an unsigned one, with the account of its pull secret", async () => {
  const one = image("one");
  await pushImage(registry, "os/one", "v1", one);
  expect(await check("os/one", one)).toBe("SIGNATURE_MISSING");
  await sign("os/one", one.descriptor.digest);
  expect(await check("os/one", one)).toMatchObject({ kind: "signed", digest: one.descriptor.digest });
});

it("takes an index for signed where it is, or where each image in it is: a node takes one of them", async () => {
  const [amd, arm] = [image("many", "amd64"), image("many", "arm64")];
  const index = buildIndex([amd, arm]);
  await pushImage(registry, "os/many", "v1", index);
  expect(await check("os/many", index)).toBe("SIGNATURE_MISSING");
  await sign("os/many", amd.descriptor.digest);
  expect(await check("os/many", index)).toBe("SIGNATURE_MISSING");
  expect(await check("os/many", index, { mode: "warn" })).toMatchObject({ kind: "warned" });
  await sign("os/many", arm.descriptor.digest);
  expect(await check("os/many", index)).toMatchObject({ kind: "signed" });
  expect(await check("os/many", index, { mode: "warn" })).toMatchObject({ kind: "signed" });
  await pushImage(registry, "os/index", "v1", index);
  await sign("os/index", index.descriptor.digest);
  expect(await check("os/index", index)).toMatchObject({ kind: "signed", digest: index.descriptor.digest });
});

it("tells a registry that refuses, or is away, from a missing signature", async () => {
  const one = image("troubles");
  await pushImage(registry, "os/troubles", "v1", one);
  expect(await check("os/troubles", one, { password: "not-the-password" })).toBe("REGISTRY_REFUSED");
  expect(await check("os/troubles", one, { host: "127.0.0.1:1" })).toBe("REGISTRY_UNREACHABLE");
  expect(await check("os/absent", one)).toBe("REGISTRY_NOT_FOUND");
});
