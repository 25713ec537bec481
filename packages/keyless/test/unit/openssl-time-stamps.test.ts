/** Time stamps by another hand than Sigstore's: OpenSSL's time stamp authority, with clocks of every precision. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startAuthorities, SUBJECT, type Authorities } from "../../../../test/sigstore/authorities.ts";
import { verifyKeyless } from "../../src/index.ts";

const MESSAGE = Buffer.from("what is signed");
const folder = mkdtempSync(path.join(tmpdir(), "time-stamps-"));
let authorities: Authorities;

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
}

function write(name: string, text: string | Buffer): void {
  writeFileSync(path.join(folder, name), text);
}

beforeAll(async () => {
  authorities = await startAuthorities();
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"];
  openssl("req", "-x509", ...key, "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=root", "-days", "2");
  openssl("req", ...key, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=tsa");
  write("extensions", "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n");
  const by = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "extensions"];
  openssl("x509", "-req", "-in", "tsa.csr", ...by, "-out", "tsa.pem", "-days", "1");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function certificate(name: string): { readonly rawBytes: string } {
  return { rawBytes: new X509Certificate(readFileSync(path.join(folder, name))).raw.toString("base64") };
}

function stamp(signature: Buffer, digits: number): string {
  write("serial", "01\n");
  write(
    "tsa.cnf",
    [
      "[tsa]\ndefault_tsa = it\n[it]\nserial = serial\nsigner_cert = tsa.pem\nsigner_key = tsa.key\nsigner_digest = sha256",
      "default_policy = 1.2.3.4\ndigests = sha256\ness_cert_id_alg = sha256\nordering = no\ntsa_name = no",
      `clock_precision_digits = ${digits}\n`,
    ].join("\n"),
  );
  write("signature", signature);
  openssl("ts", "-query", "-data", "signature", "-sha256", "-no_nonce", "-out", "query");
  openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply");
  return readFileSync(path.join(folder, "reply")).toString("base64");
}

it.each([1, 6])("are believed with %i digits of a second, and for their own signature only", async (digits) => {
  const bundle = await authorities.message(MESSAGE, { isLogged: false });
  const certChain = { certificates: [certificate("tsa.pem"), certificate("root.pem")] };
  const root = { ...authorities.trustedRoot, tlogs: [], timestampAuthorities: [{ certChain }] };
  const { signature } = bundle["messageSignature"] as { readonly signature: string };
  const signedTimestamp = stamp(Buffer.from(signature, "base64"), digits);
  const stamped = (one: Readonly<Record<string, unknown>>) => {
    const timestampVerificationData = { rfc3161Timestamps: [{ signedTimestamp }] };
    return {
      ...one,
      verificationMaterial: { ...(one["verificationMaterial"] as object), timestampVerificationData },
    };
  };
  expect(await verifyKeyless(stamped(bundle), MESSAGE, root)).toMatchObject({ subject: SUBJECT });
  const other = await authorities.message(MESSAGE, { isLogged: false });
  expect(await verifyKeyless(stamped(other), MESSAGE, root)).toHaveProperty("problem");
  const { timestampAuthorities } = authorities.trustedRoot;
  expect(await verifyKeyless(stamped(bundle), MESSAGE, { ...root, timestampAuthorities })).toHaveProperty("problem");
});
