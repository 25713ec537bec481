/** The client of the attestation protocol against a server on real sockets that does one thing wrong at a time. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EMPTY_REPORT } from "@rancheros/protocol/attestation";
import { registerAttested, type OwnReport, type RegistrationEvent } from "@rancheros/agent/registration";

import {
  CONFIG,
  SESSION_TOKEN,
  refusal,
  startAttestationServer,
  type AttestationServer,
  type Reply,
  type Script,
  type Step,
} from "../../../../../test/registration/attestation-server.ts";
import { createAuthority, type Authority } from "../../../../../test/registration/authority.ts";
import { createSoftwareMachine, type SoftwareMachine } from "./software-machine.ts";
import { APPROVE, WRONG, at } from "./wrong-answers.ts";

const TOKEN = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";
const REPORT: OwnReport = { ...EMPTY_REPORT, smbios: undefined, labels: { rack: "r1" }, agentVersion: "0.1.0" };

let authority: Authority;
let server: AttestationServer;
let machine: SoftwareMachine;
let events: RegistrationEvent[];

beforeAll(async () => {
  authority = createAuthority("attestation test");
  server = await startAttestationServer(authority.issue({ names: ["localhost"] }));
  machine = createSoftwareMachine();
});

afterAll(async () => {
  await server.stop();
});

beforeEach(() => {
  events = [];
  machine.calls.length = 0;
});

interface Changes {
  readonly url?: string;
  readonly waitMs?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly report?: OwnReport;
}

const urlAt = (path: string): string => `https://localhost:${server.port}${path}`;

function common(changes: Changes) {
  return {
    url: changes.url ?? urlAt(`/v1-rancheros/registration/${TOKEN}`),
    allowHttp: false,
    trust: { kind: "ca", pem: authority.certificatePem },
    environment: {},
    timeoutMs: changes.timeoutMs ?? 60_000,
    signal: changes.signal ?? new AbortController().signal,
    tpm: machine.tpm,
    withoutEkCertificate: false,
    onEvent: (event: RegistrationEvent) => void events.push(event),
  } as const;
}

function register(script: Script, changes: Changes = {}): Promise<unknown> {
  server.play(script);
  const { waitMs = 0, report = REPORT } = changes;
  return registerAttested({ ...common(changes), waitMs, report: async () => report });
}

const steps = (): Step[] => server.seen.map(({ step }) => step);

describe("registering by the attestation protocol", () => {
  it("gets the config, on one connection, with the keys made before the nonce", async () => {
    await expect(register({})).resolves.toEqual(CONFIG);
    expect(steps()).toEqual(["nonce", "attest", "answer"]);
    expect(server.connections()).toBe(1);
    expect(machine.calls).toEqual([
      "readEndorsementKey",
      "prepareAttestation",
      "readEndorsementChain",
      "createAttestationKey",
      "activateCredential",
      "endAttestation",
    ]);
    expect(server.attests[0]?.purpose).toEqual({ kind: "registration", token: TOKEN });
    expect(server.reports).toMatchObject([{ labels: { rack: "r1" }, agentVersion: "0.1.0" }]);
  });

  it("keeps a path in front of /v1-rancheros", async () => {
    await register({}, { url: urlAt(`/edge/v1-rancheros/registration/${TOKEN}`) });
    expect(server.seen.map(({ path }) => path)).toEqual([
      "/edge/v2-rancheros/nonce",
      "/edge/v2-rancheros/attest",
      "/edge/v2-rancheros/answer",
    ]);
  });

  it("goes on over a second connection with the same key", async () => {
    const closing = (_step: Step, honest: Reply): Reply => ({ ...honest, headers: { connection: "close" } });
    await expect(register({ alter: closing })).resolves.toEqual(CONFIG);
    expect(server.connections()).toBe(3);
  });

  it("cuts the SMBIOS until the request has 64 KiB", async () => {
    const memory = Array.from({ length: 400 }, (_none, index) => ({ Locator: `DIMM ${index} ${"x".repeat(200)}` }));
    const smbios = { "System Information": { "Serial Number": "S1" }, "Memory Device[]": memory };
    await register({}, { report: { ...REPORT, smbios } });
    expect(server.reports[0]?.smbios).toEqual({ "System Information": { "Serial Number": "S1" } });
    expect(server.seen.at(-1)?.bytes).toBeLessThanOrEqual(64 * 1024);
  });

  it.each(["inventory", "registration/abc%zz"])(
    "refuses /%s, which has no token, before anything is sent",
    async (path) => {
      await expect(register({}, { url: urlAt(`/v1-rancheros/${path}`) })).rejects.toMatchObject({
        code: "REGISTRATION_URL_INVALID",
      });
      expect(steps()).toEqual([]);
    },
  );
});

describe("one thing wrong", () => {
  it.each(WRONG)("$what: $code", async ({ script, code, details = {}, retry, last }) => {
    const failure: unknown = await register(script).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, details: expect.objectContaining(details) as object });
    if (retry !== undefined) expect(failure).toMatchObject({ retry });
    expect(steps().at(-1)).toBe(last);
    // Nothing is held in the TPM until a next attempt, which may be long in coming.
    expect(machine.calls.at(-1)).toBe("endAttestation");
    const told = String(failure) + JSON.stringify(failure) + JSON.stringify(events);
    for (const secret of [TOKEN, SESSION_TOKEN, "canary-of-the-config"]) expect(told).not.toContain(secret);
  });

  it("another key on the second connection: stops before it sends anything there", async () => {
    const place = await startAttestationServer(authority.issue({ names: ["localhost"] }));
    try {
      place.play({
        alter: (_step, honest) => {
          place.changeCertificate(authority.issue({ names: ["localhost"] }));
          return { ...honest, headers: { connection: "close" } };
        },
      });
      const url = `https://localhost:${place.port}/v1-rancheros/registration/${TOKEN}`;
      const options = { ...common({ url }), waitMs: 0, report: async () => REPORT };
      await expect(registerAttested(options)).rejects.toMatchObject({ code: "REGISTRATION_SERVER_KEY_CHANGED" });
      expect(place.seen.map(({ step }) => step)).toEqual(["nonce"]);
    } finally {
      await place.stop();
    }
  });

  it("a server that says nothing: gives up in time", async () => {
    const beganMs = performance.now();
    await register({});
    // The time is for all steps together: it has to last until the server says nothing any more.
    const timeoutMs = 3_000 + 10 * (performance.now() - beganMs);
    const silence = at("attest", () => new Promise<Reply>(() => undefined));
    await expect(register(silence, { timeoutMs: Math.ceil(timeoutMs) })).rejects.toMatchObject({
      code: "REGISTRATION_TIMED_OUT",
      details: { step: "challenge" },
    });
  });
});

describe("waiting for approval", () => {
  it("asks in its session until it is approved, attests again, and gets the config", async () => {
    const script: Script = {
      admission: (step, count) => ({ approval: count < 2 && step !== "report" ? "Pending" : "Approved" }),
    };
    await expect(register(script, { waitMs: 20_000 })).resolves.toEqual(CONFIG);
    expect(steps()).toEqual(["nonce", "attest", "answer", "machine", "machine", "nonce", "attest", "answer"]);
    expect(server.seen.filter(({ step }) => step === "machine").map(({ authorization }) => authorization)).toEqual([
      `Bearer ${SESSION_TOKEN}`,
      `Bearer ${SESSION_TOKEN}`,
    ]);
    expect(events.filter(({ kind }) => kind === "pending")).toEqual([
      { kind: "pending", machine: "fleet/m-one-ab12c", approve: APPROVE },
    ]);
  });

  it("attests again where its session has ended", async () => {
    const script: Script = {
      admission: (step, count) => ({ approval: step === "answer" && count > 1 ? "Approved" : "Pending" }),
      alter: (step, honest) => (step === "machine" ? refusal(401, "SESSION_UNKNOWN", "ended") : honest),
    };
    await expect(register(script, { waitMs: 20_000 })).resolves.toEqual(CONFIG);
    expect(steps()).toEqual(["nonce", "attest", "answer", "machine", "nonce", "attest", "answer"]);
  });

  it("goes on through an outage, and ends when it is denied", async () => {
    const script: Script = {
      admission: (step, count) => ({ approval: step === "machine" && count > 1 ? "Denied" : "Pending" }),
      alter: (step, honest, count) =>
        step === "machine" && count === 1 ? refusal(503, "SERVER_BUSY", "later") : honest,
    };
    await expect(register(script, { waitMs: 20_000 })).rejects.toMatchObject({ code: "REGISTRATION_DENIED" });
    expect(events).toContainEqual(expect.objectContaining({ kind: "retry" }));
  });

  it("gives up when its time is over, and says who approves", async () => {
    const script: Script = { admission: () => ({ approval: "Pending" }) };
    await expect(register(script, { waitMs: 1_500 })).rejects.toMatchObject({
      code: "REGISTRATION_PENDING",
      message: expect.stringContaining(APPROVE) as string,
    });
  });
});
