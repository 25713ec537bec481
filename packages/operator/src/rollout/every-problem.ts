/** What is wrong with an image is said at once, and always in the same words: not what happened to be found first. */
import { RolloutError } from "./errors.ts";

function isRejected(one: PromiseSettledResult<unknown>): one is PromiseRejectedResult {
  return one.status === "rejected";
}

/**
 * Waits for all of them, as Promise.all does.
 * @throws the problem that was found; where there are several, a RolloutError with the code of the first that names each
 * of them in order, or what is no RolloutError and keeps the others from being known for sure
 */
export async function allOrEveryProblem<const All extends readonly Promise<unknown>[]>(
  all: All,
): Promise<{ -readonly [At in keyof All]: Awaited<All[At]> }> {
  const settled = await Promise.allSettled(all);
  const reasons: readonly unknown[] = settled.filter(isRejected).map(({ reason }) => reason as unknown);
  const problems = reasons.filter((reason) => reason instanceof RolloutError);
  const unknowable = all[settled.findIndex((one) => isRejected(one) && !(one.reason instanceof RolloutError))];
  if (unknowable !== undefined) await unknowable;
  const [first] = problems;
  if (first === undefined) return Promise.all(all);
  if (problems.length === 1) throw first;
  throw new RolloutError(first.code, problems.map(({ message }) => message).join("; "), { cause: first });
}
