/** What inventories need of whoever manages clusters: a token for each machine that belongs to one. */

/** Where a ClusterRegistrationToken is. */
export interface TokenReference {
  readonly namespace: string;
  readonly name: string;
}

/** The MachineInventory that a token was made for. */
export interface TokenOwner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A token that says whose it is. */
export interface OwnedToken {
  readonly where: TokenReference;
  readonly owner: TokenOwner;
}

export interface ClusterTokens {
  /** Name of the management cluster behind a provisioning cluster; undefined while there is none. */
  managementCluster(namespace: string, clusterName: string): Promise<string | undefined>;
  /**
   * Makes the token's object unless this machine has it.
   * @throws InventoryError CLUSTER_TOKEN_NOT_ASSIGNED  while the token of an earlier machine of that name is going
   */
  ensure(where: TokenReference, owner: TokenOwner): Promise<void>;
  /** Deletes it; one that is gone is fine, and one of another machine stays. */
  delete(where: TokenReference, ownerUid: string): Promise<void>;
  /** All tokens that say whose they are; none where there is no Rancher. */
  owned(): Promise<readonly OwnedToken[]>;
  /** The token's value; undefined while it has none. */
  read(where: TokenReference): Promise<string | undefined>;
}
