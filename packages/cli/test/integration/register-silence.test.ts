/** `ros-agent register` where the server says nothing, or nothing yet, and where somebody loses patience. */
import { createServer } from "node:net";
import { writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { residue } from "../../../../test/swtpm/index.ts";
import { listen } from "./listen.ts";
import { HONEST_PAGES, PATH, portOf } from "./registration-server.ts";
import { errorOf, rosAgent, startRosAgent } from "./ros-agent.ts";
import { expectFailure, openWorkplace, type Workplace } from "./workplace.ts";

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace({ withEkCertificate: true });
});

afterAll(async () => {
  await place.close();
});

beforeEach(() => {
  place.server.play({ pages: HONEST_PAGES });
});

describe("silence", () => {
  const forever = (): Promise<void> => new Promise(() => undefined);
  /** As long as a visit takes on this machine right now, its program's start included: enough for the steps before the silence. */
  let enough: string;

  beforeAll(async () => {
    place.server.play({ pages: HONEST_PAGES });
    const beganMs = performance.now();
    const { code, stderr } = await rosAgent(["register", place.url, ...place.usual, "--output", await place.output()]);
    expect(code, stderr).toBe(0);
    enough = `${Math.ceil(500 + 1.5 * (performance.now() - beganMs))}ms`;
  });

  it("after the connection was made", async () => {
    const server = await listen(createServer());
    await expectFailure(place, [`https://localhost:${portOf(server)}${PATH}`, ...place.usual, "--timeout", "500ms"], {
      exitCode: 6,
      code: "REGISTRATION_TIMED_OUT",
      says: "0.5 s",
      details: { step: "connect" },
      retry: "backoff",
    });
    server.close();
  });

  it("in place of the challenge", async () => {
    place.server.play({ visit: forever });
    await expectFailure(place, [place.url, ...place.usual, "--timeout", enough], {
      exitCode: 6,
      code: "REGISTRATION_TIMED_OUT",
      details: { step: "challenge" },
    });
  });

  it("in place of the configuration", async () => {
    place.server.play({
      visit: async ({ challenge }) => {
        await challenge();
        await forever();
      },
    });
    await expectFailure(place, [place.url, ...place.usual, "--timeout", enough], {
      exitCode: 6,
      code: "REGISTRATION_TIMED_OUT",
      details: { step: "config" },
    });
  });

  it("while the pinned CA is fetched", async () => {
    const server = await listen(createServer());
    const url = `https://localhost:${portOf(server)}${PATH}`;
    await expectFailure(place, [url, ...place.machine, "--ca-sha256", "0".repeat(64), "--timeout", "500ms"], {
      exitCode: 6,
      code: "REGISTRATION_TIMED_OUT",
      details: { step: "trust" },
    });
    server.close();
  });
});

describe("--wait", () => {
  it("tries again when the server asked to come back, not earlier than it said", async () => {
    place.server.play({
      refuse: (_request, number) =>
        number === 1 ? { status: 503, body: "not ready", headers: { "retry-after": "1" } } : undefined,
    });
    const startedMs = performance.now();
    const { code, stderr } = await rosAgent(["register", place.url, ...place.usual, "--wait", "30s"]);
    expect(code, stderr).toBe(0);
    expect(performance.now() - startedMs).toBeGreaterThan(1_000);
    expect(stderr).toContain("trying again in");
    expect(place.server.dials).toHaveLength(2);
  });

  it("does not begin a wait that is longer than it may be", async () => {
    place.server.play({ refuse: () => ({ status: 503, body: "", headers: { "retry-after": "60" } }) });
    const flags = ["--wait", "5s"];
    await expectFailure(place, [place.url, ...place.usual, ...flags], { exitCode: 5, code: "REGISTRATION_TRY_LATER" });
    expect(place.server.dials).toHaveLength(1);
  });

  it("does not repeat what cannot go well", async () => {
    place.server.play({ refuse: () => ({ status: 401, body: "no" }) });
    const flags = ["--wait", "30s"];
    await expectFailure(place, [place.url, ...place.usual, ...flags], { exitCode: 5, code: "REGISTRATION_REFUSED" });
    expect(place.server.dials).toHaveLength(1);
  });
});

describe("Ctrl-C", () => {
  afterEach(async () => {
    expect(await residue(place.tpm.tcti)).toMatchObject({ transient: [], loadedSession: [], savedSession: [] });
  });

  it("while the server is silent: cleans up and ends with 130", async () => {
    const output = await place.output();
    const dialled = new Promise<void>((resolve) => {
      place.server.play({
        visit: async () => {
          resolve();
          await new Promise(() => undefined);
        },
      });
    });
    const running = startRosAgent(["register", place.url, ...place.usual, "--output", output, "--json"]);
    await dialled;
    running.child.kill("SIGINT");
    const outcome = await running.outcome;
    expect(outcome.code).toBe(130);
    expect(errorOf(outcome)["code"]).toBe("REGISTRATION_INTERRUPTED");
    await expect(writeFile(output, "", { flag: "wx" })).resolves.toBeUndefined();
  });

  it("while waiting for the next attempt", async () => {
    const dialled = new Promise<void>((resolve) => {
      place.server.play({
        refuse: () => {
          resolve();
          return { status: 503, body: "", headers: { "retry-after": "20" } };
        },
      });
    });
    const running = startRosAgent(["register", place.url, ...place.usual, "--wait", "2m", "--json"]);
    await dialled;
    setTimeout(() => running.child.kill("SIGTERM"), 300);
    const outcome = await running.outcome;
    expect(outcome.code).toBe(130);
    expect(errorOf(outcome)["code"]).toBe("REGISTRATION_INTERRUPTED");
  });
});
