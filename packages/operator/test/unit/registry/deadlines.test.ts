/** Registries that let every request run out, on a clock that goes as fast: how long all of it takes. */
import { parseImageReference } from "@rancheros/protocol/images";
import { parseImagePolicy } from "@rancheros/protocol/signatures";
import { expect, it } from "vitest";
import {
  checkSignatures,
  openArtifact,
  RegistryError,
  resolveDigest,
  type RegistryBlobs,
  type RegistryRequest,
} from "../../../src/registry/index.ts";
import { keySigner } from "../../../../../test/sigstore/index.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const HOST = "registry.example.com";
const mirrors = ["one", "two"].map((name) => new URL(`https://${name}.example.com`));
const settings = { mirrors: new Map([[HOST, { urls: mirrors, upstream: true }]]), insecureHosts: new Set<string>() };
/** Five for each of them. */
const credentials = [HOST, ...mirrors.map(({ host }) => host)].flatMap((registry) =>
  ["a", "b", "c", "d", "e"].map((username) => ({ registry, username, password: "p" })),
);

function scene() {
  const asked: string[] = [];
  let now = 0;
  async function runOut({ url, timeoutMs }: Pick<RegistryRequest, "url" | "timeoutMs">): Promise<never> {
    asked.push(url.host);
    now += timeoutMs;
    throw new RegistryError("REGISTRY_TIMEOUT", `${url.host}: did not answer in time`);
  }
  const outside: RegistryBlobs = { send: runOut, open: runOut, nowMs: () => now };
  return { outside, hosts: () => new Set(asked), nowMs: () => now };
}

const everybody = new Set([...mirrors.map(({ host }) => host), HOST]);
const isTimeout = expect.objectContaining({ code: "REGISTRY_TIMEOUT" }) as unknown;

it("looks for signatures at all endpoints, with all accounts, for two minutes together", async () => {
  const { outside, hosts, nowMs } = scene();
  const policy = parseImagePolicy([{ images: ["**"], require: [{ publicKey: keySigner().pem }] }], "policy.yaml");
  const verifyKeyless = () => Promise.resolve({ problem: "nobody signs without a key here" });
  const reference = parseImageReference(`${HOST}/os:v1`);
  const checking = checkSignatures(outside, reference, DIGEST, { policy, verifyKeyless, settings, credentials });
  await expect(checking).rejects.toEqual(isTimeout);
  expect(hosts()).toEqual(everybody);
  expect(nowMs()).toBeLessThanOrEqual(120_000);
});

it("opens an artifact for half a minute, whoever has it", async () => {
  const { outside, hosts, nowMs } = scene();
  const opening = openArtifact(outside, parseImageReference(`${HOST}/os@${DIGEST}`), { settings, credentials });
  await expect(opening).rejects.toEqual(isTimeout);
  expect(hosts()).toEqual(everybody);
  expect(nowMs()).toBeLessThanOrEqual(30_000);
});

it("asks for the digest of a tag for half a minute, whoever has it", async () => {
  const { outside, hosts, nowMs } = scene();
  const resolving = resolveDigest(outside, parseImageReference(`${HOST}/os:v1`), { settings, credentials });
  await expect(resolving).rejects.toEqual(isTimeout);
  expect(hosts()).toEqual(everybody);
  expect(nowMs()).toBeLessThanOrEqual(30_000);
});
