/** The endorsement key certificate that a machine is known by, and what happens where it shows another one. */
import type { TrustClass } from "@rancheros/protocol/attestation";
import {
  ACCEPT_EK_CERTIFICATE_ANNOTATION,
  EK_CERTIFICATE_ANNOTATION,
  EK_CERTIFICATE_ROOT_ANNOTATION,
  TRUST_LABEL,
  type MachineInventory,
} from "@rancheros/protocol/resources";
import type { Finding } from "./conditions.ts";

/** What a machine shows, and what that proves. */
export interface ShownCertificate {
  readonly trust: TrustClass;
  /** Subject of the root. */
  readonly root: string | undefined;
  /** undefined where there is none that can be read */
  readonly certificateSha256: string | undefined;
}

/** A certificate that proved something: only such a one binds the machine. */
export interface RecordedCertificate {
  /** undefined: a class that this operator does not know */
  readonly trust: "hardware" | "virtual" | undefined;
  readonly root: string | undefined;
  readonly certificateSha256: string;
}

/**
 * kept: the recorded one, or there was none that binds. renewed: another one of the same root. accepted: an administrator
 * lets it be recorded. changed: he has to.
 */
export type CertificateChange = "kept" | "renewed" | "accepted" | "changed";

/** In place of a hash, where no certificate is shown. */
const NO_CERTIFICATE = "none";
const CHANGED = "CertificateChanged";

/** What the machine was made with, until its status says what it proved; or what it proved before it was restored. */
function annotatedCertificate({ labels, annotations }: MachineInventory["metadata"]): RecordedCertificate | undefined {
  const trust = labels?.[TRUST_LABEL];
  const certificateSha256 = annotations?.[EK_CERTIFICATE_ANNOTATION];
  if (certificateSha256 === undefined || (trust !== "hardware" && trust !== "virtual")) return undefined;
  return { trust, root: annotations?.[EK_CERTIFICATE_ROOT_ANNOTATION], certificateSha256 };
}

/** @returns undefined where nothing that proved anything is recorded */
export function recordedCertificate({ metadata, status }: MachineInventory): RecordedCertificate | undefined {
  const { class: trust, root, certificateSha256 } = status?.attestation ?? {};
  // A refusal writes its challenge there, and proves nothing.
  if (trust === undefined && certificateSha256 === undefined) return annotatedCertificate(metadata);
  if (certificateSha256 === undefined || trust === "none") return undefined;
  // Who writes a certificate writes the class beside it: without one, it is one that is not known here.
  const known = trust === "hardware" || trust === "virtual" ? trust : undefined;
  return { trust: known, root, certificateSha256 };
}

/** Whether of the recorded certificate only the hash is known, as older operators wrote it. */
export function isRootMissing(inventory: MachineInventory): boolean {
  const recorded = recordedCertificate(inventory);
  return recorded !== undefined && recorded.root === undefined;
}

/** Whether this is that certificate, and proves what it proved: then its root may be recorded with it. */
export function showsMissingRoot(inventory: MachineInventory, shown: ShownCertificate): boolean {
  const recorded = recordedCertificate(inventory);
  return (
    isRootMissing(inventory) &&
    shown.root !== undefined &&
    recorded?.trust === shown.trust &&
    recorded.certificateSha256 === shown.certificateSha256
  );
}

function wordFor(shown: ShownCertificate): string {
  return shown.certificateSha256 ?? NO_CERTIFICATE;
}

/** Whether an administrator names just this one. */
export function isAccepted({ metadata }: MachineInventory, shown: ShownCertificate): boolean {
  return metadata.annotations?.[ACCEPT_EK_CERTIFICATE_ANNOTATION] === wordFor(shown);
}

/**
 * Who shows a certificate holds its key, and could show the recorded one as well, which is public: another certificate of
 * the same root says nothing that the recorded one does not. Any other one does, or hides what the recorded one says.
 */
export function certificateChange(inventory: MachineInventory, shown: ShownCertificate): CertificateChange {
  const recorded = recordedCertificate(inventory);
  if (recorded === undefined || recorded.certificateSha256 === shown.certificateSha256) return "kept";
  if (isAccepted(inventory, shown)) return "accepted";
  const isSameRoot = shown.root !== undefined && shown.root === recorded.root;
  return isSameRoot && shown.trust === recorded.trust ? "renewed" : "changed";
}

/** Where the certificate is recorded for copies that have no status: null, where there is nothing to record. */
export function certificateAnnotations({
  root,
  certificateSha256,
}: Pick<ShownCertificate, "root" | "certificateSha256">): Readonly<Record<string, string | null>> {
  return {
    [EK_CERTIFICATE_ANNOTATION]: certificateSha256 ?? null,
    [EK_CERTIFICATE_ROOT_ANNOTATION]: root ?? null,
  };
}

/** What an administrator has to do, as a sentence with the command. */
export function changedSentence({ metadata }: MachineInventory, shown: ShownCertificate): string {
  const { namespace, name } = metadata;
  const what =
    shown.certificateSha256 === undefined
      ? "the machine shows no endorsement key certificate in place of the recorded one"
      : `the machine shows another endorsement key certificate than the recorded one, which proves ${shown.trust}`;
  const annotation = `${ACCEPT_EK_CERTIFICATE_ANNOTATION}=${wordFor(shown)}`;
  return `${what}; to accept that: kubectl -n ${namespace} annotate --overwrite minv ${name} ${annotation}`;
}

/** The condition of a machine that has to wait for that. */
export function changedFinding(inventory: MachineInventory, shown: ShownCertificate): Finding {
  return { type: CHANGED, status: "True", reason: "NotAccepted", message: changedSentence(inventory, shown) };
}

/** The same once the machine shows what is recorded; nothing where it never had to wait. */
export function recordedFindings({ status }: MachineInventory): readonly Finding[] {
  const wasChanged = (status?.conditions ?? []).some(({ type }) => type === CHANGED);
  const message = "the machine shows the recorded endorsement key certificate";
  return wasChanged ? [{ type: CHANGED, status: "False", reason: "Recorded", message }] : [];
}
