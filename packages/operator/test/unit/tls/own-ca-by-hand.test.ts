/** A CA that somebody made with other tools and put into the Secret: what is signed with it has to be good to OpenSSL. */
import { execFileSync } from "node:child_process";
import { randomBytes, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DAY_MS, type CertificateAndKey } from "../../../src/tls/certificates.ts";
import { nextIdentity, trustBundle, type TlsIdentity } from "../../../src/tls/identity.ts";
import { readIdentity } from "../../../src/tls/read-identity.ts";

const NAMES = ["operator.example.com", "127.0.0.1"];
const KINDS: readonly (readonly [kind: string, options: readonly string[]])[] = [
  ["RSA 2048", ["-newkey", "rsa:2048"]],
  ["RSA 2048 with SHA-512", ["-newkey", "rsa:2048", "-sha512"]],
  ["P-256", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]],
  ["P-384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
  ["Ed25519", ["-newkey", "ed25519"]],
  ["RSA without an identifier of its key", ["-newkey", "rsa:2048", "-addext", "subjectKeyIdentifier=none"]],
];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "own-ca-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function makeByHand(options: readonly string[]): Promise<CertificateAndKey> {
  const [key, cert] = [join(folder, "ca.key"), join(folder, "ca.crt")];
  const subject = ["-subj", "/C=DE/O=Some Company/CN=Own CA", "-days", "3650"];
  execFileSync("openssl", ["req", "-x509", "-nodes", "-keyout", key, "-out", cert, ...subject, ...options], {
    stdio: "pipe",
  });
  return { certificatePem: await readFile(cert, "utf8"), keyPem: await readFile(key, "utf8") };
}

/** As the operator reads the Secret in which somebody has replaced the CA. */
function storedWith(ca: CertificateAndKey): TlsIdentity {
  const encoded = (text: string) => Buffer.from(text).toString("base64");
  const data = { "ca.crt": encoded(ca.certificatePem), "ca.key": encoded(ca.keyPem) };
  const identity = readIdentity({ metadata: { resourceVersion: "7" }, data })?.identity;
  if (identity === undefined) throw new Error("no CA in the Secret");
  return identity;
}

function stepAt(nowMs: number, stored: TlsIdentity, isRotationAsked = false) {
  return nextIdentity(stored, { names: NAMES, requiredNames: NAMES, isRotationAsked, nowMs, random: randomBytes });
}

/** What OpenSSL says of the chain that is shown, to who trusts these CAs and looks strictly. */
async function verified(chain: string, trusted: string, nowMs = Date.now()): Promise<string> {
  const [leaf, behind, ca] = ["leaf.pem", "behind.pem", "trusted.pem"].map((name) => join(folder, name));
  if (leaf === undefined || behind === undefined || ca === undefined) throw new Error("no files");
  const [first = "", ...others] = chain.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
  await writeFile(leaf, first);
  await writeFile(behind, `${others.join("\n")}\n`);
  await writeFile(ca, trusted);
  const untrusted = others.length === 0 ? [] : ["-untrusted", behind];
  const at = ["-attime", String(Math.floor(nowMs / 1000)), "-verify_hostname", "operator.example.com"];
  const told = execFileSync("openssl", ["verify", ...at, "-CAfile", ca, ...untrusted, leaf], { stdio: "pipe" });
  return told.toString().trim();
}

describe.each(KINDS)("a CA of somebody's own, %s", (_, options) => {
  it("signs what OpenSSL verifies, is kept, and is not asked to sign again and again", async () => {
    const ca = await makeByHand(options);
    const { identity, step } = stepAt(Date.now(), storedWith(ca));
    expect(step).toBe("renewed");
    expect(identity.ca.keyPem).toBe(ca.keyPem);
    expect(await verified(identity.serving.certificatePem, ca.certificatePem)).toMatch(/: OK$/);
    expect(stepAt(Date.now(), identity)).toEqual({ identity, step: "kept" });
  });

  it("is followed by a CA of the operator's that who trusts it alone believes", async () => {
    const ca = await makeByHand(options);
    const announced = stepAt(Date.now(), storedWith(ca), true);
    expect(announced.step).toBe("announced");
    const rotated = stepAt(Date.now() + 31 * DAY_MS, announced.identity);
    expect(rotated.step).toBe("rotated");
    const { certificatePem } = rotated.identity.serving;
    const laterMs = Date.now() + 31 * DAY_MS;
    expect(await verified(certificatePem, ca.certificatePem, laterMs)).toMatch(/: OK$/);
    expect(await verified(certificatePem, trustBundle(rotated.identity), laterMs)).toMatch(/: OK$/);
  });
});

describe("a CA of somebody's own that lets no CA be below it", () => {
  it("is not left for its successor, to which nothing leads from it, however much somebody asks", async () => {
    const ca = await makeByHand(["-newkey", "rsa:2048", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"]);
    const announced = stepAt(Date.now(), storedWith(ca), true);
    expect(announced.step).toBe("announced");
    const laterMs = Date.now() + 31 * DAY_MS;
    const asked = stepAt(laterMs, announced.identity, true);
    expect(asked.step).toBe("kept");
    expect(await verified(asked.identity.serving.certificatePem, ca.certificatePem, laterMs)).toMatch(/: OK$/);
  });
});

describe.each([
  ["", []],
  [" and lets no CA be below it", ["-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"]],
])("a CA of somebody's own that lasts less than a year%s", (_, options) => {
  it("signs on, and is left for a successor that machines were told of", async () => {
    const ca = await makeByHand(["-newkey", "rsa:2048", "-days", "300", ...options]);
    const startMs = Date.now();
    const announced = stepAt(startMs, storedWith(ca));
    expect(announced).toMatchObject({ step: "announced", identity: { ca: { keyPem: ca.keyPem } } });
    const told = trustBundle(announced.identity);
    const { certificatePem } = announced.identity.serving;
    for (const trusted of [ca.certificatePem, told]) expect(await verified(certificatePem, trusted)).toMatch(/: OK$/);
    // Not at each look another certificate, which would end with the CA as this one does.
    for (const days of [0.001, 1, 29]) {
      const { identity, step } = stepAt(startMs + days * DAY_MS, announced.identity);
      expect(step).toBe("kept");
      expect(identity).toBe(announced.identity);
    }
    const isTied = options.length === 0;
    for (const days of [31, 200, 284, 286, 299]) {
      const laterMs = startMs + days * DAY_MS;
      const { identity } = stepAt(laterMs, announced.identity);
      const shown = identity.serving.certificatePem;
      expect(await verified(shown, told, laterMs)).toMatch(/: OK$/);
      expect(identity.ca.keyPem === ca.keyPem, `day ${days}`).toBe(!isTied && days < 285);
      if (isTied || days < 285) expect(await verified(shown, ca.certificatePem, laterMs)).toMatch(/: OK$/);
    }
  });
});

describe("a CA of somebody's own that takes the place of one whose successor is published", () => {
  it("is not left for that, to which nothing leads from it, but for a successor of its own", async () => {
    // Its key may take a second to be found, and before it begins it counts for nothing.
    const ca = await makeByHand(["-newkey", "rsa:2048"]);
    const nowMs = Date.now();
    const needs = { names: NAMES, requiredNames: NAMES, random: randomBytes };
    const made = nextIdentity(undefined, { ...needs, isRotationAsked: false, nowMs: nowMs - 50 * DAY_MS });
    const { identity: before } = stepAt(nowMs - 40 * DAY_MS, made.identity, true);
    expect(before.next).toBeDefined();
    const { identity, step } = stepAt(nowMs, { ...before, ca });
    expect([step, identity.ca, identity.next]).toEqual(["renewed", ca, undefined]);
    expect(await verified(identity.serving.certificatePem, ca.certificatePem)).toMatch(/: OK$/);
    expect(stepAt(nowMs, identity)).toEqual({ identity, step: "kept" });
    const announced = stepAt(nowMs, identity, true);
    const rotated = stepAt(nowMs + 31 * DAY_MS, announced.identity);
    expect([announced.step, rotated.step]).toEqual(["announced", "rotated"]);
    const shown = rotated.identity.serving.certificatePem;
    expect(await verified(shown, ca.certificatePem, nowMs + 31 * DAY_MS)).toMatch(/: OK$/);
  });
});

describe("a CA of somebody's own whose kind of key signs nothing here", () => {
  it("is of no use, as one without a key: another one is made, and it is trusted until it ends", async () => {
    const ca = await makeByHand(["-newkey", "ed448"]);
    const { identity, step } = stepAt(Date.now(), storedWith(ca));
    expect(step).toBe("made");
    const old = identity.old.map((pem) => new X509Certificate(pem).fingerprint256);
    expect(old).toEqual([new X509Certificate(ca.certificatePem).fingerprint256]);
    expect(await verified(identity.serving.certificatePem, trustBundle(identity))).toMatch(/: OK$/);
  });
});
