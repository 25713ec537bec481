/** Which test files begin first, so that at the end none runs alone. */
import path from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const ROOT = path.resolve(import.meta.dirname, "..");

/**
 * Seconds that files took in a whole run of the integration tests, five and more, for most of which they wait: their size, by
 * which vitest sorts what it has never run, tells nothing of that.
 */
export const FILE_SECONDS: Readonly<Record<string, number>> = {
  "test/integration/rollout/killed-parts.test.ts": 260,
  "test/integration/rollout/whole-rollout.test.ts": 143,
  "test/integration/rollout/fault-points.test.ts": 100,
  "packages/agent/test/integration/tpm/interruption.test.ts": 94,
  "test/integration/rollout/bad-input.test.ts": 72,
  "test/integration/operator/rollout-kills.test.ts": 63,
  "packages/cli/test/integration/bundle.test.ts": 62,
  "test/integration/drain-parity/dry-run.test.ts": 61,
  "packages/agent/test/integration/slots/first-program.test.ts": 57,
  "test/integration/operator/leadership.test.ts": 54,
  "test/integration/operator/outage.test.ts": 53,
  "packages/agent/test/integration/containers/resumed-pull.test.ts": 52,
  "test/integration/hostile/certificates.test.ts": 52,
  "test/integration/operator/registration-token.test.ts": 51,
  "packages/agent/test/integration/containers/run-container.test.ts": 47,
  "packages/cli/test/integration/install.test.ts": 46,
  "test/integration/chart/release.test.ts": 46,
  "test/integration/chart/neighbours.test.ts": 45,
  "test/integration/drain-parity/real.test.ts": 43,
  "test/integration/operator-image/operator-image.test.ts": 41,
  "test/integration/interop/go-server.test.ts": 39,
  "test/integration/operator/rollout-places.test.ts": 39,
  "test/integration/operator/rollout.test.ts": 38,
  "packages/agent/test/integration/containers/killed-agent.test.ts": 35,
  "packages/agent/test/integration/containers/engines.test.ts": 33,
  "packages/agent/test/integration/containers/remove-image.test.ts": 32,
  "packages/agent/test/integration/tpm/endorsement-kinds.test.ts": 30,
  "packages/agent/test/integration/upgrade/real-image.test.ts": 30,
  "packages/cli/test/integration/doctor.test.ts": 30,
  "test/integration/operator/tunnel.test.ts": 30,
  "packages/cli/test/integration/register-refused.test.ts": 29,
  "packages/agent/test/integration/containers/pull-image.test.ts": 28,
  "test/integration/drain-parity/cli.test.ts": 28,
  "test/integration/chart/rights.test.ts": 27,
  "test/integration/control-plane/control-plane.test.ts": 27,
  "test/integration/operator/connections.test.ts": 27,
  "test/integration/operator/wrong-clock.test.ts": 27,
  "packages/agent/test/integration/drain/drain.test.ts": 26,
  "packages/agent/test/integration/tpm/attestation.test.ts": 25,
  "packages/agent/test/integration/drain/outage.test.ts": 24,
  "test/integration/drain-parity/deviations.test.ts": 24,
  "test/integration/hostile/late.test.ts": 24,
  "packages/agent/test/integration/install/two-disks.test.ts": 23,
  "packages/cli/test/integration/register-silence.test.ts": 23,
  "packages/cli/test/integration/register.test.ts": 23,
  "test/integration/chart/render.test.ts": 23,
  "test/integration/operator/given-certificate.test.ts": 40,
  "test/integration/operator/rolling-update.test.ts": 23,
  "packages/agent/test/integration/slots/write-slot.test.ts": 22,
  "packages/cli/test/integration/register-attested.test.ts": 22,
  "test/integration/end-to-end/machine-attests.test.ts": 22,
  "test/integration/hostile/legacy.test.ts": 22,
  "test/integration/drain-parity/controllers.test.ts": 21,
  "test/integration/operator/inventory-status.test.ts": 21,
  "packages/agent/test/integration/slots/state-room.test.ts": 20,
  "packages/operator/test/integration/attestation/activate-credential.test.ts": 20,
  "test/integration/operator/rollout-silence.test.ts": 20,
  "packages/cli/test/integration/single-executable.test.ts": 18,
  "packages/operator/test/integration/attestation/endorsed-tpm.test.ts": 18,
  "test/integration/operator/inventory.test.ts": 18,
  "packages/agent/test/integration/tpm/broken-tpm.test.ts": 17,
  "packages/cli/test/integration/command-line.test.ts": 17,
  "packages/cli/test/integration/register-network.test.ts": 17,
  "test/integration/end-to-end/vouched-machines.test.ts": 17,
  "packages/cli/test/integration/doctor-node.test.ts": 16,
  "test/integration/end-to-end/tls-in-front.test.ts": 16,
  "test/integration/operator/channels.test.ts": 16,
  "test/integration/operator/registration.test.ts": 16,
  "test/integration/operator/rollout-secrets.test.ts": 16,
  "test/integration/hostile/program.test.ts": 15,
  "test/integration/interop/go-client-asks.test.ts": 15,
  "test/integration/interop/go-client-registers.test.ts": 15,
  "test/integration/interop/legacy-operator.test.ts": 15,
  "test/integration/operator/api-faults.test.ts": 15,
  "test/integration/operator/restore.test.ts": 15,
  "test/integration/resources/crds.test.ts": 15,
  "packages/agent/test/integration/cloud-config/cloud-init.test.ts": 14,
  "packages/cli/test/integration/doctor-hangs.test.ts": 14,
  "packages/cli/test/integration/drain.test.ts": 14,
  "test/integration/end-to-end/machine-joins.test.ts": 14,
  "test/integration/hostile/doors.test.ts": 14,
  "test/integration/operator/ek-certificate.test.ts": 14,
  "test/integration/operator/rancher-appears.test.ts": 14,
  "packages/agent/test/integration/upgrade/killed-agent.test.ts": 13,
  "packages/agent/test/integration/cloud-config/apply.test.ts": 12,
  "packages/cli/test/integration/config-killed.test.ts": 12,
  "packages/cli/test/integration/get-tpm-hash.test.ts": 12,
  "test/integration/tpm-attestation.test.ts": 12,
  "packages/agent/test/integration/containers/read-image-files.test.ts": 11,
  "packages/agent/test/integration/tpm/endorsement-key.test.ts": 11,
  "packages/cli/test/integration/upgrade-commands.test.ts": 11,
  "test/integration/chart/helm-3.test.ts": 11,
  "test/integration/hostile/canary.test.ts": 11,
  "test/integration/kubelets/kubelets.test.ts": 11,
  "test/integration/operator/host-names.test.ts": 11,
  "test/integration/operator/renewal.test.ts": 11,
  "packages/cli/test/integration/learned-ca.test.ts": 10,
  "packages/cli/test/integration/register-apply.test.ts": 10,
  "test/integration/operator/ca-rotation.test.ts": 10,
  "test/integration/resources/migration.test.ts": 10,
  "packages/agent/test/integration/hardware/read-hardware.test.ts": 9,
  "packages/agent/test/integration/images/signed-images.test.ts": 9,
  "packages/cli/test/integration/register-proxy.test.ts": 9,
  "packages/cli/test/integration/register-tpm.test.ts": 9,
  "packages/operator/test/integration/registry/resolve-digest.test.ts": 9,
  "packages/operator/test/integration/tunnel/tunnel-session.test.ts": 9,
  "test/integration/operator/boot-files.test.ts": 9,
  "test/integration/operator/channel-pods.test.ts": 9,
  "test/integration/operator/rollout-signatures.test.ts": 9,
  "packages/agent/test/integration/containers/private-registries.test.ts": 8,
  "packages/cli/test/integration/register-check.test.ts": 7,
  "packages/operator/test/integration/registry/hostile-registry.test.ts": 7,
  "test/integration/chart/kinds-of-others.test.ts": 9,
  "test/integration/chart/alerts.test.ts": 7,
  "test/integration/operator/defaults.test.ts": 7,
  "packages/agent/test/integration/programs/stuck-programs.test.ts": 6,
  "test/integration/operator/approval.test.ts": 6,
  "test/integration/operator/attestation-refused.test.ts": 6,
  "test/integration/operator/attestation.test.ts": 6,
  "test/integration/operator/failed-challenges.test.ts": 6,
  "test/integration/registry/images.test.ts": 6,
  "test/integration/tpm-swtpm.test.ts": 6,
  "packages/agent/test/integration/kubernetes/client.test.ts": 5,
  "packages/cli/test/integration/doctor-archive.test.ts": 5,
  "test/integration/hostile/seen.test.ts": 5,
  "test/integration/operator/upgrade-endpoints.test.ts": 5,
};

/** Files that start containers, for which the runtimes have deadlines: the more of them run at a time, the less is left of those. */
const WITH_CONTAINERS = /\/integration\/(rollout|containers|operator-image)\/|\/upgrade\/real-image/;
const CONTAINERS_AT_ONCE = 2;

/** So many files at a time are meant; more than the two cores that it is measured on, as most of a file's time is waiting. */
export const WORKERS = 3;

interface Worker {
  readonly untilSeconds: number;
  readonly hasContainers: boolean;
}

/**
 * The longest ones first, but so that of those which start containers no more than two fall together, as far as their
 * seconds are known.
 * @param names  relative to the root of the repository
 */
export function fileOrder(names: readonly string[], workers: number): readonly string[] {
  const seconds = (name: string): number => FILE_SECONDS[name] ?? 0;
  const left = names.toSorted((one, other) => seconds(other) - seconds(one));
  const order: string[] = [];
  let running: Worker[] = Array.from({ length: workers }, () => ({ untilSeconds: 0, hasContainers: false }));
  while (left.length > 0) {
    const nowSeconds = Math.min(...running.map(({ untilSeconds }) => untilSeconds));
    const others = running.toSorted((one, other) => one.untilSeconds - other.untilSeconds).slice(1);
    const isFull = others.filter(({ hasContainers }) => hasContainers).length >= CONTAINERS_AT_ONCE;
    const at = isFull ? left.findIndex((name) => !WITH_CONTAINERS.test(name)) : 0;
    const [name = ""] = left.splice(Math.max(at, 0), 1);
    order.push(name);
    const hasContainers = WITH_CONTAINERS.test(name);
    running = [...others, { untilSeconds: nowSeconds + Math.max(1, seconds(name)), hasContainers }];
  }
  return order;
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const nameOf = ({ moduleId }: TestSpecification): string => path.relative(ROOT, moduleId);
    const sorted = await super.sort(files);
    const place = new Map(fileOrder(sorted.map(nameOf), WORKERS).map((name, at) => [name, at]));
    return sorted.toSorted((one, other) => (place.get(nameOf(one)) ?? 0) - (place.get(nameOf(other)) ?? 0));
  }
}
