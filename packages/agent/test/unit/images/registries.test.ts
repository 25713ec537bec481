import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { endpointsOf, manifestUrl } from "../../../src/images/endpoints.ts";
import { ImagePullError } from "../../../src/images/errors.ts";
import { parsePinnedImage } from "../../../src/images/image-reference.ts";
import { NO_REGISTRIES, NO_TLS, parseRegistries } from "../../../src/images/registries.ts";

const digest = `sha256:${"a".repeat(64)}`;

/** After docs.k3s.io, "Private Registry Configuration". */
const FILE = `
mirrors:
  docker.io:
    endpoint:
      - "https://mirror.example.com:5000"
      - "http://plain.example.com/v2"
    rewrite:
      "^rancher/(.*)": "mirrored/rancher/$1"
  "*":
    endpoint: ["https://all.example.com"]
configs:
  "mirror.example.com:5000":
    auth: { username: u, password: p }
    tls: { ca_file: /ca, cert_file: /cert, key_file: /key }
  "registry.example.com":
    auth: { auth: dXNlcjpwYXNz }
    tls: { insecure_skip_verify: true }
`;

describe("parseRegistries", () => {
  it("reads mirrors, accounts and TLS", () => {
    const { mirrors, configs } = parseRegistries(FILE);
    expect(mirrors.get("docker.io")?.endpoints.map(({ url }) => url.href)).toEqual([
      "https://mirror.example.com:5000/",
      "http://plain.example.com/v2",
    ]);
    expect(configs.get("mirror.example.com:5000")).toEqual({
      account: { username: "u", password: "p" },
      tls: { caFile: "/ca", certFile: "/cert", keyFile: "/key", skipVerify: false },
    });
    expect(configs.get("registry.example.com")).toMatchObject({
      account: { username: "user", password: "pass" },
      tls: { skipVerify: true },
    });
    expect(parseRegistries("")).toEqual(NO_REGISTRIES);
  });

  it.each([
    ["a number", "1234567"],
    ["a number that begins with zero", "0123"],
    ["a number with an exponent", "12e5"],
    ["a large number", "123456789012345678901234567890"],
    ["true", "true"],
  ])("takes a password for what is written, also where YAML sees %s", (_, password) => {
    const { configs } = parseRegistries(`configs: {h: {auth: {username: 007, password: ${password}}}}`);
    expect(configs.get("h")?.account).toEqual({ username: "007", password });
    const aliased = parseRegistries(`a: &a {username: u, password: ${password}}\nconfigs: {h: {auth: *a}}`);
    expect(aliased.configs.get("h")?.account).toEqual({ username: "u", password });
  });

  it.each(["auth: {}", "auth:", 'auth: {username: "", password: ""}', 'auth: {password: ~, auth: ""}'])(
    "takes %s for no account",
    (auth) => {
      const { configs } = parseRegistries(`configs: {h: {${auth}, tls: {ca_file: /ca}}}`);
      expect(configs.get("h")).toMatchObject({ account: undefined, tls: { caFile: "/ca" } });
    },
  );

  it("keeps the reason why it has no account for a registry whose login it does not know, and reads the others", () => {
    const file =
      "configs: {h: {auth: {identity_token: secret}}, g: {auth: {username: u, password: p, identity_token: t}}}";
    const { configs } = parseRegistries(file);
    expect(configs.get("h")).toMatchObject({
      account: undefined,
      passedOver: expect.stringContaining("identity_token") as string,
    });
    expect(JSON.stringify(configs.get("h"))).not.toContain("secret");
    expect(configs.get("g")).toEqual({ account: { username: "u", password: "p" }, tls: NO_TLS });
  });

  it("names what is wrong, and shows no password", () => {
    const text = `mirrors: {"a b": {endpoint: [1, "ftp://x"]}}\nconfigs: {"h": {auth: {password: hunter2}, tls: {ca_file: 5, insecure_skip_verify: "yes"}}}`;
    expect(() => parseRegistries(text)).toThrow(
      /is no host.*endpoint\[0\].*endpoint\[1\].*has neither username.*ca_file: is no path.*insecure_skip_verify/,
    );
    expect(() => parseRegistries(text)).not.toThrow(/hunter2/);
    expect(() => parseRegistries("auth: {password: hunter2")).toThrow("it is not YAML");
  });

  it("throws nothing but its own error, whatever comes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((text) => `mirrors: ${text}`),
          fc.json().map((text) => `configs: {h: ${text}}`),
        ),
        (text) => {
          try {
            parseRegistries(text);
          } catch (error) {
            expect(error).toBeInstanceOf(ImagePullError);
          }
        },
      ),
    );
  });
});

describe("endpointsOf", () => {
  const account = { username: "plan", password: "secret" };

  it("asks mirrors first, under their names for it, and gives them no account but their own", () => {
    const endpoints = endpointsOf(parsePinnedImage(`rancher/os@${digest}`), parseRegistries(FILE), account);
    expect(endpoints.map((endpoint) => [manifestUrl(endpoint, "D").href, endpoint.account])).toEqual([
      [
        "https://mirror.example.com:5000/v2/mirrored/rancher/os/manifests/D?ns=docker.io",
        { username: "u", password: "p" },
      ],
      ["http://plain.example.com/v2/mirrored/rancher/os/manifests/D?ns=docker.io", undefined],
      ["https://registry-1.docker.io/v2/rancher/os/manifests/D", account],
    ]);
  });

  it("takes the mirror for all others, and the node's account where the plan has none", () => {
    const image = parsePinnedImage(`registry.example.com/os:v1@${digest}`);
    expect(
      endpointsOf(image, parseRegistries(FILE), undefined).map(({ root, account: own }) => [root, own?.username]),
    ).toEqual([
      ["https://all.example.com/v2", undefined],
      ["https://registry.example.com/v2", "user"],
    ]);
    expect(image.name).toBe(`registry.example.com/os@${digest}`);
  });

  const of = (reference: string, file: string): ReturnType<typeof endpointsOf> =>
    endpointsOf(parsePinnedImage(`${reference}@${digest}`), parseRegistries(file), undefined);

  it("takes TLS of * for all that have no entry of their own, and shows its account to nobody", () => {
    const file = `
mirrors: {"*": {endpoint: ["https://all.example.com", "https://own.example.com"]}}
configs: {"*": {auth: {username: u, password: p}, tls: {ca_file: /all}}, "own.example.com": {tls: {ca_file: /own}}, "docker.io": }`;
    const ca = (reference: string): unknown => of(reference, file).map(({ tls, account: own }) => [tls.caFile, own]);
    expect(ca("registry.example.com/os")).toEqual([
      ["/all", undefined],
      ["/own", undefined],
      ["/all", undefined],
    ]);
    expect(ca("rancher/os")).toEqual([
      ["/all", undefined],
      ["/own", undefined],
      [undefined, undefined],
    ]);
  });

  it.each([
    ["https://h.example.com:443", "h.example.com:443"],
    ["https://h.example.com:443", "h.example.com"],
    ["https://h.example.com:443/prefix?x#y", "h.example.com:443"],
    ["http://h.example.com:80/", "h.example.com:80"],
    ["h.example.com:443", "h.example.com:443"],
    ["https://H.Example.com", "H.Example.com"],
    ["https://H.Example.com:5000", "h.example.com:5000"],
    ["https://registry-1.docker.io", "docker.io"],
  ])("finds what belongs to the mirror %s under %s", (mirror, key) => {
    const file = `mirrors: {r.example.com: {endpoint: ["${mirror}"]}}\nconfigs: {"${key}": {auth: {username: u, password: p}, tls: {ca_file: /ca}}}`;
    expect(of("r.example.com/os", file)[0]).toMatchObject({ account: { username: "u" }, tls: { caFile: "/ca" } });
  });

  it.each([
    ["h.example.com:443", "https://h.example.com:443"],
    ["H.example.com", "https://h.example.com"],
    ["h.example.com:80", "http://h.example.com"],
  ])("knows %s for the registry itself where a mirror has its address: %s", (host, mirror) => {
    const file = `mirrors: {"${host}": {endpoint: ["${mirror}"]}}\nconfigs: {"${host}": {auth: {username: u, password: p}}}`;
    expect(of(`${host}/os`, file)).toEqual([
      expect.objectContaining({ account: { username: "u", password: "p" }, mirrorOf: undefined }),
    ]);
  });

  it.each([
    ["^rancher/(.*)", "mirrored/$1", "mirrored/os"],
    ["^rancher/(.*)", "mirrored-${1}x", "mirrored-osx"],
    // The longest name counts, and there is no group of this one.
    ["^rancher/(.*)", "mirrored/$1x", "mirrored/"],
    ["^(?P<project>[^/]+)/", "proxy/${project}/", "proxy/rancher/os"],
    ["^(?<project>[^/]+)/", "proxy/$project/", "proxy/rancher/os"],
    ["^(r)(x)?", "$1$2$9", "rancher/os"],
    ["os", "a$$b", "rancher/a$b"],
    ["os", "$", "rancher/$"],
    ["os", "${", "rancher/${"],
    ["os", "$&$`", "rancher/$&$`"],
    ["c", "x$0", "ranxcher/os"],
  ])("rewrites a name as Go does: %s to %s", (pattern, replacement, expected) => {
    const file = JSON.stringify({
      mirrors: { "h.test": { endpoint: ["m.test"], rewrite: { [pattern]: replacement } } },
    });
    expect(of("h.test/rancher/os", file)[0]?.repository).toBe(expected);
  });

  it("rewrites a name once: the first that fits", () => {
    const rewrite = { "^other/": "x/", "^rancher/": "mirror/", "^mirror/": "twice/" };
    const file = JSON.stringify({ mirrors: { "h.test": { endpoint: ["m.test"], rewrite } } });
    expect(of("h.test/rancher/os", file)[0]?.repository).toBe("mirror/os");
  });

  it("leaves TLS out on this machine only, or where the file says so of the registry itself", () => {
    const root = (reference: string, file = ""): readonly string[] =>
      endpointsOf(parsePinnedImage(`${reference}@${digest}`), parseRegistries(file), account).map(
        (endpoint) => endpoint.root,
      );
    expect(root("127.0.0.1:5000/a")).toEqual(["http://127.0.0.1:5000/v2"]);
    expect(root("localhost:443/a")).toEqual(["https://localhost:443/v2"]);
    expect(root("10.0.0.1:5000/a")).toEqual(["https://10.0.0.1:5000/v2"]);
    expect(root("10.0.0.1:5000/a", 'mirrors: {"10.0.0.1:5000": {endpoint: ["http://10.0.0.1:5000"]}}')).toEqual([
      "http://10.0.0.1:5000/v2",
    ]);
  });
});
