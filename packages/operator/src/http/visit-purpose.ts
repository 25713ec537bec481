/** What a visit by rancherd's protocol is for: a registration, or the question of a machine that is known. */
import type { SmbiosTree } from "@rancheros/protocol/messages";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import type { NamedMachine } from "@rancheros/protocol/templates";
import type { Claim, InventoryEntry } from "../inventory/index.ts";
import { installConfig, isForEachMachine } from "../registration/index.ts";
import type { DecisionReason } from "../telemetry/index.ts";
import { claimMachine } from "./claim-machine.ts";
import { judge, judgeAgain, newInventory, refuseUnlessApproved } from "./door.ts";
import { SessionError } from "./errors.ts";
import { referenceOf, type EndpointParts, type Trace } from "./legacy-parts.ts";
import type { MachineChallenge } from "./machine-challenge.ts";
import { sharedWhileAsked } from "./shared-while-asked.ts";

/** What rancherd's protocol counts as beside ours. */
const LEGACY_PROTOCOL = 1;

/** What a visit is for, decided before the machine is challenged. */
export interface Purpose {
  readonly registration?: { readonly namespace: string; readonly name: string };
  readonly payload: (
    stillOpen: () => boolean,
  ) => Promise<{ readonly text: string; readonly kind: "admitted" | "known"; readonly reason: DecisionReason }>;
}

export interface RegistrationVisit {
  /** As it was when the machine came. */
  readonly registration: MachineRegistration;
  /** With which it is looked up once more. */
  readonly token: string;
  readonly machine: MachineChallenge;
  readonly smbios: SmbiosTree | undefined;
}

function machineWithTpm(parts: Pick<EndpointParts, "inventories">, ekHash: string, trace: Trace): InventoryEntry {
  const [machine] = parts.inventories.withEndorsementKey(ekHash);
  if (machine === undefined) throw new SessionError("MACHINE_UNKNOWN", "machine not found");
  trace.inventory = referenceOf(machine.metadata);
  refuseUnlessApproved(machine.approval, machine.metadata);
  return machine;
}

/** Said before the challenge, where it can be an HTTP status with a sentence. */
function refuseLegacy(parts: EndpointParts, registration: MachineRegistration, ekHash: string, trace: Trace): void {
  if (registration.spec.attestation?.legacyProtocol === "refuse") {
    throw new SessionError("LEGACY_REFUSED", "this registration wants the attestation protocol: use ros-agent");
  }
  const [known] = parts.inventories.withEndorsementKey(ekHash);
  if (known === undefined) return;
  trace.inventory = referenceOf(known.metadata);
  if (known.protocol > LEGACY_PROTOCOL) {
    throw new SessionError("LEGACY_DOWNGRADE", "this machine has used the attestation protocol before: use ros-agent");
  }
  refuseUnlessApproved(known.approval, known.metadata);
}

/**
 * The inventory's SMBIOS counts, and not what the machine says this time: read where anything is made of it.
 * @throws SessionError SERVER_URL_NOT_SET, OPERATOR_NOT_READY; InventoryError, KubernetesError
 */
async function configFor(
  parts: EndpointParts,
  { spec: { cloudConfig } }: MachineRegistration,
  { entry, made }: Claim,
  said: Pick<NamedMachine, "ekHash" | "smbios">,
): Promise<string> {
  const isKept = made || !isForEachMachine(cloudConfig);
  const smbios = isKept ? said.smbios : await parts.records.smbios(entry);
  return installConfig(cloudConfig, parts.serverUrl(), { name: entry.metadata.name, ekHash: said.ekHash, smbios });
}

/** @throws SessionError, RegistrationRefusedError, AttestationError, KubernetesError  what needs no challenge to be said */
export async function registrationPurpose(
  parts: EndpointParts,
  { registration: entered, token, machine, smbios }: RegistrationVisit,
  trace: Trace,
): Promise<Purpose> {
  const { name, namespace } = entered.metadata;
  parts.serverUrl();
  refuseLegacy(parts, entered, machine.ekHash, trace);
  const isKnown = parts.inventories.withEndorsementKey(machine.ekHash).length > 0;
  parts.entrance.checkRoom(entered, { ekHash: machine.ekHash, isKnown });
  const verdict = await judge(parts, entered, namespace, machine);
  const { class: trust, root, certificateSha256 } = verdict;
  return {
    registration: { namespace, name },
    async payload(stillOpen) {
      // Both may have changed while the TPM was working.
      const registration = parts.entrance.look(token, undefined);
      refuseLegacy(parts, registration, machine.ekHash, trace);
      const { ekHash } = machine;
      await judgeAgain(parts, registration, { ekHash, trust });
      const shown = { trust, root, certificateSha256 };
      const made = { ekHash, smbios, ...shown, protocol: LEGACY_PROTOCOL, challenge: undefined };
      const claim = await claimMachine(parts, registration, ekHash, (attempt) => {
        if (!stillOpen()) throw new SessionError("SESSION_LEFT", "the session ended before the machine was made");
        return newInventory(registration, made, attempt);
      });
      trace.inventory = referenceOf(claim.entry.metadata);
      refuseUnlessApproved(claim.entry.approval, claim.entry.metadata);
      if (!claim.made) await parts.records.proveCertificate(claim, shown);
      return {
        text: await configFor(parts, registration, claim, { ekHash, smbios }),
        ...(claim.made
          ? { kind: "admitted", reason: "MACHINE_REGISTERED" }
          : { kind: "known", reason: "MACHINE_KNOWN" }),
      };
    },
  };
}

export type InventoryVisits = (machine: MachineChallenge, trace: Trace) => Promise<Purpose>;

type InventoryParts = Pick<EndpointParts, "inventories" | "inventoryAnswer" | "nowMs"> & {
  readonly registrations: Pick<EndpointParts["registrations"], "judging">;
  readonly anchors: Pick<EndpointParts["anchors"], "anchorsFor">;
};

/** @returns what throws SessionError, AttestationError, InventoryError, KubernetesError */
export function inventoryVisits(parts: InventoryParts): InventoryVisits {
  // Nothing is proved yet, and the key is no secret: whoever shows it has one read under way, however often it is shown.
  const firstAnswer = sharedWhileAsked(({ metadata }: InventoryEntry) => metadata.uid, parts.inventoryAnswer);
  return (machine, trace) => inventoryPurpose(parts, firstAnswer, machine, trace);
}

async function inventoryPurpose(
  parts: InventoryParts,
  firstAnswer: EndpointParts["inventoryAnswer"],
  machine: MachineChallenge,
  trace: Trace,
): Promise<Purpose> {
  const known = machineWithTpm(parts, machine.ekHash, trace);
  const { namespace } = known.metadata;
  const first = parts.registrations.judging(`${namespace}/${known.registrationName ?? ""}`);
  await judge(parts, first, namespace, machine, false);
  // Said before the challenge, where it can be an HTTP status with a sentence; asked again after it.
  await firstAnswer(known);
  return {
    payload: async () => ({
      text: await parts.inventoryAnswer(machineWithTpm(parts, machine.ekHash, trace)),
      kind: "known",
      reason: "MACHINE_CONFIGURED",
    }),
  };
}
