/** Names of the API group, and the keys that the operator writes on its objects. */

export const API_GROUP = "rancheros.cattle.io";
export const API_VERSION = "v1";
/** `apiVersion` of every object of the group. */
export const GROUP_VERSION = `${API_GROUP}/${API_VERSION}`;

/** Label on a MachineInventory: name of the MachineRegistration that it came through. */
export const REGISTRATION_LABEL = `${API_GROUP}/machine-registration`;

/** Type of a Secret that holds a machine's shared secret under the key `token`. */
export const MACHINE_TOKEN_SECRET_TYPE = `${API_GROUP}/token`;

/** Finalizer of a MachineInventory whose ClusterRegistrationToken must go with it. */
export const CLUSTER_TOKEN_FINALIZER = `${API_GROUP}/cluster-registration-token`;

/** Finalizer that the original operator left on MachineInventories; nobody else removes it. */
export const LEGACY_INVENTORY_FINALIZER = "wrangler.cattle.io/machine-inventory-remove";
