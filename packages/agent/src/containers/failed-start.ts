/** After a start that failed: nothing of it stays, and nothing goes that somebody else has started under the name. */
import type { Labels, RuntimeDriver, StartCall, StartOutcome } from "./driver.ts";
import { ContainerError } from "./errors.ts";
import { withCleanUp } from "./with-clean-up.ts";

/**
 * @returns where the name is taken: by what runs, whoever started it, or by what is not of this run
 * @throws ContainerError  the failure of the start; where something of it stays, with the reason for that too
 */
export async function afterFailedStart(
  driver: Pick<RuntimeDriver, "inspect" | "remove">,
  { spec, labels }: StartCall,
  failure: ContainerError,
): Promise<StartOutcome> {
  let isTaken = false;
  const tidy = async (): Promise<void> => {
    const left = await driver.inspect(spec.name);
    isTaken = left.kind === "running" || (left.kind !== "absent" && !isSame(left.labels, labels));
    if (!isTaken) await driver.remove(spec.name);
  };
  try {
    return await withCleanUp(() => Promise.reject(failure), tidy);
  } catch (error) {
    if (isTaken) return { kind: "name-taken", why: failure };
    throw error;
  }
}

/** @param words  of the runtime, which says that there is one of this name */
export function nameTaken(name: string, words: string): StartOutcome {
  const message = `the container ${name} is neither there nor can it be made, as its name does not become free: ${words}`;
  return {
    kind: "name-taken",
    why: new ContainerError("CONTAINER_LEFT_BEHIND", message, { details: { container: name } }),
  };
}

function isSame(found: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => found[key] === value);
}
