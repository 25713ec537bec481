/** A certificate that was given as files, as a Secret of cert-manager is mounted: renewed without a restart. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rootCertificates } from "node:tls";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { visitAttested, channelAt } from "../../machine/attested-visit.ts";
import { eventually } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { readSamples } from "../../operator/read-samples.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { createAuthority, type ServerCertificate } from "../../registration/authority.ts";
import { weakCertificate } from "../../registration/weak-certificate.ts";
import { createSoftwareTpm } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
/** Its registrations and their tokens; the one that is tried shares them. */
const used = useOperator(target, "given");
const authority = createAuthority("Example CA");
const first = authority.issue({ names: ["127.0.0.1"] });
const second = authority.issue({ names: ["127.0.0.1"] });
let operator: OperatorProcess;
let token: string;
let version = 0;
const mounted = (): string => path.join(used.folder, "mounted");

/** As a kubelet does: a new folder, and one rename that makes it the one that counts. */
function mount({ cert, key }: ServerCertificate, ca: string): void {
  version += 1;
  const folder = path.join(used.folder, `version-${version}`);
  mkdirSync(folder);
  for (const [name, text] of Object.entries({ "tls.crt": cert, "tls.key": key, "ca.crt": ca })) {
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  }
  symlinkSync(folder, path.join(used.folder, "next"));
  renameSync(path.join(used.folder, "next"), mounted());
}

const cacerts = async (): Promise<string> =>
  (await fetch(`${operator.httpUrl}/v1-rancheros/cacerts`, { signal: AbortSignal.timeout(5_000) })).text();

beforeAll(async () => {
  ({ token } = await used.makeDoor("door"));
  mount(first, authority.certificatePem);
  operator = await startOperator({
    folder: used.folder,
    name: "given",
    kubeconfigPath: target.kubeconfigPath,
    namespace: used.namespace,
    watchNamespace: used.namespace,
    serverUrl: used.operator.httpsUrl,
    flags: [
      `--tls-cert-file=${path.join(mounted(), "tls.crt")}`,
      `--tls-key-file=${path.join(mounted(), "tls.key")}`,
      `--ca-file=${path.join(mounted(), "ca.crt")}`,
    ],
  });
});
afterAll(async () => operator.stop());

it("is shown to the next machine, a pair that does not fit is not, and who saw the one before is served", async () => {
  const before = await channelAt(operator.httpsUrl);
  const comesIn = async (channel: Buffer): Promise<string> => {
    const purpose = { kind: "registration", token } as const;
    return (await visitAttested({ next: () => operator.httpUrl, tpm: createSoftwareTpm(), channel, purpose })).approval;
  };
  expect(await comesIn(before)).toBe("Approved");

  mount({ cert: second.cert, key: first.key }, authority.certificatePem);
  await eventually(
    async () => (operator.log().includes("CERTIFICATE_INVALID") ? true : undefined),
    "it does not take a key of another certificate",
  );
  expect(await channelAt(operator.httpsUrl)).toEqual(before);

  // Twice what TLS refuses: neither may come to count as what machines see.
  const cutOff = { cert: second.cert + authority.certificatePem.slice(0, 200), key: second.key };
  for (const [pair, reason] of [
    [weakCertificate(), "key too small"],
    [cutOff, "end line"],
  ] as const) {
    mount(pair, authority.certificatePem);
    await eventually(async () => (operator.log().includes(reason) ? true : undefined), `it says why: ${reason}`);
  }
  expect(operator.log()).toContain("tls.crt");
  expect(await channelAt(operator.httpsUrl)).toEqual(before);
  expect(await comesIn(before)).toBe("Approved");

  const other = rootCertificates[0] ?? "";
  mount(second, `${authority.certificatePem}${other}\n`);
  const after = await eventually(async () => {
    const shown = await channelAt(operator.httpsUrl);
    return shown.equals(before) ? undefined : shown;
  }, "it shows the new one");
  for (const channel of [before, after]) expect(await comesIn(channel)).toBe("Approved");
  await eventually(async () => ((await cacerts()).includes(other) ? true : undefined), "it gives the new CAs out");
  const samples = await readSamples(operator.healthUrl);
  const ends = samples.filter(({ name }) => name === "rancheros_certificate_expiry_timestamp_seconds");
  expect(ends.map(({ labels }) => labels["certificate"])).toEqual(["serving"]);
});
