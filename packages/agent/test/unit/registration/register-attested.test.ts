/** The client of the attestation protocol against a server on real sockets that does one thing wrong at a time. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EMPTY_REPORT, writeNonceAnswer, type MachineReport } from "@rancheros/protocol/attestation";
import { registerAttested, reportMachine, type OwnReport, type RegistrationEvent } from "@rancheros/agent/registration";

import {
  CONFIG,
  MACHINE,
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

const TOKEN = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";
const REPORT: OwnReport = { ...EMPTY_REPORT, smbios: undefined, labels: { rack: "r1" }, agentVersion: "0.1.0" };
const APPROVE = `kubectl -n fleet patch machineinventory m-one-ab12c --type merge -p '{"spec":{"approval":"Approved"}}'`;

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
    timeoutMs: changes.timeoutMs ?? 10_000,
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

/** One step's reply changed, once or always. */
function at(wanted: Step, change: (honest: Reply) => Reply | Promise<Reply>): Script {
  return { alter: (step, honest) => (step === wanted ? change(honest) : honest) };
}

function json(value: unknown, status = 200): Reply {
  return { status, body: Buffer.from(JSON.stringify(value)) };
}

/** A field of an honest reply replaced. */
function field(wanted: Step, name: string, value: unknown): Script {
  return at(wanted, ({ body }) => {
    const message = JSON.parse(body.toString()) as Record<string, unknown>;
    return json({ ...message, [name]: value });
  });
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
      "createAttestationKey",
      "activateCredential",
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

  it("refuses a URL without a token before anything is sent", async () => {
    await expect(register({}, { url: urlAt("/v1-rancheros/inventory") })).rejects.toMatchObject({
      code: "REGISTRATION_URL_INVALID",
    });
    expect(steps()).toEqual([]);
  });
});

interface Wrong {
  readonly what: string;
  readonly script: Script;
  readonly code: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retry?: unknown;
  /** The last step that the machine took. */
  readonly last: Step;
}

const WRONG: readonly Wrong[] = [
  ...[404, 405, 426].map((status): Wrong => ({
    what: `a server that answers ${status}`,
    script: at("nonce", () => ({ status, body: Buffer.from("404 page not found\n") })),
    code: "REGISTRATION_PROTOCOL_UNKNOWN",
    details: { status },
    retry: "never",
    last: "nonce",
  })),
  {
    what: "a server that shows a page",
    script: at("nonce", () => ({ status: 200, body: Buffer.from("<html>hello</html>") })),
    code: "REGISTRATION_PROTOCOL_UNKNOWN",
    last: "nonce",
  },
  {
    what: "a nonce that is too long",
    script: field("nonce", "nonce", Buffer.alloc(65).toString("base64")),
    code: "REGISTRATION_NONSENSE",
    details: { step: "connect" },
    last: "nonce",
  },
  { what: "a nonce that is none", script: field("nonce", "nonce", 7), code: "REGISTRATION_NONSENSE", last: "nonce" },
  {
    what: "a version that is not ours",
    script: at("nonce", () => ({
      status: 200,
      body: writeNonceAnswer({ protocol: 3, nonce: Buffer.alloc(60), expiresInSeconds: 60 }),
    })),
    code: "PROTOCOL_VERSION",
    last: "nonce",
  },
  {
    what: "another nonce than the server has given",
    script: field("nonce", "nonce", Buffer.alloc(60, 7).toString("base64")),
    code: "REGISTRATION_REFUSED",
    details: { status: 403, serverCode: "CHANNEL_MISMATCH", step: "challenge" },
    retry: "never",
    last: "attest",
  },
  {
    what: "a server that is busy",
    script: at("attest", () => refusal(503, "SERVER_BUSY", "too many visits", 7)),
    code: "REGISTRATION_TRY_LATER",
    details: { status: 503, serverCode: "SERVER_BUSY" },
    retry: { afterMs: 7_000 },
    last: "attest",
  },
  {
    what: "a proxy that has no server behind it",
    script: at("nonce", () => ({ status: 502, body: Buffer.from("<html>bad gateway</html>") })),
    code: "REGISTRATION_TRY_LATER",
    retry: "backoff",
    last: "nonce",
  },
  {
    what: "a redirect",
    script: at("nonce", () => ({ status: 307, body: Buffer.alloc(0), headers: { location: "https://other.test/" } })),
    code: "REGISTRATION_REDIRECTED",
    last: "nonce",
  },
  {
    what: "a challenge with a byte changed",
    script: at("attest", ({ body }) => {
      const message = JSON.parse(body.toString()) as { credentialBlob: string };
      const blob = Buffer.from(message.credentialBlob, "base64");
      blob.writeUInt8((blob.at(-1) ?? 0) ^ 1, blob.length - 1);
      return json({ ...message, credentialBlob: blob.toString("base64") });
    }),
    code: "REGISTRATION_CHALLENGE_NOT_OURS",
    last: "attest",
  },
  {
    what: "a challenge in garbage",
    script: at("attest", () => ({ status: 200, body: Buffer.from("\0\x01\x02") })),
    code: "REGISTRATION_NONSENSE",
    last: "attest",
  },
  {
    what: "an answer that is cut off",
    script: at("answer", (honest) => ({ ...honest, cutAfterBytes: 40 })),
    code: "REGISTRATION_UNREACHABLE",
    last: "answer",
  },
  {
    what: "an answer without end",
    script: at("answer", () => ({ status: 200, body: Buffer.alloc(1024 * 1024, 0x20) })),
    code: "REGISTRATION_NONSENSE",
    last: "answer",
  },
  {
    what: "an answer that was sealed for another machine",
    script: at("answer", ({ body }) => {
      const { sealed } = JSON.parse(body.toString()) as { sealed: string };
      const bytes = Buffer.from(sealed, "base64");
      return json({ protocol: 2, sealed: Buffer.concat([bytes.subarray(0, -1), Buffer.from([1])]).toString("base64") });
    }),
    code: "SEAL_BROKEN",
    last: "answer",
  },
  {
    what: "a machine that is denied",
    script: { admission: () => ({ approval: "Denied" }) },
    code: "REGISTRATION_DENIED",
    details: { machine: "fleet/m-one-ab12c" },
    retry: "never",
    last: "answer",
  },
  {
    what: "a server that says so by a refusal",
    script: at("answer", () => refusal(403, "MACHINE_DENIED", "this machine was denied")),
    code: "REGISTRATION_DENIED",
    details: { status: 403, serverCode: "MACHINE_DENIED" },
    last: "answer",
  },
  {
    what: "a machine that waits for approval, without --wait",
    script: { admission: () => ({ approval: "Pending" }) },
    code: "REGISTRATION_PENDING",
    details: { approve: APPROVE },
    retry: "backoff",
    last: "answer",
  },
  {
    what: "a name that would do harm in a command line",
    script: { admission: () => ({ approval: "Pending", machine: { ...MACHINE, name: "a; rm -rf /" } }) },
    code: "REGISTRATION_NONSENSE",
    last: "answer",
  },
];

describe("one thing wrong", () => {
  it.each(WRONG)("$what: $code", async ({ script, code, details = {}, retry, last }) => {
    const failure: unknown = await register(script).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, details: expect.objectContaining(details) as object });
    if (retry !== undefined) expect(failure).toMatchObject({ retry });
    expect(steps().at(-1)).toBe(last);
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
    const silence = at("attest", () => new Promise<Reply>(() => undefined));
    await expect(register(silence, { timeoutMs: 600 })).rejects.toMatchObject({
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

describe("reporting", () => {
  async function report(script: Script, goesOn: boolean, stopAfter = 1): Promise<string[]> {
    server.play(script);
    const told: string[] = [];
    const stop = new AbortController();
    await reportMachine({
      ...common({ url: `https://localhost:${server.port}`, signal: stop.signal }),
      readReport: async () => REPORT,
      goesOn,
      onReported: ({ machine: { name } }) => {
        told.push(name);
        if (told.length >= stopAfter) stop.abort();
      },
    });
    return told;
  }

  it("is one session and one report", async () => {
    await expect(report({}, false)).resolves.toEqual([MACHINE.name]);
    expect(steps()).toEqual(["nonce", "attest", "answer", "report"]);
    expect(server.attests[0]?.purpose).toEqual({ kind: "session" });
    expect(server.reports).toMatchObject([{ labels: { rack: "r1" } }] satisfies Partial<MachineReport>[]);
  });

  it("goes on in one session until the signal", async () => {
    await expect(report({}, true, 3)).resolves.toHaveLength(3);
    expect(steps()).toEqual(["nonce", "attest", "answer", "report", "report", "report"]);
  });

  it("begins a new session where the old one has ended", async () => {
    const script: Script = {
      alter: (step, honest, count) =>
        step === "report" && count === 2 ? refusal(401, "SESSION_UNKNOWN", "ended") : honest,
    };
    await expect(report(script, true, 2)).resolves.toHaveLength(2);
    expect(steps()).toEqual(["nonce", "attest", "answer", "report", "report", "nonce", "attest", "answer", "report"]);
  });

  it("ends where the machine is not known", async () => {
    const script = at("attest", () => refusal(404, "MACHINE_UNKNOWN", "there is no such machine"));
    await expect(report(script, true)).rejects.toMatchObject({
      code: "REGISTRATION_REFUSED",
      details: { serverCode: "MACHINE_UNKNOWN" },
    });
  });
});
