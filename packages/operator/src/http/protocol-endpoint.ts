/** The endpoints of the attestation protocol: which step a request asks for, and how it ended. */
import { PROTOCOL_PATH, REQUEST_MAX_BYTES } from "@rancheros/protocol/attestation";
import { errorFields } from "../telemetry/index.ts";
import type { Answer } from "./answer.ts";
import { SessionError } from "./errors.ts";
import { BODY_PARTS_MAX } from "./limits.ts";
import { admit } from "./protocol-answer.ts";
import { challenge, giveNonce } from "./protocol-attest.ts";
import type { ProtocolParts, Trace } from "./protocol-parts.ts";
import { jsonAnswer, protocolRefusal } from "./protocol-refusal.ts";
import { showPlan, takeStatus } from "./protocol-plan.ts";
import { showMachine, takeReport } from "./protocol-session.ts";
import { pathOf } from "./route.ts";
import { within } from "./session-gate.ts";
import { createUsedChallenges } from "./used-challenges.ts";

/** A request, as far as the protocol's requests say anything. */
export interface ProtocolRequest {
  readonly method: string;
  readonly target: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** Empty where there was none, or none that is wanted; or larger than REQUEST_MAX_BYTES; or more of them at one time than are held. */
  readonly body: Buffer | "too large" | "too many";
  readonly remoteAddress: string | undefined;
}

export interface ProtocolEndpoint {
  /** Never rejects. */
  answer(request: ProtocolRequest): Promise<Answer>;
}

const METHODS = {
  nonce: "POST",
  attest: "POST",
  answer: "POST",
  machine: "GET",
  report: "PUT",
  plan: "GET",
  status: "PUT",
} as const;
type Step = keyof typeof METHODS;
const STEPS: readonly Step[] = ["nonce", "attest", "answer", "machine", "report", "plan", "status"];

/** Whether the request belongs to the attestation protocol, however wrong it is. */
export function isProtocolTarget(target: string): boolean {
  return pathOf(target).startsWith(`${PROTOCOL_PATH}/`);
}

/** The step that a request asks for, whatever becomes of it. */
export function stepWord(target: string): Step | "unknown" {
  return STEPS.find((one) => pathOf(target) === `${PROTOCOL_PATH}/${one}`) ?? "unknown";
}

/** @throws SessionError ENDPOINT_UNKNOWN */
function stepOf(target: string): Step {
  const path = pathOf(target);
  const step = STEPS.find((one) => path === `${PROTOCOL_PATH}/${one}`);
  if (step !== undefined) return step;
  throw new SessionError("ENDPOINT_UNKNOWN", `machines are served at ${PROTOCOL_PATH}/{${STEPS.join(",")}}`);
}

/** @throws SessionError METHOD_NOT_ALLOWED, SESSION_TOO_MANY, REQUEST_TOO_LARGE, CONTENT_TYPE_UNSUPPORTED */
function bodyOf(request: ProtocolRequest, step: Step): Buffer {
  const method = METHODS[step];
  if (request.method !== method) throw new SessionError("METHOD_NOT_ALLOWED", `only ${method} is served here`);
  if (request.body === "too many") {
    throw new SessionError("SESSION_TOO_MANY", "too many machines send at this moment, try again");
  }
  if (request.body === "too large") {
    const most = `${REQUEST_MAX_BYTES} bytes, in at most ${BODY_PARTS_MAX} pieces`;
    throw new SessionError("REQUEST_TOO_LARGE", `a request has at most ${most}`);
  }
  if (method !== "GET" && !/^application\/json\s*(;|$)/i.test(request.contentType ?? "")) {
    throw new SessionError("CONTENT_TYPE_UNSUPPORTED", "the content type must be application/json");
  }
  return request.body;
}

export function createProtocolEndpoint(parts: ProtocolParts): ProtocolEndpoint {
  const used = createUsedChallenges();

  async function run(step: Step, body: Buffer, request: ProtocolRequest, trace: Trace): Promise<Answer> {
    parts.assertReady();
    const { authorization, ifNoneMatch } = request;
    if (step === "nonce") return jsonAnswer(200, giveNonce(parts, body));
    if (step === "machine") return jsonAnswer(200, await showMachine(parts, authorization, trace));
    if (step === "attest") return jsonAnswer(200, await within(parts.gates.steps, () => challenge(parts, body, trace)));
    if (step === "answer")
      return jsonAnswer(200, await within(parts.gates.steps, () => admit(parts, used, body, trace)));
    if (step === "report") return jsonAnswer(200, await takeReport(parts, authorization, body, trace));
    if (step === "plan") return showPlan(parts, authorization, ifNoneMatch, trace);
    return takeStatus(parts, authorization, body, trace);
  }

  /** The one place where it is written down how a request ended. */
  function decide(endpoint: string, trace: Trace, status: number, error: unknown): void {
    const { outcome, remoteAddress: remote, beganMs, ...about } = trace;
    // Another replica's clock may have begun it.
    const durationMs = beganMs === undefined ? undefined : Math.max(0, parts.nowMs() - beganMs);
    const common = { protocol: "attestation", remote, endpoint, status, durationMs, ...about } as const;
    if (error === undefined) {
      if (outcome !== undefined) parts.decide({ ...common, ...outcome });
      return;
    }
    if (trace.registration !== undefined) parts.entrance.refused(trace.registration, error);
    const { reason, error: sentence } = errorFields(error);
    parts.decide({ ...common, kind: "refused", reason, sentence });
  }

  return {
    async answer(request) {
      const trace: Trace = { remoteAddress: request.remoteAddress };
      const beganMs = performance.now();
      let endpoint: Step | "unknown" = "unknown";
      const answered = (answer: Answer, error: unknown): Answer => {
        decide(endpoint, trace, answer.status, error);
        parts.observe(endpoint, answer.status, performance.now() - beganMs);
        return answer;
      };
      try {
        const step = stepOf(request.target);
        endpoint = step;
        return answered(await run(step, bodyOf(request, step), request, trace), undefined);
      } catch (cause) {
        const error = parts.failures.noted(cause, request.remoteAddress);
        return answered(protocolRefusal(error), error);
      }
    },
  };
}
