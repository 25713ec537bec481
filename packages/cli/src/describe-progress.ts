/** What a registration says while it is under way. */
import { STEP_WORDS, type RegistrationEvent } from "@rancheros/agent/registration";

/** @returns one remark for stderr */
export function describeProgress(event: RegistrationEvent): string {
  if (event.kind === "step") {
    const words = STEP_WORDS[event.step];
    const sentence = words.charAt(0).toUpperCase() + words.slice(1);
    return event.step === "connect" ? `${sentence} at ${event.server}` : sentence;
  }
  if (event.kind === "pending") {
    return `This machine is ${event.machine}, and waits for approval. To approve it:\n  ${event.approve}`;
  }
  if (event.kind === "gave-up") {
    return `Gave up after ${event.attempts} attempts in ${(event.afterMs / 1000).toFixed(0)} s`;
  }
  if (event.kind === "ca-learned")
    return `The operator has told of its CA: it is in ${event.path}, and trusted from now on`;
  if (event.kind === "ca-not-learned") {
    const { message, code, mend } = event.error;
    return `The operator's CA is not kept: ${message} (${code}). ${mend}`;
  }
  const { error, delayMs } = event;
  return `${error.message} (${error.code}); trying again in ${(delayMs / 1000).toFixed(1)} s`;
}
