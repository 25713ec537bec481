/** Names and versions of stored objects, straight from the API server: kubectl takes a hundred times as long to start. */
import { request } from "node:https";
import { text } from "node:stream/consumers";
import type { SharedControlPlane } from "./global-setup.ts";

export type ApiTarget = Pick<SharedControlPlane, "serverUrl" | "caPem" | "adminToken">;

export interface StoredMetadata {
  readonly name: string;
  readonly resourceVersion: string;
  readonly generation?: number;
}

const TIMEOUT_MS = 10_000;
const ACCEPT = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/** @param collection  for example `/api/v1/namespaces/x/secrets` */
export async function readMetadata(
  { serverUrl, caPem, adminToken }: ApiTarget,
  collection: string,
): Promise<readonly StoredMetadata[]> {
  const answer = await new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
    const headers = { accept: ACCEPT, authorization: `Bearer ${adminToken}` };
    const options = { ca: caPem, headers, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const asking = request(`${serverUrl}${collection}`, options, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    asking.on("error", reject).end();
  });
  if (answer.status !== 200) throw new Error(`${collection} was answered by ${answer.status}: ${answer.body}`);
  // The API server writes null for an empty list.
  const { items } = JSON.parse(answer.body) as {
    readonly items: readonly { readonly metadata: StoredMetadata }[] | null;
  };
  return (items ?? []).map(({ metadata }) => metadata);
}
