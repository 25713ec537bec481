/** For tests in which no machine belongs to a cluster of Rancher: whoever asks for its token anyway is told so. */
import type { ClusterTokens } from "../../../src/inventory/index.ts";

const notAskedFor = (): Promise<never> => Promise.reject(new Error("not asked for"));

export const NO_CLUSTER_TOKENS: ClusterTokens = {
  managementCluster: notAskedFor,
  create: notAskedFor,
  mark: notAskedFor,
  find: notAskedFor,
  delete: notAskedFor,
  owned: async () => undefined,
};
