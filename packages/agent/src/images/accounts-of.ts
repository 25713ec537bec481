/** Of a plan's accounts, those of one registry. */
import type { RegistryAccount } from "./registries.ts";

/** As plans have them: for one registry host each; of one host there may be several. */
export interface HostAccount extends RegistryAccount {
  readonly registry: string;
}

/** @returns all of them, which plans bound, in their order, which is the one in which they are tried */
export function accountsOf(credentials: readonly HostAccount[], host: string): readonly RegistryAccount[] {
  return credentials.filter(({ registry }) => registry === host);
}
