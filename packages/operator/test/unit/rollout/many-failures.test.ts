/** A rollout on whose machines more went wrong than its status can list. */
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import type { Phase } from "@rancheros/protocol/upgrade";
import { describe, expect, it } from "vitest";
import { decide } from "../../../src/rollout/decide.ts";
import { RolloutIndex } from "../../../src/rollout/rollout-index.ts";
import type { RolloutMachine } from "../../../src/rollout/rollout-machine.ts";
import { standingOf } from "../../../src/rollout/standing.ts";
import { FAILURES_LISTED_MAX } from "../../../src/rollout/tally.ts";
import { viewOf } from "../../../src/rollout/view-of.ts";
import { digestPinned } from "./digest-pinned.ts";
import { plainMachine } from "./plain-machine.ts";

const NOW_MS = Date.parse("2030-01-01T12:00:00Z");
const AT = "2030-01-01T11:00:00Z";

interface Failed {
  readonly name: string;
  /** Of its last word, on the try that failed. */
  readonly phase: Phase;
  /** Text of its annotation: with "x" the try was made that failed. */
  readonly retry?: string;
  readonly isElsewhere?: boolean;
  /** Holds its slot still: nobody has written down that it failed. */
  readonly isNews?: boolean;
}

function machineOf({ name, phase, retry, isElsewhere }: Failed, plan: string, attempt: number): RolloutMachine {
  const times = { sinceMs: NOW_MS, heardMs: NOW_MS, reason: "WHY", message: undefined };
  const upgrade = { image: "os", plan, attempt, phase, ...times };
  const { rollout, ...machine } = plainMachine({ name, uid: name, upgrade });
  return { ...machine, rollout: { ...rollout, retry, labels: isElsewhere === true ? {} : { pool: "web" } } };
}

/** As it is decided where one of a thousand machines asks that has failed nowhere, or another one. */
function decisionWith(failed: readonly Failed[], asking = "well0") {
  const index = new RolloutIndex({ chosen: () => new Set(), unclear: () => undefined });
  const object: ManagedOSImage = {
    metadata: { name: "os", namespace: "fleet-local", uid: "i", resourceVersion: "1", generation: 1 },
    spec: {
      osImage: "r.example.com/os:v2",
      nodeSelector: { matchLabels: { pool: "web" } },
      concurrency: 1_000,
      failureBudget: "50%",
    },
  };
  const pinned = digestPinned(object, index);
  const { plan = "" } = pinned.status ?? {};
  const named = failed.map(({ name, isNews }, at) => ({
    isNews,
    about: { machine: name, uid: name, attempt: at + 1, retry: "x" },
  }));
  const failures = named.filter(({ isNews }) => isNews !== true).map(({ about }) => ({ ...about, time: AT }));
  const held = named.filter(({ isNews }) => isNews === true);
  const slots = held.map(({ about }) => ({ ...about, cluster: "local", plan, grantedAt: AT }));
  index.putImage({ ...pinned, status: { ...pinned.status, attempts: 5_000, failures, slots } });
  failed.forEach((one, at) => index.putMachine(machineOf(one, plan, at + 1)));
  for (let at = 0; at < 1_000 - failed.length; at += 1) {
    const { rollout, ...machine } = plainMachine({ name: `well${at}`, uid: `well${at}` });
    index.putMachine({ ...machine, rollout: { ...rollout, labels: { pool: "web" } } });
  }
  const image = index.image("fleet-local/os");
  const candidate = index.machine(asking);
  if (image === undefined || candidate === undefined) throw new Error("the scene is wrong");
  const view = viewOf(index, image, NOW_MS, true);
  const { halted } = standingOf(view, NOW_MS).gate;
  return { halted, ...decide(view, [{ machine: candidate.machine, cluster: "local" }], NOW_MS) };
}

const so = (count: number, more: Omit<Failed, "name">, prefix = "m"): readonly Failed[] =>
  Array.from({ length: count }, (_, at) => ({ name: `${prefix}${at}`, ...more }));

const MOST = FAILURES_LISTED_MAX;
const LOCKED = `${MOST} machines failed, with ${MOST} a rollout halts whatever failureBudget allows`;

describe("a rollout of which as many failures are listed as there is room for", () => {
  it("halts whatever its budget allows, and says so", () => {
    const { halted, refused, status } = decisionWith(so(MOST, { phase: "Failed" }));
    expect(halted).toContain(LOCKED);
    expect(refused.get("well0")).toEqual({ reason: "Halted", message: halted });
    expect(status).toMatchObject({ state: "Halted", failed: MOST });
    expect(decisionWith(so(MOST - 1, { phase: "Failed" }))).toMatchObject({ halted: undefined, granted: [{}] });
  });

  it.each([
    ["are to try again", { phase: "Failed", retry: "y" }, "m0"],
    ["are not its own any more", { phase: "Failed", isElsewhere: true }, "well0"],
  ] as const)("goes on where its machines %s", (_, more, asking) => {
    const { halted, granted, status } = decisionWith(so(MOST, more), asking);
    expect(halted).toBeUndefined();
    expect(granted).toMatchObject([{ machine: asking }]);
    expect(status).toMatchObject({ state: "Progressing", failed: 0 });
  });

  it("goes on as soon as one of them is to try again", () => {
    const [first, ...others] = so(MOST, { phase: "Failed" });
    const failed = [...others, ...(first === undefined ? [] : [{ ...first, retry: "y" }])];
    expect(decisionWith(failed, "m0")).toMatchObject({ halted: undefined, granted: [{ machine: "m0" }] });
  });
});

describe("a failure for which there is no room", () => {
  it("takes that of one that does not count any more, else of one that says itself that it failed", () => {
    const silent = so(50, { phase: "Draining" }, "silent");
    const again = so(1, { phase: "Failed", retry: "y" }, "again");
    const failed = so(149, { phase: "Failed" });
    const news = so(2, { phase: "Idle", isNews: true }, "news");
    const { status } = decisionWith([...silent, ...failed, ...again, ...news]);
    const listed = (status.failures ?? []).map(({ machine }) => machine);
    const names = [...silent, ...failed.slice(1), ...news].map(({ name }) => name);
    expect(listed).toEqual(names);
    expect(status).toMatchObject({ state: "Halted", failed: 201, slots: [] });
  });
});
