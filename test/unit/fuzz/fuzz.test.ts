/** Whatever is sent, a reader answers with a coded error, soon. The nightly run feeds fifty times as much. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCodedError } from "@rancheros/protocol/errors";
import { anyCharacter } from "../../any-character.ts";
import { fuzz, type Finding, type FuzzReport } from "../../fuzz/fuzz.ts";
import { TARGETS, type FuzzTarget } from "../../fuzz/targets.ts";

const COUNT = 200_000;
/** Far from what it takes, on a machine that others use too. */
const TIMEOUT_MS = 240_000;

describe("every reader", () => {
  it(`answers ${COUNT} spoilt inputs with coded errors only, each within 50 ms`, { timeout: TIMEOUT_MS }, () => {
    const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 32);
    console.log(`fuzzing with seed ${seed}: FUZZ_SEED=${seed} gives the same inputs`);
    const report = fuzz({ targets: TARGETS, count: COUNT, seed });
    expect(report.findings).toEqual([]);
    expect(report.inputs).toBe(COUNT);
    const shares = report.targets.map((target) => target.inputs);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(500);
    // Mutators that spoil everything would test the first check of a reader only.
    const never = report.targets.filter((target) => target.accepted === 0).map((target) => target.name);
    expect(never).toEqual([]);
  });

  it.each(TARGETS)("$name answers what fast-check thinks of", (target) => {
    const odd = fc.oneof(
      fc.uint8Array({ maxLength: 2_000 }),
      fc.json({ maxDepth: 12 }).map((text) => Buffer.from(text)),
      fc.string({ unit: anyCharacter, maxLength: 500 }).map((text) => Buffer.from(text)),
    );
    const property = fc.property(odd, (bytes) => {
      try {
        target.read(Buffer.from(bytes));
        return true;
      } catch (error) {
        return isCodedError(error) && error.failure !== "internal";
      }
    });
    const { failed, counterexample, seed } = fc.check(property, { numRuns: 300 });
    expect({ failed, counterexample, seed }).toMatchObject({ failed: false });
  });

  it.each(TARGETS)("$name takes the inputs that are valid", (target) => {
    const refused = target.vectors.map((vector) => {
      try {
        target.read(vector);
        return undefined;
      } catch (error) {
        return isCodedError(error) ? error.code : String(error);
      }
    });
    // The verifier's other vectors are of other keys: they belong to another EK's attestation.
    expect(target.name.startsWith("verifier") ? refused.slice(0, 1) : refused).not.toContainEqual(expect.any(String));
  });
});

describe("the fuzzing itself", () => {
  function run(read: FuzzTarget["read"], count = 2_000): FuzzReport {
    return fuzz({ targets: [{ name: "planted", vectors: [Buffer.from("0123456789")], read }], count, seed: 1 });
  }
  const whats = (report: FuzzReport): readonly string[] => [
    ...new Set(report.findings.map(({ what }) => what.replace(/ \d+ ms/, " long").split("\n")[0] ?? "")),
  ];

  it("finds an error that has no code", () => {
    const report = run((input) => Buffer.from([input.readUInt8(9)]) && undefined);
    expect(whats(report)[0]).toMatch(/^threw no error of the other side: RangeError/);
  });

  it("finds a reader that is slow for some inputs", () => {
    const report = run((input) => {
      const start = process.threadCpuUsage();
      while (input.length === 5 && process.threadCpuUsage(start).user < 60_000);
      return undefined;
    }, 100);
    expect(whats(report)).toEqual(["took long"]);
  });

  it("finds two inputs of one meaning, and a reader that writes into its input", () => {
    expect(whats(run((input) => input.subarray(0, 9)))).toEqual(["reads as another input"]);
    expect(whats(run((input) => input.fill(0) && undefined))).toEqual(["changed its input"]);
  });

  it("tells of each finding when it comes: who ends it by Ctrl-C has them", () => {
    const told: string[] = [];
    const read = (input: Buffer): undefined => void input.fill(0);
    const end = new Error("ended by Ctrl-C");
    const onFinding = ({ what }: Finding): never => {
      told.push(what);
      throw end;
    };
    const target: FuzzTarget = { name: "planted", vectors: [Buffer.from("0123456789")], read };
    expect(() => fuzz({ targets: [target], count: 2_000, seed: 1, onFinding })).toThrow(end);
    expect(told).toEqual(["changed its input"]);
  });

  it("gives the same inputs for the same seed", () => {
    const inputs = (seed: number) => {
      const seen: string[] = [];
      const read = (input: Buffer): undefined => void seen.push(input.toString("hex"));
      fuzz({ targets: [{ name: "planted", vectors: [Buffer.from("0123456789")], read }], count: 500, seed });
      return seen;
    };
    expect(inputs(7)).toEqual(inputs(7));
    expect(inputs(7)).not.toEqual(inputs(8));
  });
});
