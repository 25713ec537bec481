/** What is answered to requests that want no websocket: a registration's cloud-config, the CA, a machine known by a token. */
import { cacertsBody, cacertsHash, registrationUrl } from "../rancherd/index.ts";
import type { InventoryEntry } from "../inventory/index.ts";
import { cloudConfigDocument } from "../registration/index.ts";
import { data, NOT_FOUND, ONLY_GET, sentence, type Answer } from "./answer.ts";
import { authorizationOf } from "./authorization.ts";
import { refuseUnlessApproved } from "./door.ts";
import { SessionError } from "./errors.ts";
import { referenceOf, type EndpointParts, type MachineRequest, type Trace } from "./legacy-parts.ts";
import type { Route } from "./route.ts";

/** SHA-256 in base64; see cacertsKeyId. */
const KEY_ID = /^Bearer ([A-Za-z0-9+/]{43}=)$/;

function machineWithToken(parts: EndpointParts, bearer: string, trace: Trace): InventoryEntry {
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

function showRegistration(parts: EndpointParts, token: string, remoteAddress: string | undefined): Answer {
  parts.entrance.look(token, remoteAddress);
  return data(cloudConfigDocument(registrationUrl(parts.serverUrl(), token), parts.caPem()));
}

function showCacerts(parts: EndpointParts, request: MachineRequest): Answer {
  const body = cacertsBody(parts.caPem());
  const headers = { "content-type": "text/plain" };
  // Of one key in 262,144 the name begins with TPM, as attestation data does, which nobody sends here.
  const keyId = KEY_ID.exec(request.authorization ?? "")?.[1];
  if (keyId === undefined || !request.nonce) return data(body, headers);
  const key =
    parts.tokenSecrets.withCacertsKeyId(keyId)[0]?.token ?? parts.inventories.withCacertsKeyId(keyId)[0]?.ekHash;
  return key === undefined
    ? data(body, headers)
    : data(body, { ...headers, "x-cattle-hash": cacertsHash(key, request.nonce, body) });
}

/** @throws SessionError, RegistrationRefusedError, InventoryError, KubernetesError */
export async function plainAnswer(
  parts: EndpointParts,
  request: MachineRequest,
  route: Route,
  trace: Trace,
): Promise<Answer> {
  if (route.kind === "unknown") return NOT_FOUND;
  if (request.method !== "GET") return ONLY_GET;
  parts.assertReady();
  if (route.kind === "cacerts") return showCacerts(parts, request);
  const authorization = authorizationOf(request.authorization);
  if (authorization.kind === "unsupported") {
    throw new SessionError("AUTHORIZATION_UNSUPPORTED", "this Authorization is not supported");
  }
  if (authorization.kind === "tpm") {
    return sentence(426, "a TPM is asked over websocket", { upgrade: "websocket", connection: "upgrade" });
  }
  if (route.kind === "registration") return showRegistration(parts, route.token, request.remoteAddress);
  if (authorization.kind === "none") throw new SessionError("AUTHORIZATION_MISSING", "Unauthorized");
  const answer = data(await parts.inventoryAnswer(machineWithToken(parts, authorization.value, trace)));
  parts.decide({
    ...trace,
    kind: "known",
    reason: "MACHINE_CONFIGURED",
    protocol: "legacy",
    remote: request.remoteAddress,
    endpoint: route.kind,
  });
  return answer;
}
