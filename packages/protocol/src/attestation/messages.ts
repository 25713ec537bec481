/** The messages of the attestation protocol: what they hold. read-message.ts and write-message.ts know their JSON. */
import type { AttestationKeyParameters, EndorsementKey, SmbiosTree } from "@rancheros/protocol/messages";

/** POST nonce: `{protocol}`. The answer names the version that both sides go on with. */
export interface NonceRequest {
  /** The newest version that the machine speaks. */
  readonly protocol: number;
}

export interface NonceAnswer {
  readonly protocol: number;
  readonly nonce: Buffer;
  readonly expiresInSeconds: number;
}

/** Why a machine attests. */
export type Purpose =
  /** To be let in through a registration, whose token this is. */
  | { readonly kind: "registration"; readonly token: string }
  /** To go on: the machine is known, and wants a session. */
  | { readonly kind: "session" };

/** POST attest. */
export interface AttestRequest {
  readonly protocol: number;
  readonly nonce: Buffer;
  /** SHA-256 of the SubjectPublicKeyInfo of the server's TLS certificate as the machine sees it. */
  readonly channel: Buffer;
  readonly purpose: Purpose;
  readonly ek: EndorsementKey;
  /**
   * DER of what lies between the endorsement key's certificate and a root, as the TPM holds it: most hold none. Believed by
   * nobody, and no part of what the TPM signs: a chain is as good as its signatures.
   */
  readonly ekChain: readonly Buffer[];
  /** Its creation attestation has qualifyingData(nonce, channel). */
  readonly ak: AttestationKeyParameters;
}

export interface ChallengeAnswer {
  readonly protocol: number;
  /** TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET, with their sizes. */
  readonly credentialBlob: Buffer;
  readonly encryptedSecret: Buffer;
  /** What the server remembers of this conversation, sealed: no replica keeps anything. */
  readonly state: Buffer;
  readonly expiresInSeconds: number;
}

/** POST answer. */
export interface AnswerRequest {
  readonly protocol: number;
  readonly state: Buffer;
  /** answerProof(secret, state, report) */
  readonly proof: Buffer;
  /** JSON of a MachineReport; empty where the machine says nothing of itself. */
  readonly report: Buffer;
}

export interface SealedAnswer {
  readonly protocol: number;
  /** sealAnswer of the JSON of an Admission. */
  readonly sealed: Buffer;
}

export type Approval = "Approved" | "Pending" | "Denied";
/** Whose maker vouches for the endorsement key: that of a chip, that of a hypervisor, nobody. */
export type TrustClass = "hardware" | "virtual" | "none";

/** What a machine is told when it has proved itself. */
export interface Admission {
  readonly machine: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly approval: Approval;
  readonly trust: TrustClass;
  /** The install config; only of an approved machine that came through a registration. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  readonly session: {
    readonly token: string;
    /** What answers to this session are sealed with; SESSION_KEY_BYTES long. */
    readonly key: Buffer;
    readonly expiresInSeconds: number;
  };
  /**
   * The CAs that the server's certificate is or will be of, as PEM: by them the machine knows the server from now on, beside
   * what it was set up with. Undefined where the server has nothing to say of it.
   */
  readonly ca: string | undefined;
  /** When to ask again while pending, and when to report otherwise. */
  readonly nextAskInSeconds: number;
}

/** GET machine, and the answer to PUT report; both with `Authorization: Bearer SESSION-TOKEN`. */
export interface MachineState {
  readonly protocol: number;
  readonly machine: Admission["machine"];
  readonly approval: Approval;
  readonly nextAskInSeconds: number;
}

/** The machine as a node of its own Kubernetes cluster, as that cluster's API server has it. */
export interface MachineNode {
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ready: boolean;
  readonly unschedulable: boolean;
  readonly bootId: string;
  readonly kubeletVersion: string;
}

/** What a machine says of itself: proved by nothing, and taken where the registration allows it. PUT report. */
export interface MachineReport {
  readonly smbios: SmbiosTree | undefined;
  /** Disks, network interfaces, memory, processor, in the shape of `ros-agent hardware --json`. */
  readonly hardware: SmbiosTree | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Kubernetes' NodeAddress: Hostname, InternalIP, ExternalIP, InternalDNS, ExternalDNS. */
  readonly addresses: readonly { readonly type: string; readonly address: string }[];
  /** Of os-release: PRETTY_NAME or NAME and VERSION; and the image that runs, where it is known. */
  readonly os: { readonly name: string; readonly version: string; readonly image: string } | undefined;
  readonly agentVersion: string | undefined;
  /** Undefined where it is no node, or cannot ask. */
  readonly node: MachineNode | undefined;
}

export const EMPTY_REPORT: MachineReport = {
  smbios: undefined,
  hardware: undefined,
  labels: {},
  annotations: {},
  addresses: [],
  os: undefined,
  agentVersion: undefined,
  node: undefined,
};

/** Body of every answer from 400 on. */
export interface ProtocolRefusal {
  /** Of docs/errors.md. */
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds: number | undefined;
}
