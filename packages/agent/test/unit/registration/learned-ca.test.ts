/** A machine that was set up with one CA, and whose operator changes to another. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readMachineState, type Admission } from "@rancheros/protocol/attestation";
import { sessionKeeper, type RegistrationEvent, type Trust } from "@rancheros/agent/registration";

import { parseLearnedCa } from "../../../src/registration/learned-ca.ts";
import { startAttestationServer, type AttestationServer } from "../../../../../test/registration/attestation-server.ts";
import { createAuthority } from "../../../../../test/registration/authority.ts";
import { createSoftwareMachine } from "./software-machine.ts";

const folder = mkdtempSync(path.join(tmpdir(), "learned-ca-"));
const [before, after, stranger] = ["before", "after", "stranger"].map(createAuthority);
if (before === undefined || after === undefined || stranger === undefined) throw new Error("three authorities");
const issued = [before, after].map((one) => one.issue({ names: ["localhost"] }));
const both = before.certificatePem + after.certificatePem;
const machine = createSoftwareMachine();
let server: AttestationServer;
let events: RegistrationEvent[];
let file: string;
let count = 0;

beforeAll(async () => {
  server = await startAttestationServer(issued[0]);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  events = [];
  file = path.join(folder, `state-${(count += 1)}`, "operator-ca.json");
  show(0);
});

function show(number: 0 | 1): void {
  const certificate = issued[number];
  if (certificate !== undefined) server.changeCertificate(certificate);
}

/** One attestation and one question, as the daemon does it every quarter of an hour. */
async function ask(
  told: Admission["ca"],
  trust: Trust = { kind: "ca", pem: before?.certificatePem ?? "" },
  learnsCa = true,
): Promise<string> {
  server.play({ admission: () => ({ ca: told }), cacerts: told });
  const keeper = sessionKeeper({
    url: `https://localhost:${server.port}`,
    allowHttp: false,
    trust,
    learnedCaFile: file,
    learnsCa,
    environment: {},
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    tpm: machine.tpm,
    withoutEkCertificate: false,
    onEvent: (event) => events.push(event),
  });
  const state = await keeper.with((session) =>
    session.ask({ method: "GET", endpoint: "machine", step: "approval" }, readMachineState),
  );
  return state.approval;
}

const learnedCount = (): number => events.filter(({ kind }) => kind === "ca-learned").length;

describe("a machine that holds the old CA only", () => {
  it("is told of the new one while the old one serves, and goes on when the certificate has changed", async () => {
    await ask(both);
    expect(learnedCount()).toBe(1);
    expect(readdirSync(path.dirname(file))).toEqual(["operator-ca.json"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await ask(both);
    expect(learnedCount()).toBe(1);
    show(1);
    expect(await ask(both)).toBe("Approved");
    // The old one has ended, and is told no more; what it was set up with does not count against it.
    await ask(after?.certificatePem);
    expect(learnedCount()).toBe(2);
    expect(await ask(after?.certificatePem)).toBe("Approved");
  });

  it("reads what its agent has learned and writes nothing in every other command", async () => {
    await ask(both, undefined, false);
    expect(existsSync(file)).toBe(false);
    await ask(both);
    const kept = readFileSync(file, "utf8");
    show(1);
    expect(await ask(after?.certificatePem, undefined, false)).toBe("Approved");
    expect(readFileSync(file, "utf8")).toBe(kept);
  });

  it("is cut off where it was not told, and sends nothing", async () => {
    await ask(undefined);
    show(1);
    await expect(ask(both)).rejects.toMatchObject({ code: "REGISTRATION_TLS_UNTRUSTED" });
    expect(server.seen).toEqual([]);
    expect(events.filter(({ kind }) => kind === "ca-learned")).toEqual([]);
  });

  it("goes on also where it knows the old one by its fingerprint, which nobody hands out any more", async () => {
    const pin: Trust = { kind: "pin", pin: (before?.fingerprint ?? "").replaceAll(":", "").toLowerCase() };
    await ask(both, pin);
    show(1);
    expect(await ask(after?.certificatePem, pin)).toBe("Approved");
    rmSync(file);
    await expect(ask(after?.certificatePem, pin)).rejects.toMatchObject({ code: "REGISTRATION_PIN_MISMATCH" });
  });
});

describe("what a machine was told", () => {
  it("counts no more once somebody has given it another CA, as after a stolen key", async () => {
    await ask(both);
    const given: Trust = { kind: "ca", pem: after?.certificatePem ?? "" };
    await expect(ask(both, given)).rejects.toMatchObject({ code: "REGISTRATION_TLS_UNTRUSTED" });
    show(1);
    expect(await ask(after?.certificatePem, given)).toBe("Approved");
    show(0);
    await expect(ask(both, given)).rejects.toMatchObject({ code: "REGISTRATION_TLS_UNTRUSTED" });
  });

  it("counts for the server that told it only, and not where it is no CA", async () => {
    const origin = "https://localhost:1";
    const kept = (server_: string, ca: unknown): string => JSON.stringify({ server: server_, under: "system", ca });
    expect(parseLearnedCa(kept(origin, both), origin, "system")).toContain("BEGIN CERTIFICATE");
    expect(parseLearnedCa(kept(origin, both), origin, "pin:00")).toBeUndefined();
    expect(parseLearnedCa(JSON.stringify({ server: origin, ca: both }), origin, "system")).toBeUndefined();
    for (const text of [
      undefined,
      "",
      "{",
      "null",
      "[]",
      kept("https://localhost:2", both),
      kept(origin, "nonsense"),
      kept(origin, 7),
      kept(origin, both).slice(0, -40),
      kept(origin, both.repeat(20)),
      kept(origin, `${both}-----BEGIN CERTIFICATE-----\nR09O\n-----END CERTIFICATE-----`),
    ]) {
      expect(parseLearnedCa(text, origin, "system")).toBeUndefined();
    }
  });

  it("is mended where the file is nonsense, and does not end the visit where it cannot be written", async () => {
    await ask(both);
    writeFileSync(file, readFileSync(file, "utf8").slice(0, 100));
    expect(await ask(both)).toBe("Approved");
    expect(learnedCount()).toBe(2);
    rmSync(path.dirname(file), { recursive: true });
    writeFileSync(path.dirname(file), "a file where a folder should be");
    expect(await ask(both)).toBe("Approved");
    expect(events.at(-1)).not.toMatchObject({ kind: "ca-learned" });
    expect(events).toContainEqual(
      expect.objectContaining({
        kind: "ca-not-learned",
        error: expect.objectContaining({ code: "REGISTRATION_CA_UNSAVED" }) as unknown,
      }),
    );
  });

  it("is refused where it is nonsense, and what was told before stays", async () => {
    await ask(both);
    const text = readFileSync(file, "utf8");
    expect(await ask("-----BEGIN CERTIFICATE-----\nR09O\n-----END CERTIFICATE-----")).toBe("Approved");
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(events).toContainEqual(
      expect.objectContaining({
        kind: "ca-not-learned",
        error: expect.objectContaining({ code: "REGISTRATION_TRUST_INVALID" }) as unknown,
      }),
    );
    await ask(stranger?.certificatePem);
    // Who was let in by the CA that it was set up with still is.
    expect(await ask(both)).toBe("Approved");
  });
});
