/** `ros-agent register` with a server that plays fair: a real websocket over TLS, a software TPM. */
import { createHash } from "node:crypto";
import { chmod, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeChallengeResponse } from "@rancheros/protocol/messages";
import { ekHash, readEkCertificate } from "@rancheros/protocol/tpm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";

import { residue } from "../../../../test/swtpm/index.ts";
import { CONFIG, CONFIG_MESSAGE, HONEST_PAGES, TOKEN, honest, type Visit } from "./registration-server.ts";
import { rosAgent, type Outcome } from "./ros-agent.ts";
import { openWorkplace, type Workplace } from "./workplace.ts";

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace({ withEkCertificate: true });
});

afterAll(async () => {
  await place.close();
});

beforeEach(() => {
  place.server.play({ pages: HONEST_PAGES });
});

afterEach(async () => {
  expect(await residue(place.tpm.tcti)).toMatchObject({ transient: [], loadedSession: [], savedSession: [] });
});

function register(...more: readonly string[]): Promise<Outcome> {
  return rosAgent(["register", place.url, ...place.usual, ...more]);
}

describe("register", () => {
  it("prints the configuration as a cloud-config, and its remarks on stderr without a secret", async () => {
    const { code, stdout, stderr } = await register();
    expect(code, stderr).toBe(0);
    expect(stdout.startsWith("#cloud-config\n")).toBe(true);
    expect(parse(stdout)).toEqual(CONFIG);
    expect(stderr).toContain("Connecting to the server");
    expect(stderr).not.toContain(TOKEN);
    expect(stderr).not.toContain("canary-of-the-config");
    expect(place.server.proven).toHaveLength(1);
  });

  it("prints nothing but the configuration with --json", async () => {
    const { code, stdout } = await register("--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(CONFIG);
  });

  it("introduces the machine with its EK certificate and SMBIOS", async () => {
    let seen: Visit | undefined;
    place.server.play({
      visit: async (visit) => {
        seen = visit;
        await honest(visit);
      },
    });
    expect((await register()).code).toBe(0);
    expect(seen?.smbios).toMatchObject({
      "System Information": { Manufacturer: "Test Inc.", "Product Name": "Model T", "Serial Number": "S1" },
    });
    const { stdout } = await rosAgent(["get-tpm-hash", "--tcti", place.tpm.tcti]);
    const ek = seen?.attestation.ek;
    expect(ek?.type).toBe("certificate");
    if (ek?.type !== "certificate") return;
    expect(stdout).toBe(`${ekHash(readEkCertificate(ek.certificateDer).publicKeySpkiDer)}\n`);
  });

  it("says nothing about the hardware with --no-smbios", async () => {
    const where = ["--protocol", "legacy", "--ca-cert", place.caFile, "--tcti", place.tpm.tcti];
    const args = ["register", place.url, ...where, "--no-smbios"];
    expect((await rosAgent(args)).code).toBe(0);
    expect(place.server.dials[0]?.headers["x-cattle-smbios"]).toBeUndefined();
  });

  it("sends the SMBIOS once more, smaller, where the headers are too large for the server", async () => {
    place.server.play({ refuse: (_request, number) => (number === 1 ? { status: 431, body: "" } : undefined) });
    const { code, stderr } = await register();
    expect(code, stderr).toBe(0);
    expect(place.server.dials).toHaveLength(2);
    expect(String(place.server.dials[1]?.headers["x-cattle-smbios"]).length).toBeLessThanOrEqual(7 * 1024);
  });

  it("takes a configuration from a server that never says good-bye, as the original does not", async () => {
    place.server.play({
      visit: async ({ challenge, next, socket }) => {
        await challenge();
        await next();
        socket.send(CONFIG_MESSAGE, { binary: true }, () => socket.terminate());
      },
    });
    const { code, stdout, stderr } = await register("--json");
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual(CONFIG);
  });

  it("takes text frames, and says good-bye to a server that does not", async () => {
    const goodBye = new Promise<number>((resolve) => {
      place.server.play({
        visit: async ({ challenge, next, socket }) => {
          socket.once("close", resolve);
          await challenge();
          decodeChallengeResponse(await next());
          socket.send(CONFIG_MESSAGE, { binary: false });
        },
      });
    });
    expect((await register()).code).toBe(0);
    expect(await goodBye).toBe(1000);
  });
});

describe("register --output", () => {
  it("saves the configuration for its owner only, and leaves nothing beside it", async () => {
    const output = await place.output();
    const { code, stdout, stderr } = await register("--output", output);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe("");
    expect(parse(await readFile(output, "utf8"))).toEqual(CONFIG);
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(output, ".."))).toEqual(["config.yaml"]);
  });

  it("replaces a file that others could read, and a link without following it", async () => {
    const output = await place.output();
    const elsewhere = `${output}.elsewhere`;
    await writeFile(elsewhere, "untouched");
    await chmod(elsewhere, 0o644);
    await symlink(elsewhere, output);
    expect((await register("-o", output)).code).toBe(0);
    expect(await readFile(elsewhere, "utf8")).toBe("untouched");
    expect((await stat(output)).mode & 0o777).toBe(0o600);
  });

  it("tells with --json what it saved and who the machine is", async () => {
    const output = await place.output();
    const { stdout } = await register("--output", output, "--json");
    const { size } = await stat(output);
    const hash = (await rosAgent(["get-tpm-hash", "--tcti", place.tpm.tcti])).stdout.trim();
    expect(JSON.parse(stdout)).toEqual({ saved: { path: output, bytes: size }, tpmHash: hash });
  });

  it("finds out before it registers that the file cannot be written", async () => {
    for (const output of [place.folder, join(place.folder, "no", "such", "folder.yaml")]) {
      const { code, stdout } = await register("--output", output, "--json");
      expect(code).toBe(8);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: "REGISTRATION_UNSAVED" } });
    }
    expect(place.server.dials).toHaveLength(0);
  });
});

describe("which server is the right one", () => {
  const pages = (body: string): typeof HONEST_PAGES => ({
    ...HONEST_PAGES,
    "/v1-rancheros/cacerts": { status: 200, body },
  });

  async function withPin(pin: string): Promise<Outcome> {
    return rosAgent(["register", place.url, ...place.machine, "--ca-sha256", pin, "--json"]);
  }

  it("is told by the fingerprint of the CA, as openssl prints it", async () => {
    place.server.play({ pages: pages(place.authority.certificatePem) });
    const { code, stderr } = await withPin(`SHA256 Fingerprint=${place.authority.fingerprint}`);
    expect(code, stderr).toBe(0);
  });

  it("is told by the checksum of what the server hands out, as Rancher prints it", async () => {
    const body = `# the CA\n${place.authority.certificatePem}`;
    place.server.play({ pages: pages(body) });
    const { code, stderr } = await withPin(createHash("sha256").update(body).digest("hex"));
    expect(code, stderr).toBe(0);
  });

  it("is another one where the fingerprint differs: nothing is sent to it", async () => {
    place.server.play({ pages: pages(place.authority.certificatePem) });
    const { code, stdout } = await withPin(`sha256:${"0".repeat(64)}`);
    expect(code).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "REGISTRATION_PIN_MISMATCH" } });
    expect(place.server.dials).toHaveLength(0);
  });

  it("is told by a cloud-config, whatever the case of its keys", async () => {
    const file = `${await place.output()}.oem`;
    const ca = place.authority.certificatePem.replaceAll(/^/gm, "      ");
    const text = `#cloud-config\nrancheros:\n  install:\n    Registration_Url: ${place.url}\n    registrationCaCert: |\n${ca}`;
    await writeFile(file, text);
    const { code, stdout, stderr } = await rosAgent(["register", "--config", file, ...place.machine, "--json"]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual(CONFIG);
  });

  it("is told by the CAs of the system", async () => {
    const environment = { SSL_CERT_FILE: place.caFile };
    const { code, stderr } = await rosAgent(["register", place.url, ...place.machine], environment);
    expect(code, stderr).toBe(0);
  });
});
