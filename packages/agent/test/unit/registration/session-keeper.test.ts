/** Sessions that are kept, and reports that are sent in them, against a server on real sockets and with a clock of its own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EMPTY_REPORT, readMachineState, type MachineReport, type MachineState } from "@rancheros/protocol/attestation";
import {
  reportMachine,
  sessionKeeper,
  type OwnReport,
  type RegistrationEvent,
  type SessionKeeper,
  type VisitOptions,
} from "@rancheros/agent/registration";

import { httpGet } from "../../../src/registration/io/http-get.ts";
import { readLearnedCa, writeLearnedCa } from "../../../src/registration/io/learned-ca-file.ts";
import { readSystemCas } from "../../../src/http/index.ts";
import { bundledCas, readCaFile } from "../../../src/registration/io/read-ca.ts";
import { connectServer } from "../../../src/registration/io/server-connection.ts";
import { reportThrough } from "../../../src/registration/report-machine.ts";
import { keepSession } from "../../../src/registration/session-keeper.ts";
import { prepareVisit } from "../../../src/registration/visit.ts";
import {
  MACHINE,
  refusal,
  startAttestationServer,
  type AttestationServer,
  type Reply,
  type Script,
  type Step,
} from "../../../../../test/registration/attestation-server.ts";
import { createAuthority, type Authority } from "../../../../../test/registration/authority.ts";
import { createSoftwareMachine } from "./software-machine.ts";
import { at } from "./wrong-answers.ts";

const REPORT: OwnReport = { ...EMPTY_REPORT, smbios: undefined, labels: { rack: "r1" }, agentVersion: "0.1.0" };
const ATTESTED = ["nonce", "attest", "answer"] as const;
const MINUTE_MS = 60_000;

let authority: Authority;
let server: AttestationServer;
let nowMs: number;

beforeAll(async () => {
  authority = createAuthority("session test");
  server = await startAttestationServer(authority.issue({ names: ["localhost"] }));
});

afterAll(async () => {
  await server.stop();
});

beforeEach(() => {
  nowMs = 0;
});

const machine = createSoftwareMachine();
const options = () => ({
  url: `https://localhost:${server.port}`,
  allowHttp: false,
  trust: { kind: "ca", pem: authority.certificatePem } as const,
  environment: {},
  timeoutMs: 10_000,
  signal: new AbortController().signal,
  tpm: machine.tpm,
  withoutEkCertificate: false,
  onEvent: () => undefined,
});

/** Of a machine whose clock is nowMs. */
function keeperOf(script: Script, change: Pick<Partial<VisitOptions>, "trust"> = {}): SessionKeeper {
  server.play(script);
  const outside = {
    connectServer,
    httpGet,
    readCaFile,
    readSystemCas,
    bundledCas,
    readLearnedCa,
    writeLearnedCa,
    nowMs: () => nowMs,
  };
  const visit = prepareVisit(outside, { ...options(), ...change }, true);
  return keepSession(outside, visit, () => visit.attest({ kind: "session" }, async () => Buffer.alloc(0)));
}

const ask = (keeper: SessionKeeper): Promise<MachineState> =>
  keeper.with((session) => session.ask({ method: "GET", endpoint: "machine", step: "approval" }, readMachineState));

const steps = (): Step[] => server.seen.map(({ step }) => step);
const ended = (): Reply => refusal(401, "SESSION_EXPIRED", "ended");

describe("a session that is kept", () => {
  it("is attested for at its first use, and used until shortly before its end", async () => {
    const keeper = keeperOf({});
    expect(steps()).toEqual([]);
    await expect(ask(keeper)).resolves.toMatchObject({ machine: MACHINE, approval: "Approved" });
    nowMs = 900_000 - 30_001;
    await ask(keeper);
    expect(steps()).toEqual([...ATTESTED, "machine", "machine"]);
    nowMs += 1;
    await ask(keeper);
    expect(steps()).toEqual([...ATTESTED, "machine", "machine", ...ATTESTED, "machine"]);
    expect(server.attests.map(({ purpose }) => purpose)).toEqual([{ kind: "session" }, { kind: "session" }]);
  });

  it("is one for all who come at the same time", async () => {
    const keeper = keeperOf({});
    await Promise.all([ask(keeper), ask(keeper), ask(keeper)]);
    expect(steps()).toEqual([...ATTESTED, "machine", "machine", "machine"]);
  });

  it("is replaced once where the server says that it is over", async () => {
    const keeper = keeperOf({
      alter: (step, honest, count) => (step === "machine" && count === 2 ? ended() : honest),
    } satisfies Script);
    await ask(keeper);
    await expect(ask(keeper)).resolves.toMatchObject({ approval: "Approved" });
    expect(steps()).toEqual([...ATTESTED, "machine", "machine", ...ATTESTED, "machine"]);
  });

  it("is not replaced for ever, and not used again after two refusals", async () => {
    const keeper = keeperOf({
      alter: (step, honest, count) => (step === "machine" && count <= 2 ? ended() : honest),
    });
    await expect(ask(keeper)).rejects.toMatchObject({ details: { serverCode: "SESSION_EXPIRED" } });
    expect(steps()).toEqual([...ATTESTED, "machine", ...ATTESTED, "machine"]);
    await ask(keeper);
    expect(steps().slice(8)).toEqual([...ATTESTED, "machine"]);
  });

  it("is attested for again after an attestation that failed", async () => {
    const keeper = keeperOf({
      alter: (step, honest, count) =>
        step === "attest" && count === 1 ? refusal(503, "SERVER_BUSY", "later") : honest,
    });
    await expect(ask(keeper)).rejects.toMatchObject({ code: "REGISTRATION_TRY_LATER" });
    await expect(ask(keeper)).resolves.toMatchObject({ approval: "Approved" });
  });

  it("is wanted again after a moment in which the CA's file was empty, which is wrong in the command line only at first", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ca-"));
    const file = join(folder, "ca.pem");
    const trust = { kind: "ca-file", path: file } as const;
    try {
      writeFileSync(file, "");
      await expect(ask(keeperOf({}, { trust }))).rejects.toMatchObject({ failure: "usage" });
      writeFileSync(file, authority.certificatePem);
      const keeper = keeperOf({}, { trust });
      await ask(keeper);
      nowMs = 900_000;
      writeFileSync(file, "");
      await expect(ask(keeper)).rejects.toMatchObject({ code: "REGISTRATION_CA_UNREADABLE", failure: "environment" });
      writeFileSync(file, authority.certificatePem);
      await expect(ask(keeper)).resolves.toMatchObject({ approval: "Approved" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is replaced where the server has got another TLS key, which sees nothing of the old one", async () => {
    const place = await startAttestationServer(authority.issue({ names: ["localhost"] }));
    try {
      place.play({});
      const keeper = sessionKeeper({ ...options(), url: `https://localhost:${place.port}` });
      await ask(keeper);
      place.changeCertificate(authority.issue({ names: ["localhost"] }));
      await ask(keeper);
      expect(place.seen.map(({ step }) => step)).toEqual([...ATTESTED, "machine", ...ATTESTED, "machine"]);
    } finally {
      await place.stop();
    }
  });

  it("shares one connection among the requests of one piece of work", async () => {
    const keeper = keeperOf({});
    await ask(keeper);
    const before = server.connections();
    const request = { method: "GET", endpoint: "machine", step: "approval" } as const;
    await keeper.with(async (session) => [await session.send(request), await session.send(request)]);
    expect(server.connections() - before).toBe(1);
  });

  it("takes 304 only where the request has a condition", async () => {
    const unchanged = at("machine", () => ({ status: 304, body: Buffer.alloc(0) }));
    const keeper = keeperOf(unchanged);
    const request = { method: "GET", endpoint: "machine", step: "approval" } as const;
    const conditional = { ...request, headers: { "if-none-match": '"1"' } };
    await expect(keeper.with((session) => session.send(conditional))).resolves.toMatchObject({ status: 304 });
    await expect(keeper.with((session) => session.send(request))).rejects.toMatchObject({
      code: "REGISTRATION_REDIRECTED",
    });
  });
});

describe("reporting", () => {
  interface Reported {
    readonly told: string[];
    readonly events: RegistrationEvent[];
    readonly sleeps: number[];
  }

  /** Ends after so many reports or sleeps. */
  async function report(script: Script, goesOn: boolean, stopAfter = 1): Promise<Reported> {
    const keeper = keeperOf(script);
    const stop = new AbortController();
    const reported: Reported = { told: [], events: [], sleeps: [] };
    const outside = {
      nowMs: () => nowMs,
      random: () => 1,
      sleep: async (delayMs: number, signal: AbortSignal) => {
        signal.throwIfAborted();
        nowMs += delayMs;
        if (reported.sleeps.push(delayMs) >= 20) stop.abort();
      },
    };
    await reportThrough(outside, keeper, {
      readReport: async () => REPORT,
      goesOn,
      signal: stop.signal,
      onEvent: (event) => void reported.events.push(event),
      onReported: ({ machine: { name } }) => {
        if (reported.told.push(name) >= stopAfter) stop.abort();
      },
    });
    return reported;
  }

  it("is one session and one report", async () => {
    await expect(report({}, false)).resolves.toMatchObject({ told: [MACHINE.name] });
    expect(steps()).toEqual([...ATTESTED, "report"]);
    expect(server.reports).toMatchObject([{ labels: { rack: "r1" } }] satisfies Partial<MachineReport>[]);
  });

  it("goes on in one session until the signal", async () => {
    const { told } = await report({}, true, 3);
    expect(told).toHaveLength(3);
    expect(steps()).toEqual([...ATTESTED, "report", "report", "report"]);
  });

  it("begins a new session where the old one has ended", async () => {
    const script: Script = {
      alter: (step, honest, count) => (step === "report" && count === 2 ? ended() : honest),
    };
    const { told } = await report(script, true, 2);
    expect(told).toHaveLength(2);
    expect(steps()).toEqual([...ATTESTED, "report", "report", ...ATTESTED, "report"]);
  });

  it("ends at once where the machine is not known and one report was asked for", async () => {
    const script = at("attest", () => refusal(404, "MACHINE_UNKNOWN", "there is no such machine"));
    await expect(report(script, false)).rejects.toMatchObject({
      code: "REGISTRATION_REFUSED",
      details: { serverCode: "MACHINE_UNKNOWN" },
    });
  });

  it.each([
    ["gone", "MACHINE_UNKNOWN", "REGISTRATION_REFUSED"],
    ["denied", "MACHINE_DENIED", "REGISTRATION_DENIED"],
  ])(
    "goes on slowly while the machine is %s, and reports when that was taken back",
    async (_what, serverCode, code) => {
      const script: Script = {
        alter: (step, honest, count) => (step === "attest" && count <= 6 ? refusal(403, serverCode, "no") : honest),
      };
      const { told, sleeps, events } = await report(script, true);
      expect(told).toEqual([MACHINE.name]);
      expect(sleeps.map((delayMs) => delayMs / MINUTE_MS)).toEqual([1, 2, 4, 8, 15, 15]);
      expect(events.map((event) => event.kind === "retry" && event.error.code)).toEqual(Array(6).fill(code));
    },
  );

  it("ends where the command line is wrong, also when it should go on", async () => {
    const keeper = sessionKeeper({ ...options(), trust: { kind: "ca", pem: "no certificate" } });
    const usage = { ...options(), goesOn: true, readReport: async () => REPORT, onReported: () => undefined };
    await expect(reportMachine(keeper, usage)).rejects.toMatchObject({ failure: "usage" });
  });
});
