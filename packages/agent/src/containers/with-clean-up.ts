/** Work that leaves something behind that has to be put in order: of two failures neither hides the other. */
import { ContainerError } from "./errors.ts";

/** @throws what the work threw, what the clean-up threw, or both in one, with the code of the first */
export async function withCleanUp<T>(work: () => Promise<T>, cleanUp: () => Promise<void>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (first) {
    try {
      await cleanUp();
    } catch (second) {
      throw bothFailed(first, second);
    }
    throw first;
  }
  await cleanUp();
  return result;
}

/** @param second  what went wrong while the first was put in order */
function bothFailed(first: unknown, second: unknown): Error {
  const both = new AggregateError([first, second]);
  if (!(first instanceof ContainerError)) return both;
  const why = second instanceof Error ? second.message : String(second);
  const message = `${first.message}; and what is left of it stays: ${why}`;
  return new ContainerError(first.code, message, { cause: both, details: first.details });
}
