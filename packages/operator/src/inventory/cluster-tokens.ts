/** What inventories need of whoever manages clusters: a token for each machine that belongs to one. */

/** Where a ClusterRegistrationToken is. */
export interface TokenReference {
  readonly namespace: string;
  readonly name: string;
}

export interface ClusterTokens {
  /** Name of the management cluster behind a provisioning cluster; undefined while there is none. */
  managementCluster(namespace: string, clusterName: string): Promise<string | undefined>;
  /** Makes the token's object unless it is there. */
  ensure(where: TokenReference): Promise<void>;
  /** Deletes it; one that is gone is fine. */
  delete(where: TokenReference): Promise<void>;
  /** The token's value; undefined while it has none. */
  read(where: TokenReference): Promise<string | undefined>;
}
