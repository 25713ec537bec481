/** A machine's session with the operator: attested for when it is wanted, renewed before its end, and once where it is refused. */
import { RESPONSE_MAX_BYTES, type Admission } from "@rancheros/protocol/attestation";

import { protocolEndpoint } from "./attestation-endpoints.ts";
import { RegistrationError } from "./errors.ts";
import type { HttpAnswer } from "./http-answer.ts";
import type { ServerConnection } from "./io/server-connection.ts";
import { readProtocolAnswer, refusalOf } from "./protocol-answer.ts";
import type { RegistrationStep } from "./step.ts";
import type { Attested, Visit, VisitOutside } from "./visit.ts";

/** A session is not used in its last moments: the clocks differ, and the request takes its time. */
const SESSION_MARGIN_MS = 30_000;
/** HTTP status that means: this session is none any more. */
const SESSION_OVER = 401;
const NOT_MODIFIED = 304;

export interface SessionRequest {
  readonly method: "GET" | "PUT" | "POST";
  /** Below /v2-rancheros, for example "machine". */
  readonly endpoint: string;
  /** What errors and progress call it. */
  readonly step: RegistrationStep;
  /** More of them than the session's; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: Buffer;
  /** For a request that the server holds open; otherwise what the visit's options say. */
  readonly timeoutMs?: number;
}

/** A session while it is being used. Its requests share one connection, and reach no server of another TLS key. */
export interface MachineSession {
  /** What the machine was told when this session began. */
  readonly admission: Admission;
  /**
   * @returns an answer of status 2xx, or 304 where the request has If-None-Match
   * @throws RegistrationError
   */
  send(request: SessionRequest): Promise<HttpAnswer>;
  /**
   * Sends, and reads the message that answers.
   * @param read  one of the protocol's readers
   * @throws RegistrationError, also REGISTRATION_NONSENSE for what the reader refuses
   */
  ask<Message>(request: SessionRequest, read: (bytes: Buffer) => Message): Promise<Message>;
}

export interface SessionKeeper {
  /**
   * Does some work in the present session, or in a new one where there is none or it is about to end. Where the server
   * says that the session is over, the work is done a second time in a new one: it must bear that. Callers at the same
   * time share a session.
   * @throws RegistrationError, TpmError, AttestationMessageError
   */
  with<T>(work: (session: MachineSession) => Promise<T>): Promise<T>;
  /** Attests anew, whatever time the present session has left. @throws as `with` */
  renew(): Promise<Attested>;
}

/**
 * @param attest  for a session, or through a registration: see Visit.attest
 * @param first   a session that is there already
 */
export function keepSession(
  outside: VisitOutside,
  visit: Visit,
  attest: () => Promise<Attested>,
  first?: Attested,
): SessionKeeper {
  let present = first;
  let wasThere = first !== undefined;
  let underWay: Promise<Attested> | undefined;
  const attestAnew = async (): Promise<Attested> => {
    try {
      present = await attest();
      wasThere = true;
      return present;
    } catch (error) {
      throw wasThere ? notTheCommandLine(error) : error;
    }
  };
  const renew = (): Promise<Attested> => (underWay ??= attestAnew().finally(() => (underWay = undefined)));
  const current = async (): Promise<Attested> => {
    const isGood = present !== undefined && outside.nowMs() < present.sessionEndMs - SESSION_MARGIN_MS;
    return isGood && present !== undefined ? present : renew();
  };
  const use = async <T>(attested: Attested, work: (session: MachineSession) => Promise<T>): Promise<T> => {
    const { server, ...way } = attested.route;
    const connection = outside.connectServer({ url: server.url, ...way }, attested.peerSpki);
    try {
      return await work(openSession(outside, visit, attested, connection));
    } catch (error) {
      if (isSessionOver(error) && present === attested) present = undefined;
      throw error;
    } finally {
      connection.close();
    }
  };
  return {
    renew,
    async with(work) {
      const attested = await current();
      try {
        return await use(attested, work);
      } catch (error) {
        if (!isSessionOver(error)) throw error;
      }
      return use(await current(), work);
    },
  };
}

/** What was good once is not wrong in the command line: somebody is writing the CA's file, or its disk is full. */
function notTheCommandLine(error: unknown): unknown {
  if (!(error instanceof RegistrationError) || error.code !== "REGISTRATION_TRUST_INVALID") return error;
  return new RegistrationError("REGISTRATION_CA_UNREADABLE", error.message, { cause: error });
}

/** Whether another attestation may help: the session ended, or the server has another key than when it began. */
function isSessionOver(error: unknown): boolean {
  if (!(error instanceof RegistrationError)) return false;
  return error.code === "REGISTRATION_SERVER_KEY_CHANGED" || error.details["status"] === SESSION_OVER;
}

function openSession(
  outside: VisitOutside,
  visit: Visit,
  { admission, route }: Attested,
  connection: ServerConnection,
): MachineSession {
  const { server } = route;
  const context = (step: RegistrationStep) => ({ server, step, isFirst: false, nowMs: outside.nowMs() });
  const send = async ({ method, endpoint, step, headers, body, timeoutMs }: SessionRequest): Promise<HttpAnswer> => {
    const answer = await visit.startCourse(timeoutMs).run(step, (signal) =>
      connection.send({
        method,
        url: protocolEndpoint(server.url, endpoint),
        headers: {
          ...headers,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          accept: "application/json",
          authorization: `Bearer ${admission.session.token}`,
        },
        body: body ?? Buffer.alloc(0),
        maxBodyBytes: RESPONSE_MAX_BYTES + 1,
        signal,
      }),
    );
    const isUnchanged = answer.status === NOT_MODIFIED && headers?.["if-none-match"] !== undefined;
    if (isUnchanged || isSuccess(answer)) return answer;
    throw refusalOf(answer, context(step));
  };
  return {
    admission,
    send,
    ask: async (request, read) => readProtocolAnswer(await send(request), read, context(request.step)),
  };
}

function isSuccess({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}
