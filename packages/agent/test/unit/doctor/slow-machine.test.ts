/** A machine that is slow and well is not told to be broken; one that is broken is, however fast it says so. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { CheckName } from "../../../src/doctor/check-names.ts";
import { createCheckup, NOTHING } from "../../../src/doctor/checkup.ts";
import type { DoctorOutside } from "../../../src/doctor/doctor-outside.ts";
import { examineThrough } from "../../../src/doctor/examine.ts";
import { parseUnits } from "../../../src/doctor/judge-services.ts";
import type { OperatorTarget } from "../../../src/doctor/operator-target.ts";
import { ok } from "../../../src/doctor/verdict.ts";
import type { KubernetesClient } from "../../../src/kubernetes/index.ts";
import type { OperatorProbe } from "../../../src/registration/index.ts";
import { createSoftwareMachine } from "../registration/software-machine.ts";
import { never, silentMachine } from "./silent-machine.ts";

const after = <T>(seconds: number, value: T): Promise<T> =>
  new Promise((resolve) => setTimeout(() => resolve(value), seconds * 1000));

const PROBE: OperatorProbe = {
  display: "https://operator.test",
  url: new URL("https://operator.test/v1/register/token"),
  hasToken: true,
  proxy: undefined,
  readTrust: () => Promise.resolve({ ca: undefined, proxyCa: undefined, hasLearned: false }),
  greet: () => Promise.resolve({ protocol: 2, hasTls: true }),
  readClock: () => Promise.resolve(undefined),
};
const TARGET: OperatorTarget = {
  kind: "known",
  from: "the command line",
  options: { url: PROBE.url.href, allowHttp: false, trust: { kind: "system" }, environment: {} },
};

const AGENT = "Id=ros-agent.service\nLoadState=loaded\nActiveState=active\nSubState=running\n";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** @returns the outcome of a check with its code, as `warn DOCTOR_TPM_SLOW` */
async function short(name: CheckName, change: Partial<DoctorOutside>): Promise<string> {
  const reachable = { probeOperator: () => PROBE, lookUp: () => Promise.resolve(["192.0.2.1"]) };
  const examining = examineThrough(
    { ...silentMachine(), ...reachable, ...change },
    {
      names: [name],
      target: TARGET,
      ekAuthorities: undefined,
      spentMs: 0,
      onTpmBusy: () => undefined,
      signal: new AbortController().signal,
    },
  );
  for (let second = 0; second < 30; second++) await vi.advanceTimersByTimeAsync(1_000);
  const { findings } = await examining;
  const { outcome, code } = findings.find(({ check }) => check === name) ?? {};
  return `${outcome} ${code ?? "-"}`;
}

describe("a slow TPM", () => {
  it("may be busy for long with what another program has asked it for", async () => {
    const state = await silentMachine().readTpmState(new AbortController().signal);
    expect(await short("tpm", { readTpmState: () => after(10, state) })).toBe("ok -");
  });

  it("that never answers has failed", async () => {
    expect(await short("tpm", { readTpmState: never })).toBe("fail TPM_TIMED_OUT");
  });

  it("is no operator that is silent while it challenges the machine's keys", async () => {
    const { tpm } = createSoftwareMachine();
    const slow = { ...tpm, activateCredential: () => after(25, new Uint8Array()) };
    const key = await tpm.createAttestationKey({ qualifyingData: new Uint8Array() });
    const checkRegistration: DoctorOutside["checkRegistration"] = async ({ openTpm }) => {
      await (await openTpm()).activateCredential(key, new Uint8Array(), new Uint8Array());
      return { ok: true, steps: [], error: undefined };
    };
    const openTpm = () => Promise.resolve(slow);
    expect(await short("attestation", { openTpm, checkRegistration })).toBe("warn DOCTOR_TPM_SLOW");
    expect(await short("attestation", { checkRegistration: never })).toBe("fail REGISTRATION_TIMED_OUT");
  });
});

describe("name servers of which the first one is away", () => {
  it("are told to be slow, and the operator is asked all the same", async () => {
    const lookUp = () => after(5, ["192.0.2.1"]);
    expect(await short("dns", { lookUp })).toBe("warn DOCTOR_DNS_SLOW");
    const greet = () => after(6, { protocol: 2, hasTls: true });
    expect(await short("operator", { lookUp, probeOperator: () => ({ ...PROBE, greet }) })).toBe("ok -");
  });
});

it("an API server that takes four seconds for an answer is asked for both that its node needs", async () => {
  const node = { metadata: { name: "n1" }, status: { conditions: [{ type: "Ready", status: "True" }] } };
  const client: KubernetesClient = {
    host: "api.test",
    kubeconfigPath: "/etc/kubernetes/admin.conf",
    identity: { kind: "other", userName: "admin" },
    send: () => after(4, node),
    serverMs: () => 0,
    close: () => undefined,
  };
  const connectKubernetes = () => Promise.resolve(client);
  expect(await short("own-node", { connectKubernetes, ownNodeName: () => after(4, "n1") })).toBe("ok -");
});

describe("programs that take their time to start", () => {
  it.each<[CheckName, Partial<DoctorOutside>]>([
    ["services", { readUnits: () => after(8, parseUnits(AGENT, 0)) }],
    ["watchdog", { readWatchdog: () => after(8, { devices: [], fedSeconds: undefined }) }],
    [
      "container-runtime",
      {
        findRuntime: () =>
          Promise.resolve({
            kind: "found",
            looks: [],
            runtime: {
              kind: "podman",
              origin: "system",
              program: ["/usr/bin/podman"],
              socket: undefined,
              namespace: undefined,
              snapshotter: undefined,
            },
          }),
        askRuntime: () => after(8, undefined),
      },
    ],
  ])("are waited for by the check of %s", async (name, change) => {
    expect(await short(name, change)).toBe("ok -");
  });
});

it("systemd that answers nothing is no machine without systemd", async () => {
  const readUnits = () => Promise.resolve(undefined);
  expect(await short("services", { readUnits })).toBe("fail DOCTOR_SYSTEMD_SILENT");
  expect(await short("services", { readUnits, isSystemdBooted: () => false })).toBe("skipped -");
});

it("a check for which what it needs has left too little time says so, and has not failed", async () => {
  vi.useRealTimers();
  const signal = new AbortController().signal;
  let nowMs = 0;
  const made = createCheckup({ limitMs: 400, signal, nowMs: () => nowMs });
  const slow = async (): Promise<ReturnType<typeof ok>> => {
    nowMs = 200;
    return ok("answers");
  };
  const tpm = made.add("tpm", { needs: NOTHING, run: slow });
  made.add("clock", { needs: tpm, run: never });
  const { ok: isWell, findings } = await made.run(["clock"]);
  expect(isWell).toBe(true);
  expect(findings.at(-1)).toMatchObject({ check: "clock", outcome: "warn", code: "DOCTOR_NO_TIME_LEFT" });
  expect(findings.at(-1)?.sentence).toContain("within 0.2 s");
});
