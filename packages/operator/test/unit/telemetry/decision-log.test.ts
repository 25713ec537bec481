/** One decision, told in three places. */
import { describe, expect, it } from "vitest";
import { createDecisionLog, type Decision } from "../../../src/telemetry/index.ts";

function decided(...decisions: readonly Decision[]) {
  const lines: unknown[] = [];
  const counted: unknown[] = [];
  const events: {
    readonly regarding: { readonly kind: string; readonly name: string };
    readonly reason: string;
    readonly note: string;
  }[] = [];
  const write =
    (level: string) =>
    (sentence: string, fields: object = {}) =>
      void lines.push(JSON.parse(JSON.stringify({ level, sentence, ...fields })));
  const decisionLog = createDecisionLog({
    log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
    reasons: new Set(["MACHINE_REGISTERED", "CHALLENGE_FAILED", "MACHINE_KNOWN", "MACHINE_PENDING", "INTERNAL"]),
    count: (labels, durationMs) => void counted.push({ ...labels, durationMs }),
    events: { record: (fact) => void events.push(fact) },
  });
  for (const decision of decisions) decisionLog.decide(decision);
  return {
    lines,
    counted,
    notes: events.map(({ note }) => note),
    events: events.map(({ regarding, reason }) => `${regarding.kind} ${regarding.name} ${reason}`),
  };
}

const registration = { namespace: "fleet", name: "door", uid: "1" };
const inventory = { namespace: "fleet", name: "m-1", uid: "2" };
const seen = { remote: "192.0.2.7", protocol: "legacy" as const };

describe("decide", () => {
  it("writes one line, one count and one Event for a refusal", () => {
    const refused = { ...seen, kind: "refused" as const, reason: "CHALLENGE_FAILED", sentence: "the answer is wrong" };
    expect(decided({ ...refused, ekHash: "ab", akName: "000b", registration, durationMs: 12.6 })).toEqual({
      lines: [
        {
          level: "warn",
          sentence: "machine refused",
          remote: "192.0.2.7",
          protocol: "legacy",
          ekHash: "ab",
          akName: "000b",
          registration: "fleet/door",
          durationMs: 13,
          result: "refused",
          reason: "CHALLENGE_FAILED",
          error: "the answer is wrong",
        },
      ],
      counted: [{ decision: "refused", reason: "CHALLENGE_FAILED", protocol: "legacy", durationMs: 12.6 }],
      events: ["MachineRegistration door CHALLENGE_FAILED"],
      notes: ["machine refused: the answer is wrong (endorsement key ab, from 192.0.2.7)"],
    });
  });

  it("tells of a machine at its inventory, where there is one", () => {
    const { events } = decided(
      { ...seen, kind: "admitted", reason: "MACHINE_REGISTERED", registration, inventory },
      { ...seen, kind: "pending", reason: "MACHINE_PENDING", registration, inventory },
      { ...seen, kind: "refused", reason: "CHALLENGE_FAILED", registration, inventory },
    );
    expect(events).toEqual([
      "MachineInventory m-1 MACHINE_REGISTERED",
      "MachineInventory m-1 MACHINE_PENDING",
      "MachineInventory m-1 CHALLENGE_FAILED",
    ]);
  });

  it("says which labels a machine did not get, in the line, and where it is let in in the Event", () => {
    const notAccepted = ["rack", "zone"];
    const known = { ...seen, kind: "known" as const, reason: "MACHINE_KNOWN", inventory };
    const { lines, notes } = decided(
      { ...seen, kind: "admitted", reason: "MACHINE_REGISTERED", inventory, ekHash: "ab", notAccepted },
      { ...known, notAccepted },
      { ...known, notAccepted: [] },
    );
    expect(lines).toMatchObject([{ notAccepted: "rack, zone" }, { notAccepted: "rack, zone" }, {}]);
    expect(lines[2]).not.toHaveProperty("notAccepted");
    expect(notes).toEqual([
      "machine admitted (endorsement key ab, from 192.0.2.7); its wishes for rack, zone are not accepted: acceptedLabels and acceptedAnnotations of its MachineRegistration do not name them",
    ]);
  });

  it("shows of very many keys, which a machine may send, the first ones", () => {
    const notAccepted = Array.from({ length: 64 }, (_, at) => `key${at}`);
    const { lines } = decided({ ...seen, kind: "known", reason: "MACHINE_KNOWN", notAccepted });
    expect(lines).toMatchObject([{ notAccepted: "key0, key1, key2, key3, key4, key5, key6, key7 and 56 more" }]);
  });

  it("makes no Event of returns, of who left, and of what is about no object", () => {
    const { events, counted } = decided(
      { ...seen, kind: "known", reason: "MACHINE_KNOWN", registration, inventory },
      { ...seen, kind: "left", reason: "SESSION_LEFT", registration },
      { ...seen, kind: "refused", reason: "CHALLENGE_FAILED" },
    );
    expect(events).toEqual([]);
    expect(counted.length).toBe(3);
  });

  it("lets no reason into the metrics that is not in a table", () => {
    const { counted, lines } = decided({ ...seen, kind: "refused", reason: "made up by a client" });
    expect(counted).toMatchObject([{ reason: "INTERNAL" }]);
    expect(lines).toMatchObject([{ reason: "made up by a client" }]);
  });
});
