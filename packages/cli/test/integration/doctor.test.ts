/** `ros-agent doctor`: the TPM and the way to the operator, on a software TPM and real servers. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { Server } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import {
  refusal,
  startAttestationServer,
  type AttestationServer,
} from "../../../../test/registration/attestation-server.ts";
import { createAuthority } from "../../../../test/registration/authority.ts";
import {
  authorityFiles,
  disableEndorsementHierarchy,
  lockOut,
  removeEkCertificate,
  residue,
  setHierarchyAuth,
  startSwtpm,
  startTpmProxy,
  tpm2,
  type Swtpm,
} from "../../../../test/swtpm/index.ts";
import { doctor, only, openDoctorGround, type DoctorGround } from "./doctor-ground.ts";
import { listen } from "./listen.ts";
import { PATH, portOf } from "./registration-server.ts";
import { rosAgent } from "./ros-agent.ts";

const authority = createAuthority("doctor test");
let ground: DoctorGround;
let tpm: Swtpm;
let server: AttestationServer;
let url: string;
let caFile: string;
let machine: readonly string[];
const opened: Server[] = [];

beforeAll(async () => {
  ground = await openDoctorGround();
  tpm = await startSwtpm({ stateFolder: join(ground.root, "tpm"), withEkCertificate: true });
  server = await startAttestationServer(authority.issue({ names: ["localhost"] }));
  url = `https://localhost:${server.port}${PATH}`;
  caFile = await ground.write("ca.pem", authority.certificatePem);
  machine = [...ground.flags, "--tcti", tpm.tcti];
});

afterAll(async () => {
  await server.stop();
  await tpm.stop();
  await ground.remove();
});

beforeEach(() => server.play({}));
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

const TPM_CHECKS = only("ek-certificate", "attestation-key");

describe("doctor on a machine that is well", () => {
  it("finds nothing, follows the certificate's chain, answers no challenge, and leaves nothing in the TPM", async () => {
    const { rootCertificate, issuerCertificate } = authorityFiles(tpm.authorityFolder);
    const chain = await ground.write(
      "makers.pem",
      (await readFile(rootCertificate, "utf8")) + (await readFile(issuerCertificate, "utf8")),
    );
    const { exitCode, ok, short, lines } = await doctor([url, ...machine, "--ca-cert", caFile, "--ek-ca", chain]);
    expect(short).toMatchObject({
      tpm: "ok",
      "tpm-lockout": "ok",
      "endorsement-key": "ok",
      "ek-certificate": "ok",
      "attestation-key": "ok",
      smbios: "ok",
      clock: "ok",
      "operator-url": "ok",
      dns: "ok",
      proxy: "ok",
      ca: "ok",
      operator: "ok",
      attestation: "ok",
      // No kubelet, no slots, no services: nothing of that is a fault.
      registration: "skipped",
      slots: "skipped",
      "boot-entry": "skipped",
      "container-runtime": "skipped",
      "api-server": "skipped",
      "own-node": "skipped",
      rights: "skipped",
      "image-policy": "skipped",
      agent: "ok",
    });
    expect(ok).toBe(true);
    expect(exitCode).toBe(0);
    expect(lines["ek-certificate"]?.sentence).toMatch(/leads to .*swtpm-localca-rootca/);
    expect(lines["clock"]?.sentence).toMatch(/^agrees/);
    expect(server.seen.map(({ step }) => step)).toEqual(expect.arrayContaining(["nonce", "attest"]));
    expect(server.seen.map(({ step }) => step)).not.toContain("answer");
    expect(await residue(tpm.tcti)).toMatchObject({ transient: [], loadedSession: [], savedSession: [] });
  });

  it("takes the operator's address from the machine's own cloud-config, and proxies from its services' environment", async () => {
    const ca = authority.certificatePem.trim().replaceAll(/^/gm, "      ");
    const config = (address: string): Promise<string> =>
      ground.write(
        "oem/99_custom.yaml",
        `#cloud-config\nrancheros:\n  install:\n    registrationURL: ${address}\n    registrationCACert: |\n${ca}\n`,
      );
    await ground.write("etc/default/ros-agent", "HTTPS_PROXY=http://127.0.0.1:1\n");
    await config(`https://registration.test${PATH}`);
    const { short, lines } = await doctor([...machine, ...only("operator")]);
    expect(lines["operator-url"]?.sentence).toMatch(/registration\/5c29\.\.\., from \/oem\/99_custom\.yaml$/);
    expect(short).toMatchObject({ proxy: "fail REGISTRATION_PROXY", ca: "skipped", operator: "skipped" });
    await ground.write("etc/default/ros-agent", "");
    await config(url);
    expect((await doctor([...machine, ...only("operator")])).short).toMatchObject({
      proxy: "ok",
      ca: "ok",
      operator: "ok",
    });
    await ground.write("oem/99_custom.yaml", "#cloud-config\nhostname: x\n");
    expect((await doctor([...machine, ...only("operator")])).short).toEqual({
      "operator-url": "skipped",
      dns: "skipped",
      proxy: "skipped",
      ca: "skipped",
      operator: "skipped",
    });
  });

  it("tells it to people in lines, and its warnings decide only with --strict", async () => {
    const args = ["doctor", ...ground.flags, "--tcti", "device:/dev/none", ...only("smbios", "tpm-lockout")];
    const { code, stdout } = await rosAgent(args);
    expect(code).toBe(8);
    expect(stdout).toMatch(
      /^TPM +FAIL +there is no TPM at \/dev\/none \(TPM_DEVICE_MISSING\)\n {29}Switch the TPM on/m,
    );
    expect(stdout).toMatch(/^TPM lockout +skipped +because the check of TPM failed$/m);
    expect(stdout).toMatch(/^SMBIOS +ok +Test Inc\., Model T, S1$/m);
    expect(stdout).toMatch(/^1 failed, 0 to look at, 1 ok, 1 skipped\.$/m);
    const empty = join(ground.root, "no-dmi");
    const nameless = [...ground.flags.slice(0, -2), "--smbios-dump", empty, ...only("smbios")];
    expect(await doctor(nameless)).toMatchObject({ exitCode: 0, ok: true, short: { smbios: "warn SMBIOS_ABSENT" } });
    expect(await doctor([...nameless, "--strict"])).toMatchObject({ exitCode: 8, ok: true });
    await mkdir(empty);
    await writeFile(join(empty, "smbios_entry_point"), "nonsense");
    await writeFile(join(empty, "DMI"), "nonsense");
    expect(await doctor(nameless)).toMatchObject({ exitCode: 0, short: { smbios: "warn SMBIOS_ENTRY_POINT" } });
  });
});

describe("doctor on a TPM", () => {
  let broken: Swtpm;
  let flags: readonly string[];
  let count = 0;
  beforeEach(async () => {
    broken = await startSwtpm({
      stateFolder: join(ground.root, `broken-${count++}`),
      withEkCertificate: true,
      authorityFolder: tpm.authorityFolder,
    });
    flags = [...ground.flags, "--tcti", broken.tcti, ...TPM_CHECKS];
  });
  afterEach(() => broken.stop());

  it("in lockout says so, and does not blame what builds on it", async () => {
    await lockOut(broken.tcti);
    const { exitCode, short } = await doctor(flags);
    expect(short).toEqual({
      tpm: "ok",
      "tpm-lockout": "fail TPM_LOCKOUT",
      "endorsement-key": "skipped",
      "ek-certificate": "skipped",
      "attestation-key": "skipped",
    });
    expect(exitCode).toBe(3);
  });

  it("without a certificate, with an empty list of makers, cleared, and with another seed", async () => {
    const stranger = await ground.write("stranger.pem", authority.certificatePem);
    expect((await doctor([...flags, "--ek-ca", stranger])).short).toMatchObject({
      "ek-certificate": "fail DOCTOR_EK_CHAIN_UNKNOWN",
      "attestation-key": "ok",
    });
    const before = (await doctor(flags)).lines["endorsement-key"]?.sentence;
    await tpm2(broken.tcti, "clear");
    const cleared = await doctor(flags);
    expect(cleared.short).toMatchObject({ "endorsement-key": "ok", "ek-certificate": "ok", "attestation-key": "ok" });
    expect(cleared.lines["endorsement-key"]?.sentence).toBe(before);
    await tpm2(broken.tcti, "changeeps");
    expect((await doctor(flags)).short["attestation-key"]).toBe("fail TPM_EK_CERTIFICATE_MISMATCH");
    await removeEkCertificate(broken.tcti);
    expect(await doctor(flags)).toMatchObject({
      exitCode: 0,
      short: { "ek-certificate": "warn DOCTOR_EK_CERTIFICATE_ABSENT", "attestation-key": "ok" },
    });
  });

  it("with its endorsement hierarchy owned or switched off", async () => {
    await setHierarchyAuth(broken.tcti, "endorsement", "secret");
    expect((await doctor(flags)).short).toMatchObject({ tpm: "ok", "tpm-lockout": "fail TPM_AUTHORISATION_SET" });
    await disableEndorsementHierarchy(broken.tcti);
    expect((await doctor(flags)).short).toMatchObject({ tpm: "ok", "tpm-lockout": "fail TPM_HIERARCHY_DISABLED" });
  });

  it("that is silent ends in time", async () => {
    const proxy = await startTpmProxy(broken.port, () => "silence" as const);
    const args = [...ground.flags, "--tcti", proxy.tcti, ...TPM_CHECKS];
    const { short } = await doctor(args);
    expect(short["tpm"]).toBe("fail TPM_TIMED_OUT");
    await proxy.stop();
  });
});

describe("doctor on the way to the operator", () => {
  const way = only("operator");

  it.each([
    [
      "a name that nobody knows",
      () => `https://no-such-host.invalid${PATH}`,
      { dns: "fail REGISTRATION_UNREACHABLE", operator: "skipped" },
    ],
    ["a closed port", () => `https://127.0.0.1:1${PATH}`, { dns: "ok", operator: "fail REGISTRATION_UNREACHABLE" }],
    [
      "an address that is none",
      () => "http//x",
      { "operator-url": "fail REGISTRATION_URL_INVALID", operator: "skipped" },
    ],
    [
      "plain http that nobody allowed",
      () => `http://localhost:1${PATH}`,
      { "operator-url": "fail REGISTRATION_PLAIN_HTTP" },
    ],
  ])("finds %s", async (_name, address, expected) => {
    const { short, exitCode } = await doctor([address(), ...machine, ...way, "--ca-cert", caFile]);
    expect(short).toMatchObject(expected);
    expect(exitCode).not.toBe(0);
  });

  it("finds certificates that prove nothing: of another CA, for another name, expired", async () => {
    const other = await ground.write("other.pem", createAuthority("another").certificatePem);
    const untrusted = { ca: "ok", operator: "fail REGISTRATION_TLS_UNTRUSTED", clock: "ok" };
    const checks = only("operator", "clock");
    expect((await doctor([url, ...machine, ...checks, "--ca-cert", other])).short).toMatchObject(untrusted);
    const named = await doctor([url.replace("localhost", "127.0.0.1"), ...machine, ...checks, "--ca-cert", caFile]);
    expect(named.short).toMatchObject(untrusted);
    expect(named.lines["operator"]?.sentence).toContain("localhost");
    server.changeCertificate(authority.issue({ names: ["localhost"], expired: true }));
    const expired = await doctor([url, ...machine, ...checks, "--ca-cert", caFile]);
    server.changeCertificate(authority.issue({ names: ["localhost"] }));
    expect(expired.short).toMatchObject(untrusted);
    expect(expired.lines["operator"]?.mend).toContain("clock");
  });

  it("finds a CA that is none, cannot be read, or is not the pinned one", async () => {
    const text = await ground.write("text.pem", "no certificate");
    const ca = async (...flags: readonly string[]): Promise<string | undefined> =>
      (await doctor([url, ...machine, ...way, ...flags])).short["ca"];
    expect(await ca("--ca-cert", text)).toBe("fail REGISTRATION_TRUST_INVALID");
    expect(await ca("--ca-cert", "/nonexistent.pem")).toBe("fail REGISTRATION_CA_UNREADABLE");
    const pages = createHttpServer((_request, response) => response.end("no CA here"));
    const port = portOf(await listen(pages));
    opened.push(pages);
    const plain = [`https://localhost:${port}${PATH}`, ...machine, ...way];
    expect((await doctor([...plain, "--ca-sha256", "0".repeat(64)])).short).toMatchObject({
      ca: "fail REGISTRATION_TLS_FAILED",
    });
    // The same plain text where nothing is pinned.
    expect((await doctor([...plain, "--ca-cert", caFile])).short).toMatchObject({
      ca: "ok",
      operator: "fail REGISTRATION_TLS_FAILED",
    });
  });

  it("finds a server that is no operator, and one that refuses this machine", async () => {
    server.play({ alter: (step, honest) => (step === "nonce" ? { status: 404, body: Buffer.from("nginx") } : honest) });
    expect((await doctor([url, ...machine, ...way, "--ca-cert", caFile])).short).toMatchObject({
      operator: "fail REGISTRATION_PROTOCOL_UNKNOWN",
    });
    server.play({
      alter: (step, honest) =>
        step === "attest" ? refusal(403, "EK_CERTIFICATE_UNTRUSTED", "nobody knows this maker") : honest,
    });
    const refused = await doctor([url, ...machine, ...only("attestation"), "--ca-cert", caFile]);
    expect(refused.short).toMatchObject({ operator: "ok", attestation: "fail REGISTRATION_REFUSED" });
    expect(refused.lines["attestation"]?.sentence).toContain("nobody knows this maker");
    expect(refused.exitCode).toBe(5);
  });

  it("finds a clock that is wrong by what the server says", async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const ahead = createHttpServer((_request, response) => response.setHeader("date", date).end("x"));
    opened.push(await listen(ahead));
    const args = [`http://localhost:${portOf(ahead)}${PATH}`, "--allow-http", ...machine, ...only("clock")];
    expect(await doctor(args)).toMatchObject({ exitCode: 8, short: { clock: "fail DOCTOR_CLOCK_WRONG" } });
  });
});
