import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { oemFiles } from "../../src/oem-files.ts";
import { registrationTarget } from "../../src/registration-target.ts";

const URL = "http://10.0.2.2:8080/v1-rancheros/registration/token";
const PIN = "4f".repeat(32);
const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const NOTHING = {
  registrationUrl: undefined,
  registrationCaCert: undefined,
  registrationCaSha256: undefined,
  registrationAllowHttp: false,
};
const GIVEN = { signal: new AbortController().signal, piped: undefined };
const NO_FLAGS = { url: undefined, caCert: undefined, caSha256: undefined, allowHttp: false, signal: GIVEN.signal };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oem-files-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** As the installed system reads it, from either of the two files. */
async function installedTarget(
  settings: Partial<Parameters<typeof oemFiles>[0]>,
  name = "99_custom.yaml",
  document: Parameters<typeof oemFiles>[1] = { hostname: "m1" },
) {
  const files = await oemFiles({ ...NOTHING, ...settings }, document, GIVEN);
  const config = join(folder, name);
  writeFileSync(config, files.get(name) ?? "");
  return registrationTarget({ ...NO_FLAGS, config });
}

describe("an installed system", () => {
  it.each(["99_custom.yaml", "registration.yaml"])(
    "registers by %s where the installer was allowed to",
    async (name) => {
      const allowed = { registrationUrl: URL, registrationAllowHttp: true };
      expect(await installedTarget(allowed, name)).toEqual({ url: URL, allowHttp: true, trust: { kind: "system" } });
      await expect(installedTarget({ registrationUrl: URL }, name)).rejects.toMatchObject({
        code: "REGISTRATION_PLAIN_HTTP",
      });
      const https = URL.replace("http:", "https:");
      expect(await installedTarget({ registrationUrl: https, registrationCaSha256: PIN }, name)).toEqual({
        url: https,
        allowHttp: false,
        trust: { kind: "pin", pin: PIN },
      });
    },
  );

  it("has the CA itself where the installer was given a path", async () => {
    const path = join(folder, "ca.pem");
    writeFileSync(path, PEM);
    const https = URL.replace("http:", "https:");
    const target = await installedTarget({ registrationUrl: https, registrationCaCert: path });
    expect(target.trust).toEqual({ kind: "ca", pem: PEM });
    await expect(installedTarget({ registrationCaCert: join(folder, "none") })).rejects.toMatchObject({
      code: "CLI_FILE_UNREADABLE",
    });
  });

  it("allows a URL of the command line nothing that its file allows its own", async () => {
    const config = join(folder, "config.yaml");
    writeFileSync(config, `rancheros: {install: {registrationURL: "${URL}", registrationAllowHttp: true}}`);
    await expect(registrationTarget({ ...NO_FLAGS, config, url: URL })).rejects.toMatchObject({
      code: "REGISTRATION_PLAIN_HTTP",
    });
    writeFileSync(config, `rancheros: {install: {registrationURL: "${URL}", registrationAllowHttp: perhaps}}`);
    await expect(registrationTarget({ ...NO_FLAGS, config })).rejects.toMatchObject({
      code: "REGISTRATION_CLOUD_CONFIG_INVALID",
    });
  });

  it("keeps the rest of the configuration, and no other setting of the installation", async () => {
    const document = { hostname: "m1", install: { device: "x" }, rancheros: { other: 1, install: { device: "y" } } };
    const files = await oemFiles(NOTHING, document, GIVEN);
    expect([...files]).toEqual([
      ["99_custom.yaml", "#cloud-config\nhostname: m1\nrancheros:\n  other: 1\n  install: {}\n"],
    ]);
  });

  it.each(["rancherOS", "RancherOS", "ranchEROS_", "rancher-os"])(
    "finds its operator where the answer says %s for rancheros",
    async (name) => {
      const url = URL.replace("http:", "https:");
      const answer = {
        [name]: { Install: { device: "/dev/sda" }, other: 1 },
        rancheros: { install: { automatic: true }, IN_STALL: { registrationURL: "https://elsewhere/x" } },
        Install: { device: "/dev/sda" },
      };
      const target = await installedTarget({ registrationUrl: url }, "99_custom.yaml", answer);
      expect(target).toMatchObject({ url });
      expect((await oemFiles(NOTHING, answer, GIVEN)).get("99_custom.yaml")).toBe(
        "#cloud-config\nrancheros:\n  other: 1\n  install: {}\n",
      );
    },
  );
});
