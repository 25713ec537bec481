/** Asks one endpoint after the other, mirrors first and the registry last, until one of them answers. */
import type { Endpoint } from "./endpoints.ts";
import { failureOfAll, type EndpointFailure } from "./failure-of-all.ts";

export interface Asked {
  readonly endpoint: Endpoint;
}

/**
 * @param all     at least one
 * @param signal  what fails once it is given ends the round
 * @throws what `failureOfAll` makes of all failures
 */
export async function askInTurn<One extends Asked, Answer>(
  all: readonly One[],
  signal: AbortSignal,
  ask: (one: One) => Promise<Answer>,
): Promise<Answer> {
  const failures: EndpointFailure[] = [];
  for (const one of all) {
    try {
      return await ask(one);
    } catch (error) {
      if (signal.aborted) throw error;
      const { host, mirrorOf } = one.endpoint;
      failures.push({ host, isMirror: mirrorOf !== undefined, error });
    }
  }
  const [first, ...others] = failures;
  if (first === undefined) throw new Error("an image has at least one endpoint");
  throw failureOfAll([first, ...others]);
}
