/** A channel as the API server would have it. */
import type { ManagedOSVersionChannel } from "@rancheros/protocol/resources";

export function channelOf(
  spec: Partial<ManagedOSVersionChannel["spec"]> = {},
  more: Partial<Pick<ManagedOSVersionChannel, "status">> & { readonly metadata?: object } = {},
): ManagedOSVersionChannel {
  const metadata = { name: "stable", namespace: "n", uid: "channel-uid", resourceVersion: "1", generation: 1 };
  return {
    metadata: { ...metadata, ...more.metadata },
    spec: { type: "json", options: { uri: "https://example.com/list.json" }, ...spec },
    ...(more.status === undefined ? {} : { status: more.status }),
  };
}
