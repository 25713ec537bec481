/** Of MachineInventories with one endorsement key, the one made first is the machine's; the others are told so, and wait. */
import type { MachineInventory, MachineInventoryStatus } from "@rancheros/protocol/resources";
import type { NamedObject } from "../controller/index.ts";
import type { Finding } from "./conditions.ts";
import { InventoryError } from "./errors.ts";

const DUPLICATE = "Duplicate";

function saidOf(status: MachineInventoryStatus | undefined) {
  const said = (status?.conditions ?? []).find(({ type }) => type === DUPLICATE);
  return said?.status === "True" ? said : undefined;
}

function sentenceFor({ metadata: { namespace, name } }: NamedObject): string {
  return `MachineInventory ${namespace}/${name} has the same endorsement key and was made first, so the machine is that one's and this one gets none: delete the one of both that you do not want`;
}

/** What the status of this one says of another one; undefined where it says that there is none, or nothing. */
export function duplicateSaid({ status }: Pick<MachineInventory, "status">): string | undefined {
  return saidOf(status)?.message;
}

/** What it is to say. @param first  whose the machine is, where it is not this one's */
export function duplicateSentence(first: NamedObject | undefined): string | undefined {
  return first === undefined ? undefined : sentenceFor(first);
}

/** The same as conditions; nothing where there never was another one. */
export function duplicateFindings({ status }: MachineInventory, first: NamedObject | undefined): readonly Finding[] {
  if (first !== undefined) {
    return [{ type: DUPLICATE, status: "True", reason: "MadeLater", message: sentenceFor(first) }];
  }
  if (saidOf(status) === undefined) return [];
  const message = "no MachineInventory with the same endorsement key was made before this one";
  return [{ type: DUPLICATE, status: "False", reason: "MadeFirst", message }];
}

export function duplicateError({ metadata }: NamedObject, first: NamedObject): InventoryError {
  const { namespace, name } = metadata;
  return new InventoryError("INVENTORY_DUPLICATE", `of MachineInventory ${namespace}/${name}: ${sentenceFor(first)}`);
}
