/** Events: one for a series, few writes in a flood, and nobody waits. */
import { KubernetesError } from "../../../src/controller/index.ts";
import { describe, expect, it } from "vitest";
import type { EventFact } from "../../../src/telemetry/event-object.ts";
import { createEventRecorder, type EventRequest } from "../../../src/telemetry/event-recorder.ts";

const MINUTE_MS = 60_000;

/** A recorder whose clock and API server the test holds in its hands. */
function workbench(answer: (request: EventRequest) => Promise<unknown> = async () => undefined) {
  const sent: EventRequest[] = [];
  const results: string[] = [];
  let nowMs = Date.UTC(2026, 0, 1);
  let made = 0;
  let sweep = (): void => undefined;
  const recorder = createEventRecorder({
    async send(request) {
      sent.push(request);
      return answer(request);
    },
    nowMs: () => nowMs,
    random: (bytes) => Buffer.alloc(bytes, (made += 1)),
    every(run) {
      sweep = run;
      return () => undefined;
    },
    instance: "operator-0",
    onWritten: (result) => void results.push(result),
    onTrouble: () => undefined,
  });
  return {
    recorder,
    sent,
    results,
    pass: async (ms: number): Promise<void> => {
      nowMs += ms;
      sweep();
      await settle();
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}

function refusal(name = "door", reason = "REGISTRATION_EXPIRED"): EventFact {
  const regarding = { kind: "MachineRegistration" as const, namespace: "fleet", name, uid: `uid-of-${name}` };
  return { regarding, type: "Warning", action: "Refuse", reason, note: "machine refused" };
}

function countOf(request: EventRequest | undefined): unknown {
  return (request?.body as { series?: { count?: unknown } } | undefined)?.series?.count;
}

describe("event recorder", () => {
  it("makes one Event, as the API server wants it", async () => {
    const { recorder, sent, results } = workbench();
    recorder.record(refusal());
    await settle();
    expect(sent).toEqual([
      {
        method: "POST",
        path: "/apis/events.k8s.io/v1/namespaces/fleet/events",
        timeoutMs: 5_000,
        body: {
          apiVersion: "events.k8s.io/v1",
          kind: "Event",
          metadata: { name: "door.0101010101010101", namespace: "fleet" },
          eventTime: "2026-01-01T00:00:00.000000Z",
          reportingController: "rancheros.cattle.io/operator",
          reportingInstance: "operator-0",
          action: "Refuse",
          reason: "REGISTRATION_EXPIRED",
          type: "Warning",
          note: "machine refused",
          regarding: {
            apiVersion: "rancheros.cattle.io/v1",
            kind: "MachineRegistration",
            namespace: "fleet",
            name: "door",
            uid: "uid-of-door",
          },
        },
      },
    ]);
    expect(results).toEqual(["written"]);
  });

  it("writes ten times at once of one reason, ten times a minute after that, and loses no count", async () => {
    const { recorder, sent, pass } = workbench();
    for (let time = 0; time < 5_000; time += 1) {
      recorder.record(refusal());
      await Promise.resolve();
    }
    await settle();
    const atOnce = sent.length;
    expect(atOnce).toBeLessThanOrEqual(10);
    for (let step = 0; step < 6; step += 1) {
      for (let time = 0; time < 1_000; time += 1) recorder.record(refusal());
      await pass(MINUTE_MS / 6);
    }
    expect(sent.length - atOnce).toBeLessThanOrEqual(11);
    expect(new Set(sent.slice(1).map((request) => request.method))).toEqual(new Set(["PATCH"]));
    await pass(MINUTE_MS);
    expect(countOf(sent.at(-1))).toBe(11_000);
  });

  it("bounds the writes of many objects together, and what it remembers of them", async () => {
    const { recorder, sent } = workbench();
    for (let name = 0; name < 5_000; name += 1) recorder.record(refusal(`door-${name}`));
    await settle();
    expect(sent.length).toBeLessThanOrEqual(25);
    expect(recorder.size).toBe(1_000);
  });

  it("begins a new series after six quiet minutes, and forgets the old one", async () => {
    const { recorder, sent, pass } = workbench();
    recorder.record(refusal());
    await pass(7 * MINUTE_MS);
    expect(recorder.size).toBe(0);
    recorder.record(refusal());
    await settle();
    expect(sent.map((request) => request.method)).toEqual(["POST", "POST"]);
  });

  it("makes an Event anew that has grown old at the API server", async () => {
    const gone = new KubernetesError("KUBERNETES_NOT_FOUND", "gone");
    const { recorder, sent } = workbench(async ({ method }) => {
      if (method === "PATCH") throw gone;
    });
    recorder.record(refusal());
    await settle();
    recorder.record(refusal());
    await settle();
    expect(sent.map((request) => request.method)).toEqual(["POST", "PATCH", "POST"]);
    expect(countOf(sent[2])).toBe(2);
  });

  it("goes on after a failure, and does not try the same write again", async () => {
    let failing = true;
    const { recorder, sent, results, pass } = workbench(async () => {
      if (failing) throw new KubernetesError("KUBERNETES_UNREACHABLE", "away");
    });
    recorder.record(refusal());
    await pass(MINUTE_MS);
    expect(results).toEqual(["failed"]);
    failing = false;
    recorder.record(refusal());
    await settle();
    expect(results).toEqual(["failed", "written"]);
    expect(sent.map(countOf)).toEqual([undefined, 2]);
  });

  it("writes one at a time, and takes notes while the API server is slow", async () => {
    let underway = 0;
    let most = 0;
    const { recorder, sent } = workbench(async () => {
      underway += 1;
      most = Math.max(most, underway);
      await new Promise(setImmediate);
      underway -= 1;
    });
    for (let name = 0; name < 5; name += 1) recorder.record(refusal(`door-${name}`));
    expect(sent.length).toBe(1);
    await recorder.stop();
    await settle();
    expect([most, sent.length]).toEqual([1, 1]);
  });

  it("cuts a long note between characters", async () => {
    const { recorder, sent } = workbench();
    recorder.record({ ...refusal(), note: "ü".repeat(2_000) });
    await settle();
    const { note } = (sent[0] as EventRequest).body as { note: string };
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_024);
    expect(note.startsWith("ü".repeat(500))).toBe(true);
  });
});

describe("events of one object and reason whose texts differ", () => {
  const SECOND_MS = 1_000;
  const told = (note: string): EventFact => ({ ...refusal(), note });
  const notesOf = (sent: readonly EventRequest[]) =>
    sent.filter(({ method }) => method === "POST").map(({ body }) => (body as { note: string }).note);

  it("are one Event for each text, with a count of its own", async () => {
    const { recorder, sent } = workbench();
    for (const note of ["one", "other", "one", "other", "other"]) {
      recorder.record(told(note));
      await settle();
    }
    expect(notesOf(sent)).toEqual(["one", "other"]);
    expect(sent.slice(2).map((request) => [request.path.slice(-16), countOf(request)])).toEqual([
      ["0101010101010101", 2],
      ["0202020202020202", 2],
      ["0202020202020202", 3],
    ]);
  });

  it("are combined beyond ten texts, and no count is lost", async () => {
    const { recorder, sent, pass } = workbench();
    for (let at = 0; at < 500; at += 1) {
      recorder.record(told(`machine ${at}`));
      await settle();
    }
    await pass(2 * MINUTE_MS);
    await pass(2 * MINUTE_MS);
    const notes = notesOf(sent);
    expect(notes.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, at) => `machine ${at}`));
    expect(notes.slice(10)).toEqual(["(combined from similar events): machine 499"]);
    expect(countOf(sent.at(-1))).toBe(490);
  });

  it("are told anew, with the text of the last one, every ten minutes, and are no flood", async () => {
    const { recorder, sent, pass } = workbench();
    for (let second = 0; second < 3_600; second += 10) {
      for (let at = 0; at < 10; at += 1) recorder.record(told(`machine ${second + at}`));
      await pass(10 * SECOND_MS);
    }
    expect(sent.length).toBeLessThanOrEqual(10 + 61);
    const notes = notesOf(sent);
    expect(notes.length).toBeGreaterThanOrEqual(10 + 5);
    expect(notes.length).toBeLessThanOrEqual(10 + 6);
    const last = Number(/^\(combined from similar events\): machine (\d+)$/.exec(notes.at(-1) ?? "")?.[1]);
    expect(last).toBeGreaterThan(3_600 - 11 * 60);
  });

  it("take turns, so that none of them stands still and all of them are told", async () => {
    const { recorder, sent, pass } = workbench();
    const HOUR = 60;
    for (let minute = 0; minute < HOUR; minute += 1) {
      for (let at = 0; at < 15; at += 1) recorder.record(told(`machine ${at}`));
      await settle();
      for (let part = 0; part < 6; part += 1) await pass(MINUTE_MS / 6);
    }
    const counts = new Map<string, number>();
    for (const { path, body } of sent) {
      const name = path.split("/").at(7) ?? (body as { metadata: { name: string } }).metadata.name;
      counts.set(name, (countOf({ body } as EventRequest) as number | undefined) ?? 1);
    }
    const [first10, combined] = [[...counts.values()].slice(0, 10), [...counts.values()].slice(10)];
    // Eleven share a write a minute.
    for (const count of first10) expect(count).toBeGreaterThan(HOUR - 13);
    expect(combined.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5 * (HOUR - 13));
  });

  it("take no more memory than others", async () => {
    const { recorder } = workbench();
    for (let door = 0; door < 300; door += 1) {
      for (let at = 0; at < 30; at += 1) recorder.record({ ...refusal(`door-${door}`), note: `machine ${at}` });
    }
    await settle();
    expect(recorder.size).toBeLessThanOrEqual(1_000);
    expect(recorder.size).toBeGreaterThan(900);
  });
});
