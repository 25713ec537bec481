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

/** A token as it is stored. */
export interface FoundToken {
  readonly uid: string;
  readonly resourceVersion: string;
  /** UID of the MachineInventory that it was made for; undefined where it does not say. */
  readonly ownerUid: string | undefined;
  /** NAMESPACE/NAME of that. */
  readonly ownerName: string | undefined;
  /** What machines join with; undefined while it has none. */
  readonly value: string | undefined;
}

export interface ClusterTokens {
  /** Name of the management cluster behind a provisioning cluster; undefined while there is none. */
  managementCluster(namespace: string, clusterName: string): Promise<string | undefined>;
  find(where: TokenReference): Promise<FoundToken | undefined>;
  /** @throws InventoryError CLUSTER_TOKEN_NOT_ASSIGNED  while its kind or its namespace is not there */
  create(where: TokenReference, owner: TokenOwner): Promise<void>;
  /** Writes onto it whose it is. @throws KubernetesError KUBERNETES_CONFLICT where it was changed since it was found */
  mark(where: TokenReference, found: FoundToken, owner: TokenOwner): Promise<void>;
  /** One that is gone is fine, and another one of its name stays. */
  delete(where: TokenReference, found: FoundToken): Promise<void>;
  /** All tokens that say whose they are; undefined where nobody knows the kind, as without Rancher. */
  owned(): Promise<readonly OwnedToken[] | undefined>;
}
