/** The conversation with the server, piece by piece: dial, challenge, activation. `register` and `check` share it. */
import { MESSAGE_MAX_BYTES, MessageError, decodeChallenge, type Challenge } from "@rancheros/protocol/messages";

import type { Smbios } from "../smbios/index.ts";
import { type AttestationKey, type EndorsementKey, type Tpm, TpmError } from "../tpm/index.ts";
import { refusalFromClose } from "./closed.ts";
import type { Course } from "./course.ts";
import { RegistrationError } from "./errors.ts";
import type { TrustedCas } from "./establish-trust.ts";
import { mayBeTooLarge, refusalFromAnswer } from "./http-answer.ts";
import type { MessageSocket, openWebsocket } from "./io/websocket.ts";
import type { RegistrationUrl } from "./registration-url.ts";
import { SMALL_SMBIOS_BYTES, attestationHeader, requestHeaders } from "./request-headers.ts";
import type { RegistrationStep } from "./step.ts";

export interface Identity {
  readonly ek: EndorsementKey;
  readonly ak: AttestationKey;
}

export interface Route extends TrustedCas {
  readonly server: RegistrationUrl;
  readonly proxy: URL | undefined;
}

export interface DialOutside {
  readonly openWebsocket: typeof openWebsocket;
  readonly nowMs: () => number;
}

/** Names, TCP, proxy, TLS and HTTP; a server behind all of that answers at once. */
export const CONNECT_TIMEOUT_MS = 15_000;

/**
 * Introduces the machine; where the server or a proxy finds the headers too large, a second time with less SMBIOS.
 * @throws RegistrationError
 */
export async function dialServer(
  outside: DialOutside,
  course: Course,
  route: Route,
  identity: Identity,
  smbios: Smbios | undefined,
): Promise<MessageSocket> {
  const { server, ...way } = route;
  const authorization = attestationHeader(identity.ek, identity.ak);
  const dial = (maxSmbiosBytes: number, dialSignal: AbortSignal): ReturnType<typeof openWebsocket> =>
    outside.openWebsocket({
      url: server.url,
      ...way,
      headers: requestHeaders(authorization, smbios, maxSmbiosBytes),
      maxMessageBytes: MESSAGE_MAX_BYTES,
      dialSignal,
      signal: course.signal,
    });
  return course.run(
    "connect",
    async (signal) => {
      let dialled = await dial(Infinity, signal);
      if (dialled.kind === "answered" && smbios !== undefined && mayBeTooLarge(dialled.answer)) {
        dialled = await dial(SMALL_SMBIOS_BYTES, signal);
      }
      if (dialled.kind === "open") return dialled.socket;
      throw refusalFromAnswer(dialled.answer, server, outside.nowMs());
    },
    CONNECT_TIMEOUT_MS,
  );
}

/** @throws RegistrationError also for the end of the connection */
export async function receiveMessage(
  course: Course,
  socket: MessageSocket,
  step: RegistrationStep,
  server: RegistrationUrl,
): Promise<Buffer> {
  const received = await course.run(step, () => socket.receive());
  if (received.kind === "message") return received.bytes;
  throw refusalFromClose(received, step, server.redact);
}

/** @throws RegistrationError */
export async function receiveChallenge(
  course: Course,
  socket: MessageSocket,
  server: RegistrationUrl,
): Promise<Challenge> {
  const message = await receiveMessage(course, socket, "challenge", server);
  try {
    return decodeChallenge(message);
  } catch (cause) {
    if (!(cause instanceof MessageError)) throw cause;
    throw new RegistrationError("REGISTRATION_NONSENSE", `the server sent no challenge: ${cause.message}`, {
      cause,
      details: { step: "challenge" },
    });
  }
}

/** @returns the secret. @throws RegistrationError REGISTRATION_CHALLENGE_NOT_OURS; TpmError */
export async function openChallenge(
  course: Course,
  tpm: Tpm,
  ak: AttestationKey,
  challenge: Challenge,
): Promise<Buffer> {
  try {
    const { credentialBlob, encryptedSecret } = challenge;
    return Buffer.from(
      await course.run("activation", () => tpm.activateCredential(ak, credentialBlob, encryptedSecret)),
    );
  } catch (cause) {
    if (!(cause instanceof TpmError) || cause.code !== "TPM_CHALLENGE_REFUSED") throw cause;
    throw new RegistrationError(
      "REGISTRATION_CHALLENGE_NOT_OURS",
      "this machine's TPM cannot open the server's challenge: it is meant for another TPM or another attestation key",
      { cause },
    );
  }
}
