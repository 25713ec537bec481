import { describe, expect, it } from "vitest";
import { RolloutError } from "../../../src/rollout/errors.ts";
import { allOrEveryProblem } from "../../../src/rollout/every-problem.ts";

const missing = (name: string): RolloutError =>
  new RolloutError("ROLLOUT_REFERENCE_MISSING", `there is no Secret default/${name}`);

async function later(problem: Error, turns: number): Promise<never> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  throw problem;
}

describe("allOrEveryProblem", () => {
  it("gives what all of them give, each in its place", async () => {
    const all = await allOrEveryProblem([Promise.resolve(1), Promise.resolve("two")]);
    expect(all).toEqual([1, "two"]);
  });

  it("throws the one problem as it is", async () => {
    const problem = missing("a");
    await expect(allOrEveryProblem([Promise.resolve(1), later(problem, 2)])).rejects.toBe(problem);
  });

  it("names all problems in order, whichever was found first", async () => {
    for (const [a, b] of [
      [1, 9],
      [9, 1],
    ] as const) {
      await expect(allOrEveryProblem([later(missing("a"), a), later(missing("b"), b)])).rejects.toMatchObject({
        code: "ROLLOUT_REFERENCE_MISSING",
        message: "there is no Secret default/a; there is no Secret default/b",
      });
    }
  });

  it("throws what keeps the others from being known, before any problem", async () => {
    const away = new Error("the API server is away");
    await expect(allOrEveryProblem([later(missing("a"), 1), later(away, 3)])).rejects.toBe(away);
  });
});
