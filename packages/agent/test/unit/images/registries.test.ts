import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { endpointsOf, manifestUrl } from "../../../src/images/endpoints.ts";
import { ImagePullError } from "../../../src/images/errors.ts";
import { parsePinnedImage } from "../../../src/images/image-reference.ts";
import { NO_REGISTRIES, parseRegistries } from "../../../src/images/registries.ts";

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
    expect(mirrors.get("docker.io")?.endpoints.map(String)).toEqual([
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
