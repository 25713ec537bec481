/** How the agent finds the way to its service manager, and what the command line may say to it. */
import { describe, expect, it } from "vitest";

import { notifyWay, statusLine, watchdogIntervalMs } from "../../../src/service/notify-way.ts";
import { readControlAnswer, readControlRequest, refusalOf } from "../../../src/service/control-message.ts";

describe("the way to the service manager", () => {
  it.each([
    [{}, { kind: "none" }],
    [{ NOTIFY_SOCKET: "/run/systemd/notify" }, { kind: "program" }],
    [{ NOTIFY_SOCKET: "" }, { kind: "none" }],
    [
      { LISTEN_PID: "7", LISTEN_FDS: "1", LISTEN_FDNAMES: "notify" },
      { kind: "descriptor", descriptor: 3 },
    ],
    [
      { LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "a:notify" },
      { kind: "descriptor", descriptor: 4 },
    ],
    [{ LISTEN_PID: "8", LISTEN_FDS: "1", LISTEN_FDNAMES: "notify", NOTIFY_SOCKET: "/n" }, { kind: "program" }],
    [{ LISTEN_PID: "7", LISTEN_FDS: "0", LISTEN_FDNAMES: "notify" }, { kind: "none" }],
  ])("of %j is %j", (environment, way) => {
    expect(notifyWay(environment, 7)).toEqual(way);
  });

  it.each([
    [{ WATCHDOG_USEC: "30000000" }, 10_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 10_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "8" }, undefined],
    // Whoever hardly wants any: of a longer interval Node's timers make one of a millisecond.
    [{ WATCHDOG_USEC: "8640000000000000" }, 2_147_483_647],
    [{ WATCHDOG_USEC: "soon" }, undefined],
    [{}, undefined],
  ])("wants with %j a sign of life every %j ms", (environment, expected) => {
    expect(watchdogIntervalMs(environment, 7)).toBe(expected);
  });

  it("takes a status of one line, whatever is in the message", () => {
    expect(statusLine("Failed: a\nWATCHDOG=trigger")).toBe("STATUS=Failed: a WATCHDOG=trigger");
  });
});

describe("the control socket's lines", () => {
  it.each(["", "{", "[]", "{}", '{"command":"reboot"}', '{"command":7}', "null"])("%j is no request", (line) => {
    expect(readControlRequest(line)).toBeUndefined();
    expect(readControlAnswer(line)).toBeUndefined();
  });

  it("of a failure say its code and nothing else of it", () => {
    const answer = refusalOf(new Error("boom"));
    expect(readControlAnswer(JSON.stringify(answer))).toEqual({
      kind: "refused",
      code: "UPGRADE_DEFECT",
      message: "unexpected: boom",
    });
  });
});
