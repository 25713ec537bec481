/** One part of a cloud-config that fails is told, and keeps the machine from none of the others. */
import { isCodedError } from "@rancheros/protocol/errors";

/**
 * @param problems  get the sentence of what failed
 * @param subject   stands before the sentence where that does not name it
 * @throws what is none of this project's errors, and what ends the whole
 */
export async function attempt(problems: string[], work: () => Promise<unknown>, subject?: string): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isCodedError(error) || error.failure === "interrupted") throw error;
    problems.push(subject === undefined ? error.message : `${subject}: ${error.message}`);
  }
}
