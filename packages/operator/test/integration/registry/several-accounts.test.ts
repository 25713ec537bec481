/** Several accounts for one registry, some of which may see nothing: who is believed, and what is said in the end. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseImageReference } from "@rancheros/protocol/images";
import { parseImagePolicy, type ImageVerdict } from "@rancheros/protocol/signatures";
import { buildImage } from "../../../../../test/registry/index.ts";
import { startStrangeServer, type StrangeServer } from "../../../../../test/registry/strange-server.ts";
import { keySigner } from "../../../../../test/sigstore/index.ts";
import {
  checkSignatures,
  createRegistryClient,
  listTags,
  openArtifact,
  resolveDigest,
  type RegistryClient,
  type RegistrySettings,
} from "../../../src/registry/index.ts";

const image = buildImage({ layers: [[{ path: "/a", content: "a" }]] });
const { digest, mediaType } = image.descriptor;
/** What the users of the registry get. "blind" is one without rights, as Artifactory and Nexus treat it. */
const STATUSES: Readonly<Record<string, number>> = { right: 200, blind: 404, barred: 403, overloaded: 503 };
let server: StrangeServer;
let client: RegistryClient;

beforeEach(async () => {
  client = createRegistryClient({ caPem: undefined, environment: {} });
  server = await startStrangeServer(({ headers, url = "", method }, response) => {
    const user = userOf(headers.authorization);
    const status = user === undefined ? 401 : (STATUSES[user] ?? 401);
    const body = bodyAt(url);
    const login = status === 401 ? { "www-authenticate": "Basic" } : {};
    response.writeHead(status === 200 && body === undefined ? 404 : status, { "content-type": mediaType, ...login });
    response.end(status === 200 && method === "GET" ? body : undefined);
  });
});
afterEach(async () => {
  await server.stop();
  await client.close();
});

function userOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  return Buffer.from(authorization.replace("Basic ", ""), "base64").toString().split(":")[0];
}

function bodyAt(url: string): Buffer | string | undefined {
  if (url.includes("/tags/list")) return JSON.stringify({ name: "os", tags: ["v1"] });
  return [`/v2/os/manifests/${digest}`, "/v2/os/manifests/v1"].includes(url) ? image.manifest : undefined;
}

function options(users: readonly string[]) {
  const settings: RegistrySettings = { mirrors: new Map(), insecureHosts: new Set([server.host]) };
  const credentials = users.map((username) => ({ registry: server.host, username, password: "p" }));
  return { settings, credentials };
}

async function check(mode: string, ...users: readonly string[]): Promise<ImageVerdict> {
  const policy = parseImagePolicy([{ images: ["**"], mode, require: [{ publicKey: keySigner().pem }] }], "policy.yaml");
  const verifyKeyless = () => Promise.resolve({ problem: "nobody signs without a key here" });
  const reference = parseImageReference(`${server.host}/os:v1`);
  return checkSignatures(client, reference, digest, { ...options(users), policy, verifyKeyless });
}

const resolve = async (...users: readonly string[]): Promise<unknown> =>
  (await resolveDigest(client, parseImageReference(`${server.host}/os:v1`), options(users))).digest;
const list = async (...users: readonly string[]): Promise<unknown> =>
  (await listTags(client, parseImageReference(`${server.host}/os`), { ...options(users), deadlineMs: 10_000 })).tags;
const open = async (...users: readonly string[]): Promise<unknown> =>
  (await openArtifact(client, parseImageReference(`${server.host}/os@${digest}`), options(users))).digest;

describe.each([
  ["the digest of a tag", resolve, digest],
  ["a list of tags", list, ["v1"]],
  ["an artifact", open, digest],
])("%s", (_, ask, found) => {
  it.each(["blind", "barred", "unknown"])("comes with the next account where one is %s", async (user) => {
    expect(await ask(user, "right")).toEqual(found);
  });

  it("does not come with the next account where the registry is in trouble", async () => {
    await expect(ask("overloaded", "right")).rejects.toMatchObject({ code: "REGISTRY_BUSY" });
    expect(server.requests.map(({ headers }) => userOf(headers.authorization))).not.toContain("right");
  });

  it("that no account gets is told of by who was refused, with the words of the others", async () => {
    for (const users of [
      ["blind", "barred", "blind"],
      ["barred", "blind"],
    ]) {
      await expect(ask(...users)).rejects.toMatchObject({
        code: "REGISTRY_REFUSED",
        message: expect.stringMatching(/^[^;]*HTTP 403[^;]*; [^;]*no such image[^;]*$/) as string,
      });
    }
    await expect(ask("blind", "blind")).rejects.toMatchObject({
      code: "REGISTRY_NOT_FOUND",
      message: expect.stringMatching(/^[^;]*no such image[^;]*$/) as string,
    });
  });
});

describe("a signature", () => {
  it.each([
    ["right", "blind"],
    ["blind", "right"],
    ["barred", "right"],
  ])("that is missing is said to be so by who sees the image: %s before %s", async (...users) => {
    await expect(check("enforce", ...users)).rejects.toMatchObject({ code: "SIGNATURE_MISSING" });
    expect(await check("warn", ...users)).toMatchObject({ kind: "warned", error: { code: "SIGNATURE_MISSING" } });
  });

  it("of an image that nobody sees is not said to be missing", async () => {
    await expect(check("enforce", "blind", "barred")).rejects.toMatchObject({ code: "REGISTRY_REFUSED" });
    expect(await check("warn", "blind")).toMatchObject({ kind: "warned", error: { code: "REGISTRY_NOT_FOUND" } });
  });
});
