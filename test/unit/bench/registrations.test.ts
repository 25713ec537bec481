import { describe, expect, it } from "vitest";
import { registrationCells, type RegistrationPlan } from "../../../bench/registration-cells.ts";
import { registrationsTable } from "../../../bench/registrations-table.ts";
import type { RegistrationFigures } from "../../../bench/sections/registrations.ts";
import { besideRaw, type ProtocolFigures, type Run } from "../../../bench/timed-load.ts";

const plan: RegistrationPlan = {
  listeners: ["http", "https"],
  residents: [0, 10_000],
  loads: [
    { inFlight: 1, machines: 300 },
    { inFlight: 50, machines: 1_200 },
  ],
  rounds: 3,
  warmUp: 3_000,
  goMachines: 600,
  smbios: { memoryModules: 16 },
};

describe("which registrations are measured", () => {
  it("lets the Go program take part where there is no TLS, with no more machines than it is meant to get", () => {
    const taking = registrationCells(plan, 10_000, true).map(({ listener, inFlight, machines, goMachines }) => [
      listener,
      inFlight,
      machines,
      goMachines,
    ]);
    expect(taking).toEqual([
      ["http", 1, 300, 300],
      ["http", 50, 1_200, 600],
      ["https", 1, 300, 0],
      ["https", 50, 1_200, 0],
    ]);
  });

  it("measures the same without it where Go is not there", () => {
    const cells = registrationCells(plan, 0, false);
    expect(cells).toHaveLength(4);
    expect(cells.every(({ goMachines }) => goMachines === 0)).toBe(true);
  });
});

function run(perSecond: number, latenciesMs: readonly number[]): Run {
  const costs = { operatorCpuMs: 3, controlPlaneCpuMs: 12, clientCpuMs: 2, writes: 2, operatorMb: 40 };
  return { perSecond, ...costs, latenciesMs };
}

describe("what several runs say", () => {
  it("takes the share of each round's raw rate, and then the one in the middle", () => {
    const raw = [run(50, []), run(240, []), run(100, [])];
    const figures = besideRaw([run(50, [1]), run(60, [2]), run(70, [9])], raw);
    // 100 %, 25 % and 70 %, and not the median of the rates over that of the raw rates.
    expect(figures.shareOfRaw).toBe(0.7);
    expect(figures.perSecond).toBe(60);
    expect(figures.latencyMs.p50).toBe(2);
  });
});

describe("the table of registrations", () => {
  const ours: ProtocolFigures = {
    perSecond: 99.5,
    operatorCpuMs: 4.84,
    controlPlaneCpuMs: 12.3,
    clientCpuMs: 1.93,
    writes: 1,
    operatorMb: 114.2,
    latencyMs: { p50: 92.9, p95: 173, p99: 209 },
    shareOfRaw: 0.6,
  };
  const found: RegistrationFigures = {
    listener: "http",
    residents: 0,
    inFlight: 10,
    machines: 1_200,
    rounds: 3,
    goMachines: 600,
    registrations: ours,
    attestations: { ...ours, writes: 2 },
    rawCreates: { ...ours, perSecond: 171 },
  };
  const report = { smbiosJsonBytes: 12_876, coldStart: { machines: 200, operatorCpuMs: 7.2 } };
  const rowsOf = (text: string): readonly (readonly string[])[] =>
    text
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .slice(2)
      .map((line) =>
        line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );

  it("says which operator is which, with its writes and its memory, and what the Go program is not", () => {
    const goRegistrations = {
      ...ours,
      perSecond: 61.2,
      operatorCpuMs: 3.21,
      writes: 2,
      operatorMb: 45.4,
      shareOfRaw: 0.36,
    };
    const text = registrationsTable({ ...report, figures: [{ ...found, goRegistrations }] });
    const rows = rowsOf(text);
    expect(rows.map(([operator, protocol]) => `${operator} ${protocol}`)).toEqual([
      "ours rancherd's",
      "Go rancherd's",
      "ours attestation",
    ]);
    expect(rows[1]).toEqual("Go,rancherd's,http,0,10,61.2,171,36 %,3.21,12.3,1.93,2.00,45.4,92.9,173,209".split(","));
    expect(rows[0]?.slice(8, 13)).toEqual(["4.84", "12.3", "1.93", "1.00", "114"]);
    expect(text).toMatch(/^Go is not the original/m);
  });

  it("does not speak of Go where it took no part", () => {
    const text = registrationsTable({ ...report, figures: [{ ...found, goMachines: 0 }] });
    expect(rowsOf(text)).toHaveLength(2);
    expect(text).not.toMatch(/\bGo\b/);
  });
});
