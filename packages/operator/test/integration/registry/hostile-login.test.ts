/** A registry that leads elsewhere, or asks for a login: no password and no token comes into other hands. */
import { describe, expect, it } from "vitest";
import { startStrangeServer, type StrangeServer } from "../../../../../test/registry/strange-server.ts";
import { against, authority, fails, good as image, manifest, resolves, type Listener } from "./hostile-answers.ts";
import { account, failure, resolve } from "./resolving.ts";

const caPem = authority.certificatePem;
const { digest } = image.descriptor;
const PASSWORD = "the-password-of-nobody";

describe("redirects", () => {
  const to =
    (location: string): Listener =>
    (_, response) =>
      response.writeHead(307, { location }).end();

  it("in a circle end", async () => {
    const { result, requests } = await fails((request, response) => to(request.url ?? "")(request, response));
    expect(result.message).toContain("redirects more than 5 times");
    expect(requests).toHaveLength(6);
  });

  it.each([
    "ftp://127.0.0.1/",
    "http://127.0.0.1:1/",
    "http://[",
    "https://user:pw@127.0.0.1:1/",
    "file:///etc/passwd",
  ])("to %s are not followed", async (location) => {
    const { result, requests } = await fails(to(location));
    expect([result.code, requests.length]).toEqual(["REGISTRY_NONSENSE", 1]);
  });

  it("never take a password or a token along", async () => {
    const seen: (string | undefined)[] = [];
    const other = await startStrangeServer(
      (request, response) => {
        seen.push(request.headers.authorization);
        manifest(image.manifest)(request, response);
      },
      authority.issue({ names: ["127.0.0.1"] }),
    );
    const listener: Listener = (request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic" }).end();
      else to(`https://${other.host}${request.url}`)(request, response);
    };
    const ask = ({ host }: StrangeServer) =>
      resolve(`${host}/os:v1`, { caPem, credentials: [account(host, "u", PASSWORD)] });
    const { result } = await against(listener, ask, true);
    expect(result.digest).toBe(digest);
    expect(seen).toEqual([undefined, undefined]);
    await other.stop();
  });

  it("do not make the operator log in somewhere else", async () => {
    const other = await startStrangeServer(
      (_, response) => response.writeHead(401, { "www-authenticate": "Basic" }).end(),
      authority.issue({ names: ["127.0.0.1"] }),
    );
    const ask = ({ host }: StrangeServer) =>
      failure(`${host}/os:v1`, { caPem, credentials: [account(host, "u", PASSWORD)] });
    const { result } = await against(to(`https://${other.host}/`), ask, true);
    expect(result.message).toContain(`redirects to ${other.host}, which wants a login`);
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    await other.stop();
  });
});

describe("a login", () => {
  const credentials = (host: string) => [account(host, "u", PASSWORD)];
  const challenge =
    (value: string): Listener =>
    (_, response) =>
      response.writeHead(401, { "www-authenticate": value }).end();

  it.each([
    "Negotiate",
    "Digest realm=x",
    "",
    "Bearer",
    'Bearer realm=""',
    'Bearer realm="',
    `Basic ${"x".repeat(9_000)}`,
  ])("of a kind that is not known is refused: %s", async (value) => {
    const ask = ({ host }: StrangeServer) =>
      failure(`${host}/os:v1`, { insecure: [host], credentials: credentials(host) });
    const { result, requests } = await against(challenge(value), ask);
    expect(result.code).toBe("REGISTRY_REFUSED");
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it("is not sent to a token server without TLS, whoever names it", async () => {
    const thief = await startStrangeServer((_, response) => response.end("{}"));
    const realm = `Bearer realm="http://${thief.host}/token"`;
    const withTls = ({ host }: StrangeServer) => failure(`${host}/os:v1`, { caPem, credentials: credentials(host) });
    const overTls = await against(challenge(realm), withTls, true);
    const elsewhere = `Bearer realm="http://localhost:${thief.host.split(":")[1]}/token"`;
    const withoutTls = ({ host }: StrangeServer) =>
      failure(`${host}/os:v1`, { insecure: [host], credentials: credentials(host) });
    const otherHost = await against(challenge(elsewhere), withoutTls);
    for (const { result } of [overTls, otherHost]) {
      expect(result.code).toBe("REGISTRY_NONSENSE");
      expect(result.message).toContain("names a token server without TLS on another host, or none");
    }
    expect(thief.requests).toEqual([]);
    await thief.stop();
  });

  it.each([
    ["nothing", "{}", "gave no token"],
    ["a page", "<html>", "gave no token"],
    ["a header more", '{"token":"a\\r\\nx-evil: 1"}', "gave no token"],
    ["a number", '{"token":7,"access_token":""}', "gave no token"],
    ["too much", `{"token":"${"x".repeat(70_000)}"}`, "answers with more than 65536 bytes"],
  ])("whose token server answers with %s ends", async (_, body, words) => {
    const listener: Listener = (request, response) => {
      if (request.url?.startsWith("/token") === true) response.end(body);
      else challenge('Bearer realm="/token",service="s"')(request, response);
    };
    const { result } = await fails(listener);
    expect(result.code).toBe("REGISTRY_NONSENSE");
    expect(result.message).toContain(words);
  });

  it("takes access_token too, and asks for no more than to pull", async () => {
    const scopes: unknown[] = [];
    const listener: Listener = (request, response) => {
      const url = new URL(request.url ?? "", "http://x");
      if (url.pathname === "/token") {
        scopes.push(url.searchParams.getAll("scope"));
        response.end('{"access_token":"a.b-c_d~e+f/g=="}');
      } else if (request.headers.authorization === "Bearer a.b-c_d~e+f/g==") {
        manifest(image.manifest)(request, response);
      } else {
        challenge('Bearer realm="/token",service="s",scope="repository:os:pull,push,delete"')(request, response);
      }
    };
    expect((await resolves(listener)).result.digest).toBe(digest);
    expect(scopes).toEqual([["repository:os:pull"]]);
  });
});
