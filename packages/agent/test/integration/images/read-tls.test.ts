/** Certificates and keys that registries.yaml names, as files on a disk. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";

import { createAuthority } from "../../../../../test/registration/authority.ts";
import { readTls } from "../../../src/images/io/read-registries.ts";
import { NO_TLS } from "../../../src/images/registries.ts";

const folder = mkdtempSync(path.join(tmpdir(), "read-tls-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const place = path.join(folder, name);
  writeFileSync(place, content);
  return place;
}

const authority = createAuthority("ours");
const [ours, others] = [authority.issue({ names: ["node"] }), authority.issue({ names: ["node"] })];
const ca = file("ca.pem", authority.certificatePem);
const cert = file("cert.pem", ours.cert);
const key = file("key.pem", ours.key);
const otherKey = file("other-key.pem", others.key);
const noise = file("noise.pem", "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n");
const empty = file("empty.pem", "");

it("are read where they belong together", async () => {
  const read = await readTls({ ...NO_TLS, caFile: ca, certFile: cert, keyFile: key });
  expect(read).toMatchObject({ cert: ours.cert, key: ours.key });
  expect(read.ca?.at(-1)).toBe(authority.certificatePem);
});

it.each([
  ["a certificate that is none", { certFile: noise, keyFile: key }, [noise, key]],
  ["an empty certificate", { certFile: empty, keyFile: key }, [empty, key]],
  ["a key that is none", { certFile: cert, keyFile: cert }, [cert]],
  ["a key of another certificate", { certFile: cert, keyFile: otherKey }, [cert, otherKey]],
  ["a certificate without a key", { certFile: cert }, [cert, "key_file"]],
  ["a key without a certificate", { keyFile: key }, [key, "cert_file"]],
  ["a CA that is none", { caFile: noise }, [noise]],
  ["a CA file without a certificate", { caFile: empty }, [empty]],
  ["a file that is missing", { caFile: `${folder}/none` }, [`${folder}/none`]],
])("are refused for %s, with their paths", async (_, files, named) => {
  const read = readTls({ ...NO_TLS, ...files });
  await expect(read).rejects.toMatchObject({ code: "IMAGE_REGISTRIES_INVALID", retry: "never" });
  const message = await read.catch((error: unknown) => String(error));
  for (const one of named) expect(message).toContain(one);
});
