/** Names of the API group, and the keys that the operator writes on its objects. */

export const API_GROUP = "rancheros.cattle.io";
export const API_VERSION = "v1";
/** `apiVersion` of every object of the group. */
export const GROUP_VERSION = `${API_GROUP}/${API_VERSION}`;

/** Label on a MachineInventory: name of the MachineRegistration that it came through. */
export const REGISTRATION_LABEL = `${API_GROUP}/machine-registration`;

/** Label on a MachineInventory: who vouches for its endorsement key, hardware, virtual or none. */
export const TRUST_LABEL = `${API_GROUP}/trust`;

/**
 * Annotation on a MachineInventory: newest version of the protocol that its machine has used. Who takes it away lets the
 * machine go back to an older one.
 */
export const PROTOCOL_ANNOTATION = `${API_GROUP}/protocol`;

/** Annotation on a MachineInventory: the challenge that it was made for, as status.attestation.challenge later. */
export const CHALLENGE_ANNOTATION = `${API_GROUP}/challenge`;

/**
 * Annotation on a MachineInventory: any text. A machine on which an upgrade went wrong tries it again when the text is
 * another one than at that time.
 */
export const RETRY_UPGRADE_ANNOTATION = `${API_GROUP}/retry-upgrade`;

/** Label on a ManagedOSVersion: name of the ManagedOSVersionChannel that it came from. */
export const CHANNEL_LABEL = `${API_GROUP}/channel`;

/** Annotation on a ManagedOSVersion: "true" where its channel does not have it any more. */
export const NO_LONGER_IN_SYNC_ANNOTATION = `${API_GROUP}/channel-no-longer-in-sync`;

/** Annotation on a ManagedOSVersion: what its channel calls it, where that is no name of an object. */
export const CHANNEL_NAME_ANNOTATION = `${API_GROUP}/name-in-channel`;

/** Annotation on a ManagedOSVersionChannel: any text. With another one than at the last time it is read at once. */
export const SYNC_ANNOTATION = `${API_GROUP}/sync`;

/**
 * Annotation on a MachineInventory: SHA-256 of the recorded endorsement key certificate, where there is one; as
 * status.attestation.certificateSha256, which no backup brings back.
 */
export const EK_CERTIFICATE_ANNOTATION = `${API_GROUP}/ek-certificate`;

/** Annotation beside it: subject of the root that vouches for that certificate, as status.attestation.root. */
export const EK_CERTIFICATE_ROOT_ANNOTATION = `${API_GROUP}/ek-certificate-root`;

/**
 * Annotation on a MachineInventory with which an administrator lets its machine show another endorsement key certificate
 * than the recorded one: the SHA-256 of that certificate, or none. It is taken away when it was used.
 */
export const ACCEPT_EK_CERTIFICATE_ANNOTATION = `${API_GROUP}/accept-ek-certificate`;

/** Type of a Secret that holds a registration's token under the key `token`. */
export const REGISTRATION_TOKEN_SECRET_TYPE = `${API_GROUP}/registration-token`;

/** Type of a Secret that holds a machine's shared secret under the key `token`. */
export const MACHINE_TOKEN_SECRET_TYPE = `${API_GROUP}/token`;

/** Label on a ClusterRegistrationToken: uid of the MachineInventory that it was made for. */
export const INVENTORY_UID_LABEL = `${API_GROUP}/machine-inventory-uid`;

/** Annotation beside that label: NAMESPACE/NAME of the MachineInventory. */
export const INVENTORY_NAME_ANNOTATION = `${API_GROUP}/machine-inventory`;

/** Finalizer that earlier versions of the operator left on MachineInventories with a cluster. */
export const CLUSTER_TOKEN_FINALIZER = `${API_GROUP}/cluster-registration-token`;

/** Finalizer that the original operator left on MachineInventories; nobody else removes it. */
export const LEGACY_INVENTORY_FINALIZER = "wrangler.cattle.io/machine-inventory-remove";
