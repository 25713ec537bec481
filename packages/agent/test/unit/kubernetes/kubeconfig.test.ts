import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";

import { anyCharacter } from "../../../../../test/any-character.ts";
import { NodeApiError } from "../../../src/kubernetes/errors.ts";
import { parseKubeconfig, type Kubeconfig } from "../../../src/kubernetes/kubeconfig.ts";

/** As k3s writes it for its kubelet (pkg/daemons/agent, template of kubeconfigs). */
const K3S_KUBELET = `
apiVersion: v1
clusters:
- cluster:
    server: https://127.0.0.1:6444
    certificate-authority: /var/lib/rancher/k3s/agent/server-ca.crt
  name: local
contexts:
- context:
    cluster: local
    namespace: default
    user: user
  name: Default
current-context: Default
kind: Config
preferences: {}
users:
- name: user
  user:
    client-certificate: /var/lib/rancher/k3s/agent/client-kubelet.crt
    client-key: /var/lib/rancher/k3s/agent/client-kubelet.key
`;

/** As kubeadm writes kubelet.conf. */
const KUBEADM_KUBELET = `
apiVersion: v1
kind: Config
clusters:
- name: kubernetes
  cluster:
    certificate-authority-data: ${Buffer.from("-----BEGIN CERTIFICATE-----\nca\n").toString("base64")}
    server: https://cp.example.com:6443
contexts:
- name: system:node:n1@kubernetes
  context: {cluster: kubernetes, user: "system:node:n1"}
current-context: system:node:n1@kubernetes
users:
- name: system:node:n1
  user:
    client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem
    client-key: /var/lib/kubelet/pki/kubelet-client-current.pem
`;

function parse(text: string, path = "/etc/kube/config", hostRoot = "/"): Kubeconfig {
  return parseKubeconfig([{ path, text }], hostRoot);
}

/** A usable one, of which tests bend single fields. */
function tree(): Record<string, Record<string, unknown>> & {
  cluster: Record<string, unknown>;
  user: Record<string, unknown>;
} {
  return { cluster: { server: "https://h:6443" }, user: { token: "t0ken" } };
}

function written({ cluster, user, ...top }: Record<string, unknown>): string {
  return stringify({
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
    ...top,
  });
}

function complaintOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof NodeApiError) return `${error.code} ${error.message}`;
    throw error;
  }
  return "none";
}

describe("a kubeconfig", () => {
  it("of k3s' kubelet names files, below the host's root", () => {
    const { server, ca, clientCertificate, token } = parse(K3S_KUBELET, "/host/k", "/host");
    expect(server.href).toBe("https://127.0.0.1:6444/");
    expect(ca).toEqual({ kind: "file", path: "/host/var/lib/rancher/k3s/agent/server-ca.crt" });
    expect(clientCertificate?.key).toEqual({
      kind: "file",
      path: "/host/var/lib/rancher/k3s/agent/client-kubelet.key",
    });
    expect(token).toBeUndefined();
  });

  it("of kubeadm's kubelet has its CA inline", () => {
    const { ca, clientCertificate } = parse(KUBEADM_KUBELET);
    expect(ca).toEqual({ kind: "inline", pem: "-----BEGIN CERTIFICATE-----\nca\n" });
    expect(clientCertificate?.certificate).toEqual(clientCertificate?.key);
  });

  it("names files relative to its own folder", () => {
    const { tokenFile } = parse(written({ ...tree(), user: { tokenFile: "secrets/token" } }), "/home/me/.kube/config");
    expect(tokenFile).toBe("/home/me/.kube/secrets/token");
  });

  it("keeps the path behind which a proxy has the API server, a name for TLS, and a proxy", () => {
    const cluster = {
      server: "https://rancher/k8s/clusters/c-1",
      "tls-server-name": "api",
      "proxy-url": "http://p:3128",
    };
    const parsed = parse(written({ ...tree(), cluster }));
    expect(parsed.server.pathname).toBe("/k8s/clusters/c-1");
    expect(parsed.tlsServerName).toBe("api");
    expect(parsed.proxy?.host).toBe("p:3128");
  });

  it("honours insecure-skip-tls-verify", () => {
    const cluster = { server: "https://h", "insecure-skip-tls-verify": true };
    expect(parse(written({ ...tree(), cluster })).skipTlsVerify).toBe(true);
    expect(parse(written(tree())).skipTlsVerify).toBe(false);
  });

  it("is merged with others as kubectl does it: the first wins, name by name", () => {
    const one = stringify({ "current-context": "x", contexts: [{ name: "x", context: { cluster: "c", user: "u" } }] });
    const other = stringify({
      "current-context": "y",
      contexts: [{ name: "x", context: { cluster: "z", user: "z" } }],
      clusters: [{ name: "c", cluster: { server: "https://h" } }],
      users: [{ name: "u", user: { token: "t" } }],
    });
    const files = [
      { path: "/a", text: one },
      { path: "/b", text: other },
    ];
    expect(parseKubeconfig(files, "/")).toMatchObject({ path: "/a:/b", token: "t" });
  });

  it.each([
    ["exec", { exec: { command: "aws" } }],
    ["auth-provider", { "auth-provider": { name: "gcp" } }],
  ])("that logs in by %s is told apart from a broken one", (field, user) => {
    expect(complaintOf(written({ ...tree(), user }))).toBe(
      `KUBECONFIG_PLUGIN the kubeconfig /etc/kube/config logs in by users[0].user.${field}`,
    );
  });

  it.each<[string, string, string]>([
    ["no map", "- 1", "it is no map"],
    ["no YAML", "a: [", "no YAML: BAD_INDENT in line 1"],
    [
      "an alias bomb",
      `a: &a [${"x,".repeat(40)}]\nb: &b [${"*a,".repeat(40)}]\nc: [${"*b,".repeat(40)}]`,
      "no YAML: its aliases lead nowhere, or to too much",
    ],
    ["empty", "", "it is no map"],
    ["no current context", written({ ...tree(), "current-context": "" }), "current-context is missing"],
    [
      "a context that is not there",
      written({ ...tree(), "current-context": "y" }),
      "current-context names a context that is not there",
    ],
    ["clusters that are no list", written({ ...tree(), clusters: "x" }), "clusters is no list"],
    ["a cluster that is no map", written({ ...tree(), cluster: 7 }), "clusters[0].cluster is no map"],
    ["a name twice", written({ ...tree(), users: [{ name: "u" }, { name: "u" }] }), "users[1].name is there twice"],
    ["no server", written({ ...tree(), cluster: {} }), "clusters[0].cluster.server is missing"],
    [
      "a server without TLS",
      written({ ...tree(), cluster: { server: "http://h" } }),
      "clusters[0].cluster.server is no address that begins with https://",
    ],
    [
      "a CA that would be ignored",
      written({
        ...tree(),
        cluster: { server: "https://h", "certificate-authority": "/ca", "insecure-skip-tls-verify": true },
      }),
      "clusters[0].cluster.insecure-skip-tls-verify does not go with a certificate-authority",
    ],
    [
      "half a pair",
      written({ ...tree(), user: { "client-certificate": "/c" } }),
      "users[0].user.client-key is missing beside the other half",
    ],
    [
      "no base64",
      written({ ...tree(), user: { "client-certificate-data": "%", "client-key-data": "QQ==" } }),
      "users[0].user.client-certificate-data is no base64",
    ],
    [
      "a password",
      written({ ...tree(), user: { username: "u", password: "p" } }),
      "users[0].user.username is a way to log in that this program does not have; users[0].user.password is",
    ],
    [
      "somebody else's name",
      written({ ...tree(), user: { token: "t", as: "root" } }),
      "users[0].user.as is a way to log in that this program does not have",
    ],
    [
      "a token with a line end",
      written({ ...tree(), user: { token: "a\r\nb: c" } }),
      "users[0].user.token is no token",
    ],
    [
      "a flag that is text",
      written({ ...tree(), cluster: { server: "https://h", "insecure-skip-tls-verify": "yes" } }),
      "clusters[0].cluster.insecure-skip-tls-verify is neither true nor false",
    ],
  ])("with %s is refused, and the field is named", (_what, text, complaint) => {
    expect(complaintOf(text)).toContain(
      `KUBECONFIG_INVALID the kubeconfig /etc/kube/config is not usable: ${complaint}`,
    );
  });

  it("with a proxy in whose password a % begins no escape is refused, as by kubectl, and shows it to nobody", () => {
    const complaint = complaintOf(written({ cluster: { "proxy-url": "http://user:c4n4ry%off@p:3128" } }));
    expect(complaint).toContain("proxy-url has a % that begins no escape");
    expect(complaint).not.toContain("c4n4ry");
  });

  it("has all its bad fields named at once", () => {
    const text = written({ cluster: { server: 1, "proxy-url": "x" }, user: { token: 2, tokenFile: 3 } });
    const complaint = complaintOf(text);
    for (const field of ["server", "proxy-url", "token", "tokenFile"]) expect(complaint).toContain(`.${field} is no`);
  });

  it("whatever it holds, is parsed or refused by a NodeApiError that repeats no value of it", () => {
    const secret = "c4n4ry-s3cr3t";
    const value = fc.oneof(
      fc.constant(secret),
      fc.constant(`${secret}\r\n`),
      fc.constant([secret]),
      fc.constant({ [secret]: secret }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constant(Buffer.from(secret).toString("base64")),
    );
    const some = (names: readonly string[]): fc.Arbitrary<Record<string, unknown>> =>
      fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 5 });
    const cluster = some([
      "server",
      "certificate-authority",
      "certificate-authority-data",
      "proxy-url",
      "insecure-skip-tls-verify",
      "tls-server-name",
    ]);
    const user = some([
      "token",
      "tokenFile",
      "client-certificate",
      "client-certificate-data",
      "client-key",
      "client-key-data",
      "username",
      "password",
      "exec",
      "as",
    ]);
    const top = some(["clusters", "users", "contexts", "current-context"]);
    fc.assert(
      fc.property(cluster, user, top, fc.boolean(), (c, u, t, isBent) => {
        const text = written({ cluster: c, user: u, ...(isBent ? t : {}) });
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(NodeApiError);
          expect((error as NodeApiError).message).not.toContain(secret);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("of any text at all is refused by a NodeApiError", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: anyCharacter }), fc.json()), (text) => {
        expect(() => parse(text)).toThrow(NodeApiError);
      }),
      { numRuns: 500 },
    );
  });
});
