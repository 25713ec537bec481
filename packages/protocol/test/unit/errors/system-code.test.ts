import { readdir, readFile, readlink } from "node:fs/promises";
import { describe, expect, it } from "vitest";

import { isAbsent, systemCode } from "../../../src/errors/index.ts";

const failureOf = (work: () => Promise<unknown>): Promise<unknown> =>
  work().then(
    () => "did not fail",
    (cause: unknown) => cause,
  );

describe("systemCode", () => {
  it.each([
    [() => readFile("/nonexistent"), "ENOENT", true],
    [() => readdir("/proc/self/cmdline"), "ENOTDIR", true],
    [() => readFile("/"), "EISDIR", false],
    [() => readlink("/"), "EINVAL", false],
  ] as const)("is what the kernel says: %# %s", async (work, code, absent) => {
    const failure = await failureOf(work);
    expect([systemCode(failure), isAbsent(failure)]).toEqual([code, absent]);
  });

  it.each([
    [undefined],
    ["ENOENT"],
    [{ code: "ENOENT" }],
    [new Error("ENOENT")],
    [Object.assign(new Error(), { code: 2 })],
  ])("is none of %j", (cause) => {
    expect([systemCode(cause), isAbsent(cause)]).toEqual(["", false]);
  });
});
