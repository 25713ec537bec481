import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { readCredentials, readIdentity, type Credentials } from "../../../src/kubernetes/credentials.ts";
import { NodeApiError } from "../../../src/kubernetes/errors.ts";
import { pairRefusal } from "../../../src/kubernetes/io/pair-refusal.ts";
import type { Kubeconfig } from "../../../src/kubernetes/kubeconfig.ts";
import {
  issueClientCertificate,
  writeClientAuthority,
  type ClientAuthority,
  type ClientCertificate,
} from "../../../../../test/control-plane/client-authority.ts";
import { createAuthority, type ServerCertificate } from "../../../../../test/registration/authority.ts";

let folder: string;
let authority: ClientAuthority;
let kubelet: ClientCertificate;
let admin: ClientCertificate;
let weak: ServerCertificate;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "credentials-"));
  authority = writeClientAuthority(folder);
  kubelet = issueClientCertificate(authority, { user: "system:node:n1", groups: ["system:nodes"] });
  admin = issueClientCertificate(authority, { user: "kubernetes-admin", groups: ["system:masters"] });
  weak = createAuthority("weak").issue({ names: [], rsaBits: 1024 });
});
afterAll(() => rmSync(folder, { recursive: true }));

const NOTHING: Kubeconfig = {
  path: "/k",
  server: new URL("https://h"),
  tlsServerName: undefined,
  ca: undefined,
  skipTlsVerify: false,
  proxy: undefined,
  clientCertificate: undefined,
  token: undefined,
  tokenFile: undefined,
};

function withFiles(files: Readonly<Record<string, string>>, wallMs = Date.now()) {
  return {
    wallMs: () => wallMs,
    pairRefusal,
    readFile: (name: string): Promise<string> => {
      const text = files[name];
      return text === undefined ? Promise.reject(new Error(`no ${name}`)) : Promise.resolve(text);
    },
  };
}

function pair(certificate: string, key: string): Kubeconfig {
  return {
    ...NOTHING,
    clientCertificate: { certificate: { kind: "inline", pem: certificate }, key: { kind: "inline", pem: key } },
  };
}

async function problemOf(reading: Promise<Credentials>): Promise<string> {
  const error: unknown = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof NodeApiError ? `${error.code} ${error.message}` : String(error);
}

async function retryOf(reading: Promise<Credentials>): Promise<unknown> {
  return reading.catch((reason: unknown) => (reason instanceof NodeApiError ? reason.retry : undefined));
}

describe("credentials", () => {
  it("of a kubelet say which node it is", async () => {
    const { identity } = await readCredentials(withFiles({}), pair(kubelet.certificatePem, kubelet.keyPem));
    expect(identity).toEqual({ kind: "kubelet", nodeName: "n1" });
  });

  it("of an administrator, or of somebody who is only called like a node, are no kubelet's", async () => {
    const called = issueClientCertificate(authority, { user: "system:node:n1", groups: ["others"] });
    const one = await readCredentials(withFiles({}), pair(admin.certificatePem, admin.keyPem));
    expect(one.identity).toEqual({ kind: "other", userName: "kubernetes-admin" });
    const other = await readCredentials(withFiles({}), pair(called.certificatePem, called.keyPem));
    expect(other.identity.kind).toBe("other");
  });

  it("may stand in one file, as kubeadm's kubelet-client-current.pem", async () => {
    const file = { kind: "file", path: "/current.pem" } as const;
    const both = `${kubelet.certificatePem}${kubelet.keyPem}`;
    const kubeconfig = { ...NOTHING, clientCertificate: { certificate: file, key: file } };
    const { clientCertificate } = await readCredentials(withFiles({ "/current.pem": both }), kubeconfig);
    expect(clientCertificate).toEqual({ certificate: both, key: both });
  });

  it("take the token of the file before the one in the kubeconfig, which is there for when there is no file", async () => {
    const kubeconfig = { ...NOTHING, token: "old", tokenFile: "/token" };
    expect((await readCredentials(withFiles({ "/token": "new\n" }), kubeconfig)).token).toBe("new");
    expect((await readCredentials(withFiles({}), kubeconfig)).token).toBe("old");
  });

  it("that expired, or are not valid yet, are told with the date, and only the latter comes by itself: with the clock", async () => {
    const expired = issueClientCertificate(authority, { user: "u", groups: [], expired: true });
    const late = () => readCredentials(withFiles({}), pair(expired.certificatePem, expired.keyPem));
    expect(await problemOf(late())).toMatch(
      /^KUBECONFIG_CERTIFICATE_EXPIRED the client certificate of the kubeconfig \/k expired on 20\d\d-/,
    );
    const past = withFiles({}, Date.UTC(2001, 0, 1));
    const early = () => readCredentials(past, pair(admin.certificatePem, admin.keyPem));
    expect([await retryOf(late()), await retryOf(early())]).toEqual(["never", "backoff"]);
    expect(await problemOf(early())).toMatch(
      /^KUBECONFIG_CERTIFICATE_EARLY .* is valid from 20\d\d-.* and it is 2001-01-01T00:00:00.000Z here$/,
    );
  });

  it("that expired still say which node it is", async () => {
    const expired = issueClientCertificate(authority, {
      user: "system:node:n7",
      groups: ["system:nodes"],
      expired: true,
    });
    const identity = await readIdentity(withFiles({}), pair(expired.certificatePem, expired.keyPem));
    expect(identity).toEqual({ kind: "kubelet", nodeName: "n7" });
  });

  it.each([
    [
      "a key of another certificate",
      () => pair(kubelet.certificatePem, admin.keyPem),
      "client-key is not the key of client-certificate",
    ],
    ["no PEM", () => pair("hello", admin.keyPem), "client-certificate holds no PEM"],
    [
      "a certificate cut short",
      () => pair(kubelet.certificatePem.slice(0, 300), kubelet.keyPem),
      "client-certificate holds no certificate",
    ],
    [
      "a certificate in place of the key",
      () => pair(kubelet.certificatePem, kubelet.certificatePem),
      "client-key holds no private key that can be used without a password",
    ],
    [
      "a key that is too short to log in with over TLS",
      () => pair(weak.cert, weak.key),
      "client-certificate cannot be used (ERR_SSL_EE_KEY_TOO_SMALL): TLS asks for an RSA key of 2048 bits or more, and for SHA-256",
    ],
    ["a token file with two lines", () => ({ ...NOTHING, tokenFile: "/two" }), "tokenFile holds no token"],
  ])("with %s are refused", async (_what, kubeconfig, problem) => {
    expect(await problemOf(readCredentials(withFiles({ "/two": "a\nb" }), kubeconfig()))).toBe(
      `KUBECONFIG_INVALID the kubeconfig /k is not usable: ${problem}`,
    );
  });

  it("whose certificate has times that nobody can read are refused as such", async () => {
    const der = Buffer.from(new X509Certificate(kubelet.certificatePem).raw);
    // Two UTCTimes of 13 bytes stand one behind the other; the month is the thirteenth.
    const begins = der.indexOf(Buffer.from("301e170d", "hex")) + 4;
    const times = [begins, begins + 15];
    expect(times.map((at) => der.toString("latin1", at, at + 13))).toEqual([
      expect.stringMatching(/^\d{12}Z$/),
      expect.stringMatching(/^\d{12}Z$/),
    ]);
    for (const at of times) der.write("13", at + 2, "latin1");
    const pem = `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
    expect(await problemOf(readCredentials(withFiles({}), pair(pem, kubelet.keyPem)))).toBe(
      "KUBECONFIG_INVALID the kubeconfig /k is not usable: client-certificate has dates that nobody can read",
    );
  });

  it("whose files cannot be read name the file", async () => {
    const ca = { kind: "file", path: "/ca.crt" } as const;
    expect(await problemOf(readCredentials(withFiles({}), { ...NOTHING, ca }))).toBe(
      "KUBECONFIG_UNREADABLE the certificate-authority /ca.crt of the kubeconfig /k cannot be read",
    );
  });

  it("stand in no error", async () => {
    const key = readFileSync(authority.keyFile, "utf8");
    const problem = await readCredentials(withFiles({}), pair(kubelet.certificatePem, key)).catch(
      (error: unknown) => error,
    );
    expect(JSON.stringify([problem, (problem as NodeApiError).message])).not.toContain(key.split("\n")[1]);
  });
});
