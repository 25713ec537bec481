/** Registries that name manifests by SHA-512: nodes pull by SHA-256, and that has to lead to the same. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { expect, it } from "vitest";
import { fails, good, resolves, type Listener } from "./hostile-answers.ts";

const SHA256 = good.descriptor.digest;
const SHA512 = `sha512:${createHash("sha512").update(good.manifest).digest("hex")}`;

/**
 * @param known    what stands behind manifests/ for it
 * @param digests  of the headers, with HEAD and with GET
 */
function registry(known: readonly string[], [inHead, inGet]: readonly [string, string]): Listener {
  return ({ method, url = "" }, response) => {
    const asked = url.slice(url.lastIndexOf("/") + 1);
    const digest = method === "HEAD" ? inHead : inGet;
    const headers = { "content-type": good.descriptor.mediaType, "docker-content-digest": digest };
    if (!known.includes(asked)) response.writeHead(404).end();
    else response.writeHead(200, headers).end(method === "HEAD" ? undefined : good.manifest);
  };
}

const asked = (requests: readonly IncomingMessage[]): readonly string[] =>
  requests.map(({ method, url = "" }) => `${method} ${url.slice(url.lastIndexOf("/") + 1)}`);

it("a tag of which only SHA-512 is said leads to the SHA-256 of its manifest, where the registry knows that too", async () => {
  const { result, requests } = await resolves(registry(["v1", SHA256, SHA512], [SHA512, SHA512]));
  expect(result.digest).toBe(SHA256);
  expect(asked(requests)).toEqual(["HEAD v1", `GET ${SHA512}`, `HEAD ${SHA256}`]);
});

it("a registry that knows it by SHA-512 only is told of, as no node could pull it", async () => {
  const { result } = await fails(registry(["v1", SHA512], [SHA512, SHA512]));
  expect(result.code).toBe("REGISTRY_NONSENSE");
  expect(result.message).toContain("os:v1: is known to its registry by sha512 only, and nodes pull by sha256");
});

it("what is said by SHA-256 is asked about no more, whichever request said so", async () => {
  const { result, requests } = await resolves(registry(["v1", SHA256, SHA512], [SHA512, SHA256]));
  expect(result.digest).toBe(SHA256);
  expect(requests).toHaveLength(2);
});

it("each of two digests has to be true", async () => {
  const wrong = `sha512:${"0".repeat(128)}`;
  const { result } = await fails(registry(["v1", SHA256, wrong], [SHA256, wrong]));
  const other = await fails(registry(["v1", SHA512, SHA256], [SHA512, `sha256:${"0".repeat(64)}`]));
  expect([result.code, other.result.code]).toEqual(["REGISTRY_NONSENSE", "REGISTRY_NONSENSE"]);
});
