/** What machines are answered by rancherd's protocol: who may ask, how a visit begins and ends, and what is written down. */
import { hasCode } from "@rancheros/protocol/errors";
import { HEADER_MAX_BYTES, parseSmbiosHeader, type SmbiosTree } from "@rancheros/protocol/messages";
import { errorFields } from "../telemetry/index.ts";
import { NOT_FOUND, ONLY_GET, sentence, type Answer } from "./answer.ts";
import { authorizationOf } from "./authorization.ts";
import type { Decision } from "./decision.ts";
import { SessionError } from "./errors.ts";
import { referenceOf, type EndpointParts, type MachineRequest, type Trace } from "./legacy-parts.ts";
import { challengeMachine, type MachineChallenge } from "./machine-challenge.ts";
import { plainAnswer } from "./plain-answer.ts";
import { refusalOf, upgradeRefusal } from "./refusal.ts";
import { routeOf, type Route } from "./route.ts";
import type { VisitPlace } from "./visit-gate.ts";
import { inventoryVisits, registrationPurpose, type Purpose } from "./visit-purpose.ts";

/** A visit over websocket that may begin: see io/challenge-session.ts. */
export interface Visit {
  readonly challenge: Buffer;
  /** The challenge has been sent. @param end  may be called before the answer has come: others have less */
  readonly onChallenged: (end: (why: SessionError) => void) => void;
  readonly checkAnswer: (message: Uint8Array) => void;
  readonly payload: (stillOpen: () => boolean) => Promise<string>;
  readonly onEnd: (error: unknown) => void;
}

export interface MachineEndpoint {
  /** Answers a request that wants no upgrade. Never rejects. */
  answer(request: MachineRequest): Promise<Answer>;
  /** Takes note of a request that broke HTTP or its limits, and says how it is answered. */
  refuseBroken(remoteAddress: string | undefined, code: string): Answer;
  /** Begins a visit, or says why not. Never rejects. */
  visit(request: MachineRequest): Promise<{ readonly visit: Visit } | { readonly answer: Answer }>;
}

type UnplacedVisit = Omit<Visit, "onChallenged">;

function inPlace(visit: UnplacedVisit, place: VisitPlace): Visit {
  return {
    ...visit,
    onChallenged: (end) => place.waits(end),
    checkAnswer(message) {
      place.answered();
      visit.checkAnswer(message);
    },
    onEnd(error) {
      place.leave();
      visit.onEnd(error);
    },
  };
}

function outcomeOf(error: unknown): Pick<Decision, "kind" | "reason" | "sentence"> {
  const { reason, error: sentence } = errorFields(error);
  if (hasCode(error, "SESSION_LEFT")) return { kind: "left", reason, sentence };
  return { kind: hasCode(error, "MACHINE_PENDING") ? "pending" : "refused", reason, sentence };
}

export function createMachineEndpoint(parts: EndpointParts): MachineEndpoint {
  const { assertReady, decide, gate } = parts;
  const inventoryPurpose = inventoryVisits(parts);

  async function begin(request: MachineRequest, route: Route, trace: Trace): Promise<UnplacedVisit> {
    assertReady();
    if (route.kind !== "registration") {
      const { machine } = machineOf(request, trace);
      return visitOf(request, route, trace, machine, await inventoryPurpose(machine, trace));
    }
    const registration = parts.entrance.enter(route.token, request.remoteAddress);
    trace.registration = referenceOf(registration.metadata);
    try {
      const { machine, smbios } = machineOf(request, trace);
      const purpose = await registrationPurpose(parts, { registration, token: route.token, machine, smbios }, trace);
      return visitOf(request, route, trace, machine, purpose);
    } catch (error) {
      parts.entrance.refused(registration.metadata, error);
      throw error;
    }
  }

  function machineOf(
    request: MachineRequest,
    trace: Trace,
  ): { machine: MachineChallenge; smbios: SmbiosTree | undefined } {
    const authorization = authorizationOf(request.authorization);
    if (authorization.kind === "none") throw new SessionError("AUTHORIZATION_MISSING", "Unauthorized");
    if (authorization.kind !== "tpm") {
      throw new SessionError("AUTHORIZATION_UNSUPPORTED", "this Authorization is not supported");
    }
    const smbios = request.smbios === undefined ? undefined : parseSmbiosHeader(request.smbios);
    const machine = challengeMachine(authorization.header, parts.policy, parts.random);
    trace.ekHash = machine.ekHash;
    trace.akName = machine.akName;
    return { machine, smbios };
  }

  function visitOf(
    request: MachineRequest,
    route: Route,
    trace: Trace,
    machine: MachineChallenge,
    purpose: Purpose,
  ): UnplacedVisit {
    const beganMs = performance.now();
    let outcome: Pick<Decision, "kind" | "reason"> | undefined;
    return {
      challenge: machine.message,
      checkAnswer(message) {
        try {
          machine.checkAnswer(message);
        } catch (error) {
          throw parts.failures.noted(error, request.remoteAddress);
        }
      },
      async payload(stillOpen) {
        const { text, kind, reason } = await purpose.payload(stillOpen);
        outcome = { kind, reason };
        return text;
      },
      onEnd(error) {
        const isRefused = error !== undefined && !hasCode(error, "SESSION_LEFT");
        if (isRefused && purpose.registration !== undefined) parts.entrance.refused(purpose.registration, error);
        const ending = error === undefined && outcome !== undefined ? outcome : outcomeOf(error);
        const common = { protocol: "legacy", remote: request.remoteAddress, endpoint: route.kind } as const;
        decide({ ...trace, ...common, ...ending, durationMs: performance.now() - beganMs });
      },
    };
  }

  function refuse(request: MachineRequest, route: Route, trace: Trace, error: unknown, answer: Answer): Answer {
    const common = { protocol: "legacy", remote: request.remoteAddress, endpoint: route.kind } as const;
    decide({ ...trace, ...common, ...outcomeOf(error), status: answer.status });
    return answer;
  }

  return {
    async answer(request) {
      const route = routeOf(request.target);
      const trace: Trace = {};
      try {
        return await plainAnswer(parts, request, route, trace);
      } catch (error) {
        return refuse(request, route, trace, error, refusalOf(error).answer);
      }
    },
    refuseBroken(remoteAddress, code) {
      const tooLarge = code === "HPE_HEADER_OVERFLOW";
      const answer = tooLarge
        ? sentence(431, `the headers have more than ${HEADER_MAX_BYTES} bytes; send less of the SMBIOS`)
        : code === "ERR_HTTP_REQUEST_TIMEOUT"
          ? sentence(408, "the request took too long")
          : sentence(400, "this is no HTTP request");
      const reason = tooLarge ? "REQUEST_TOO_LARGE" : answer.status === 408 ? "REQUEST_SLOW" : "REQUEST_BROKEN";
      decide({
        kind: "refused",
        reason,
        // Node's own code says what is broken.
        sentence: code,
        protocol: "none",
        remote: remoteAddress,
        status: answer.status,
      });
      return answer;
    },
    async visit(request) {
      const route = routeOf(request.target);
      if (route.kind === "unknown" || route.kind === "cacerts") return { answer: NOT_FOUND };
      if (request.method !== "GET") return { answer: ONLY_GET };
      const trace: Trace = {};
      let place: VisitPlace;
      try {
        // Counted from before the first wait until the visit has ended or was refused.
        place = gate.enter(request.remoteAddress);
      } catch (error) {
        return { answer: refuse(request, route, trace, error, upgradeRefusal(error)) };
      }
      try {
        return { visit: inPlace(await begin(request, route, trace), place) };
      } catch (error) {
        place.leave();
        return { answer: refuse(request, route, trace, error, upgradeRefusal(error)) };
      }
    },
  };
}
