/** ManagedOSVersions of channels at the API server. */
import {
  API_GROUP,
  API_VERSION,
  CHANNEL_LABEL,
  CHANNEL_NAME_ANNOTATION,
  GROUP_VERSION,
  managedOSImage,
  managedOSVersion,
  NO_LONGER_IN_SYNC_ANNOTATION,
  type ManagedOSVersionChannel,
} from "@rancheros/protocol/resources";
import { hasCode } from "@rancheros/protocol/errors";
import { collectionPath, readOrNothing, type Kubernetes } from "../../controller/index.ts";
import type { VersionWrites } from "../apply-sync.ts";
import type { Wanted } from "../channel-list.ts";
import { labelValue } from "../object-name.ts";
import type { StoredVersion } from "../plan-sync.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface StoredObject extends StoredVersion {
  readonly metadata: Fields;
  readonly resourceVersion: string;
  readonly uid: string;
}

const KIND = "ManagedOSVersion";
const CHANNEL_KIND = "ManagedOSVersionChannel";
const GROUP_PATH = `/apis/${API_GROUP}/${API_VERSION}`;
const LIST_TIMEOUT_MS = 60_000;
const PAGE = 500;

function fieldsAt(holder: unknown, key: string): Fields {
  const value: unknown = typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value));
}

function textAt(holder: unknown, key: string): string {
  const value: unknown = typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
  return typeof value === "string" ? value : "";
}

function texts(fields: Fields): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields).filter((one): one is [string, string] => typeof one[1] === "string"),
  );
}

function storedObject(object: unknown): StoredObject {
  const metadata = fieldsAt(object, "metadata");
  return {
    name: textAt(metadata, "name"),
    uid: textAt(metadata, "uid"),
    resourceVersion: textAt(metadata, "resourceVersion"),
    beingDeleted: textAt(metadata, "deletionTimestamp") !== "",
    annotations: texts(fieldsAt(metadata, "annotations")),
    metadata,
    spec: fieldsAt(object, "spec"),
  };
}

function ownersOf({ metadata }: StoredObject): readonly unknown[] {
  const owners = metadata["ownerReferences"];
  return Array.isArray(owners) ? owners : [];
}

function isOwnedBy(stored: StoredObject, uid: string): boolean {
  return ownersOf(stored).some((owner) => textAt(owner, "uid") === uid);
}

/** All items of a list, page by page. @throws KubernetesError */
async function listAll(
  kubernetes: Kubernetes,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<unknown[]> {
  const items: unknown[] = [];
  for (let next = "", isFirst = true; isFirst || next !== ""; isFirst = false) {
    const search = new URLSearchParams({ ...query, limit: String(PAGE), ...(next === "" ? {} : { continue: next }) });
    const page = await kubernetes.send({
      method: "GET",
      path: `${path}?${search.toString()}`,
      timeoutMs: LIST_TIMEOUT_MS,
    });
    const list: unknown = typeof page === "object" && page !== null && "items" in page ? page.items : [];
    if (Array.isArray(list)) items.push(...list);
    next = textAt(fieldsAt(page, "metadata"), "continue");
  }
  return items;
}

function pathOf(namespace: string, name?: string): string {
  const path = collectionPath(GROUP_PATH, managedOSVersion.plural, namespace);
  return name === undefined ? path : `${path}/${encodeURIComponent(name)}`;
}

/** What the channel owns, whoever has changed it since. @throws KubernetesError */
export async function storedVersions(
  kubernetes: Kubernetes,
  { metadata }: ManagedOSVersionChannel,
): Promise<readonly StoredObject[]> {
  const items = await listAll(kubernetes, pathOf(metadata.namespace), {
    labelSelector: `${CHANNEL_LABEL}=${labelValue(metadata.name)}`,
  });
  return items.map(storedObject).filter((one) => isOwnedBy(one, metadata.uid));
}

/** @throws KubernetesError */
export async function versionsInUse(kubernetes: Kubernetes, namespace: string): Promise<ReadonlySet<string>> {
  const items = await listAll(kubernetes, collectionPath(GROUP_PATH, managedOSImage.plural, namespace), {});
  const names = items.map((image) => textAt(fieldsAt(image, "spec"), "managedOSVersionName"));
  return new Set(names.filter((name) => name !== ""));
}

function bodyOf(channel: ManagedOSVersionChannel, wanted: Wanted, stored: StoredObject | undefined): object {
  const { name, namespace, uid } = channel.metadata;
  const owner = { apiVersion: GROUP_VERSION, kind: CHANNEL_KIND, name, uid, controller: true };
  const {
    [NO_LONGER_IN_SYNC_ANNOTATION]: _marked,
    [CHANNEL_NAME_ANNOTATION]: _called,
    ...annotations
  } = stored?.annotations ?? {};
  const called = wanted.nameInChannel === undefined ? {} : { [CHANNEL_NAME_ANNOTATION]: wanted.nameInChannel };
  return {
    apiVersion: GROUP_VERSION,
    kind: KIND,
    metadata: {
      ...stored?.metadata,
      name: wanted.name,
      namespace,
      labels: { ...fieldsAt(stored?.metadata, "labels"), [CHANNEL_LABEL]: labelValue(name) },
      annotations: { ...annotations, ...called },
      ownerReferences: stored === undefined ? [owner] : ownersOf(stored),
    },
    spec: wanted.spec,
  };
}

/** @param kubernetes  of the replica that leads */
export function versionWrites(kubernetes: Kubernetes, channel: ManagedOSVersionChannel): VersionWrites<StoredObject> {
  const { name: channelName, namespace, uid: channelUid } = channel.metadata;
  const preconditions = ({ uid, resourceVersion }: StoredObject): object => ({ uid, resourceVersion });

  return {
    async create(wanted) {
      await kubernetes.send({ method: "POST", path: pathOf(namespace), body: bodyOf(channel, wanted, undefined) });
    },
    async read(name) {
      const object = await readOrNothing(kubernetes, pathOf(namespace, name));
      if (object === undefined) return undefined;
      const stored = storedObject(object);
      if (isOwnedBy(stored, channelUid)) return { by: "us", stored };
      const isNamesake = ownersOf(stored).some(
        (owner) => textAt(owner, "kind") === CHANNEL_KIND && textAt(owner, "name") === channelName,
      );
      return { by: isNamesake ? "a channel of our name" : "somebody else", stored };
    },
    async replace(stored, wanted) {
      // The resource version in it makes a write on a changed object fail.
      const path = pathOf(namespace, stored.name);
      await kubernetes.send({ method: "PUT", path, body: bodyOf(channel, wanted, stored) });
    },
    async mark(stored) {
      await kubernetes.send({
        method: "PATCH",
        path: pathOf(namespace, stored.name),
        contentType: "application/merge-patch+json",
        body: { metadata: { ...preconditions(stored), annotations: { [NO_LONGER_IN_SYNC_ANNOTATION]: "true" } } },
      });
    },
    async remove(stored) {
      const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions: preconditions(stored) };
      try {
        await kubernetes.send({ method: "DELETE", path: pathOf(namespace, stored.name), body });
      } catch (error) {
        if (!hasCode(error, "KUBERNETES_NOT_FOUND")) throw error;
      }
    },
  };
}
