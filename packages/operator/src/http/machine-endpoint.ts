/** What machines are answered: who may ask, what they get, and what is refused with which sentence. */
import { hasCode } from "@rancheros/protocol/errors";
import { HEADER_MAX_BYTES, parseSmbiosHeader, type SmbiosTree } from "@rancheros/protocol/messages";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import type { InventoryClaims, InventoryEntry, InventoryIndex, TokenSecretIndex } from "../inventory/index.ts";
import type { ServerAddress } from "../rancher/index.ts";
import { cacertsBody, cacertsHash, registrationUrl } from "../rancherd/index.ts";
import { cloudConfigDocument, installConfig } from "../registration/index.ts";
import { errorFields, type DecisionReason } from "../telemetry/index.ts";
import { data, NOT_FOUND, ONLY_GET, sentence, type Answer } from "./answer.ts";
import { authorizationOf } from "./authorization.ts";
import type { Decide, Decision } from "./decision.ts";
import { judge, newInventory, refuseUnlessApproved, type DoorParts } from "./door.ts";
import { SessionError } from "./errors.ts";
import { challengeMachine, type MachineChallenge } from "./machine-challenge.ts";
import { refusalOf, upgradeRefusal } from "./refusal.ts";
import { routeOf, type Route } from "./route.ts";
import type { SessionGate } from "./session-gate.ts";

/** What rancherd's protocol counts as beside ours. */
const LEGACY_PROTOCOL = 1;

/** A request, as far as machines' requests say anything. */
export interface MachineRequest {
  readonly method: string;
  readonly target: string;
  readonly authorization: string | undefined;
  /** X-Cattle-Smbios */
  readonly smbios: string | undefined;
  /** X-Cattle-Nonce */
  readonly nonce: string | undefined;
  readonly remoteAddress: string | undefined;
}

/** A visit over websocket that may begin: see io/challenge-session.ts. */
export interface Visit {
  readonly challenge: Buffer;
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

export interface EndpointParts extends DoorParts {
  readonly inventories: InventoryIndex;
  readonly tokenSecrets: TokenSecretIndex;
  readonly claims: InventoryClaims;
  readonly address: () => ServerAddress;
  /** The answer of /v1-rancheros/inventory for this machine. @throws InventoryError, KubernetesError */
  readonly inventoryAnswer: (entry: InventoryEntry) => Promise<string>;
  /** @throws SessionError OPERATOR_NOT_READY */
  readonly assertReady: () => void;
  /** Which weak endorsement keys are let in all the same. */
  readonly policy: { readonly acceptRoca: boolean };
  readonly random: (bytes: number) => Buffer;
  readonly gate: SessionGate;
  readonly decide: Decide;
}

/** What a visit is about; found out on its way. */
interface Trace {
  ekHash?: string;
  akName?: string;
  registration?: NonNullable<Decision["registration"]>;
  inventory?: NonNullable<Decision["inventory"]>;
}

/** What a visit is for, decided before the machine is challenged. */
interface Purpose {
  readonly registration?: { readonly namespace: string; readonly name: string };
  readonly payload: (
    stillOpen: () => boolean,
  ) => Promise<{ readonly text: string; readonly kind: "admitted" | "known"; readonly reason: DecisionReason }>;
}

function referenceOf({ namespace, name, uid }: { namespace: string; name: string; uid: string }) {
  return { namespace, name, uid };
}

function outcomeOf(error: unknown): Pick<Decision, "kind" | "reason" | "sentence"> {
  const { reason, error: sentence } = errorFields(error);
  if (hasCode(error, "SESSION_LEFT")) return { kind: "left", reason, sentence };
  return { kind: hasCode(error, "MACHINE_PENDING") ? "pending" : "refused", reason, sentence };
}

export function createMachineEndpoint(parts: EndpointParts): MachineEndpoint {
  const { assertReady, decide, gate } = parts;

  function serverUrl(): string {
    const { url } = parts.address();
    if (url === undefined) throw new SessionError("SERVER_URL_NOT_SET", "server-url is not set");
    return url;
  }

  const isKnown = (ekHash: string): boolean => parts.inventories.withEndorsementKey(ekHash).length > 0;

  function machineWithTpm(ekHash: string, trace: Trace): InventoryEntry {
    const [machine] = parts.inventories.withEndorsementKey(ekHash);
    if (machine === undefined) throw new SessionError("MACHINE_UNKNOWN", "machine not found");
    trace.inventory = referenceOf(machine.metadata);
    refuseUnlessApproved(machine.approval, machine.metadata);
    return machine;
  }

  function machineWithToken(bearer: string, trace: Trace): InventoryEntry {
    const secrets = parts.tokenSecrets.withToken(Buffer.from(bearer, "base64"));
    const [secret] = secrets;
    if (secret === undefined || secrets.length > 1) throw new SessionError("MACHINE_TOKEN_UNKNOWN", "token not found");
    const machines = parts.inventories.withTokenSecret(secret.metadata.namespace, secret.metadata.name);
    const [machine] = machines;
    if (machine === undefined || machines.length > 1) throw new SessionError("MACHINE_UNKNOWN", "machine not found");
    trace.inventory = referenceOf(machine.metadata);
    refuseUnlessApproved(machine.approval, machine.metadata);
    return machine;
  }

  function showRegistration(token: string, remoteAddress: string | undefined): Answer {
    parts.entrance.look(token, remoteAddress);
    const { caPem } = parts.address();
    return data(cloudConfigDocument(registrationUrl(serverUrl(), token), caPem));
  }

  function showCacerts(request: MachineRequest): Answer {
    const body = cacertsBody(parts.address().caPem);
    const headers = { "content-type": "text/plain" };
    const authorization = authorizationOf(request.authorization);
    if (authorization.kind !== "bearer" || !request.nonce) return data(body, headers);
    const key =
      parts.tokenSecrets.withCacertsKeyId(authorization.value)[0]?.token ??
      parts.inventories.withCacertsKeyId(authorization.value)[0]?.ekHash;
    return key === undefined
      ? data(body, headers)
      : data(body, { ...headers, "x-cattle-hash": cacertsHash(key, request.nonce, body) });
  }

  async function plainAnswer(request: MachineRequest, route: Route, trace: Trace): Promise<Answer> {
    if (route.kind === "unknown") return NOT_FOUND;
    if (request.method !== "GET") return ONLY_GET;
    assertReady();
    if (route.kind === "cacerts") return showCacerts(request);
    const authorization = authorizationOf(request.authorization);
    if (authorization.kind === "unsupported") {
      throw new SessionError("AUTHORIZATION_UNSUPPORTED", "this Authorization is not supported");
    }
    if (authorization.kind === "tpm") {
      return sentence(426, "a TPM is asked over websocket", { upgrade: "websocket", connection: "upgrade" });
    }
    if (route.kind === "registration") return showRegistration(route.token, request.remoteAddress);
    if (authorization.kind === "none") throw new SessionError("AUTHORIZATION_MISSING", "Unauthorized");
    const answer = data(await parts.inventoryAnswer(machineWithToken(authorization.value, trace)));
    decide({
      ...trace,
      kind: "known",
      reason: "MACHINE_CONFIGURED",
      protocol: "legacy",
      remote: request.remoteAddress,
      endpoint: route.kind,
    });
    return answer;
  }

  /** Said before the challenge, where it can be an HTTP status with a sentence. */
  function refuseLegacy(registration: MachineRegistration, ekHash: string, trace: Trace): void {
    if (registration.spec.attestation?.legacyProtocol === "refuse") {
      throw new SessionError("LEGACY_REFUSED", "this registration wants the attestation protocol: use ros-agent");
    }
    const [known] = parts.inventories.withEndorsementKey(ekHash);
    if (known === undefined) return;
    trace.inventory = referenceOf(known.metadata);
    if (known.protocol > LEGACY_PROTOCOL) {
      throw new SessionError(
        "LEGACY_DOWNGRADE",
        "this machine has used the attestation protocol before: use ros-agent",
      );
    }
    refuseUnlessApproved(known.approval, known.metadata);
  }

  async function registrationPurpose(
    entered: MachineRegistration,
    token: string,
    machine: MachineChallenge,
    smbios: SmbiosTree | undefined,
    trace: Trace,
  ): Promise<Purpose> {
    const { name, namespace } = entered.metadata;
    serverUrl();
    refuseLegacy(entered, machine.ekHash, trace);
    parts.entrance.checkRoom(entered, isKnown(machine.ekHash));
    const { class: trust } = await judge(parts, entered, namespace, machine);
    return {
      registration: { namespace, name },
      async payload(stillOpen) {
        // Both may have changed while the TPM was working.
        const registration = parts.entrance.look(token, undefined);
        refuseLegacy(registration, machine.ekHash, trace);
        const { ekHash } = machine;
        const made = { ekHash, smbios, trust, protocol: LEGACY_PROTOCOL, challenge: undefined };
        const claim = await parts.entrance.admit(registration, { ekHash, isKnown: isKnown(ekHash) }, () =>
          parts.claims.claim(ekHash, (attempt) => {
            if (!stillOpen()) throw new SessionError("SESSION_LEFT", "the session ended before the machine was made");
            return newInventory(registration, made, attempt);
          }),
        );
        trace.inventory = referenceOf(claim.entry.metadata);
        refuseUnlessApproved(claim.entry.approval, claim.entry.metadata);
        return {
          text: installConfig(registration.spec.cloudConfig, serverUrl()),
          ...(claim.made
            ? { kind: "admitted", reason: "MACHINE_REGISTERED" }
            : { kind: "known", reason: "MACHINE_KNOWN" }),
        };
      },
    };
  }

  async function inventoryPurpose(machine: MachineChallenge, trace: Trace): Promise<Purpose> {
    // Said before the challenge, where it can be an HTTP status with a sentence; asked again after it.
    await parts.inventoryAnswer(machineWithTpm(machine.ekHash, trace));
    return {
      payload: async () => ({
        text: await parts.inventoryAnswer(machineWithTpm(machine.ekHash, trace)),
        kind: "known",
        reason: "MACHINE_CONFIGURED",
      }),
    };
  }

  async function begin(request: MachineRequest, route: Route, trace: Trace): Promise<Visit> {
    assertReady();
    if (route.kind !== "registration") {
      const { machine } = machineOf(request, trace);
      return visitOf(request, route, trace, machine, await inventoryPurpose(machine, trace));
    }
    const registration = parts.entrance.enter(route.token, request.remoteAddress);
    trace.registration = referenceOf(registration.metadata);
    try {
      const { machine, smbios } = machineOf(request, trace);
      const purpose = await registrationPurpose(registration, route.token, machine, smbios, trace);
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
  ): Visit {
    const beganMs = performance.now();
    let outcome: Pick<Decision, "kind" | "reason"> | undefined;
    return {
      challenge: machine.message,
      checkAnswer: machine.checkAnswer,
      async payload(stillOpen) {
        const { text, kind, reason } = await purpose.payload(stillOpen);
        outcome = { kind, reason };
        return text;
      },
      onEnd(error) {
        gate.leave();
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
        return await plainAnswer(request, route, trace);
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
      try {
        // Counted from before the first wait until the visit has ended or was refused.
        gate.enter();
      } catch (error) {
        return { answer: refuse(request, route, trace, error, upgradeRefusal(error)) };
      }
      try {
        return { visit: await begin(request, route, trace) };
      } catch (error) {
        gate.leave();
        return { answer: refuse(request, route, trace, error, upgradeRefusal(error)) };
      }
    },
  };
}
