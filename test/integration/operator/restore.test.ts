/** The commands of docs/operations.md: everything is dumped, lost and restored, and machines are who they were. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { createNamespace, removeNamespace, useNamespace } from "../../control-plane/namespace.ts";
import { pageCommands, runCommands } from "../../control-plane/page-commands.ts";
import { askMachine, channelAt, refusalOf, visitAttested } from "../../machine/attested-visit.ts";
import { visit } from "../../machine/visit.ts";
import { testChannels } from "../../operator/channels.ts";
import { eventually, getObject, listInventories, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { conditionOf, rolloutImages } from "../../operator/rollout-images.ts";
import { startStrangeServer } from "../../registry/strange-server.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const own = useNamespace(target, "restore-own");
const fleet = useNamespace(target, "restore-fleet");
/** One more with machines, which no operator looks at. */
const other = useNamespace(target, "restore-other");
const folder = mkdtempSync(path.join(tmpdir(), "restore-"));
const ak = generateAttestationKey("rsa");
const IMAGE = {
  apiVersion: "rancheros.cattle.io/v1",
  kind: "ManagedOSImage",
  spec: { concurrency: 0, targets: [] },
} as const;
const SECRETS = ["rancheros-operator-tls", "rancheros-session-keys"];
let operator: OperatorProcess;

/** As somebody would who has set NAMESPACE and FLEET. @returns what is printed */
async function run(words: string, FLEET = fleet): Promise<string> {
  const environment = { NAMESPACE: own, FLEET };
  return runCommands(target, pageCommands("operations.md", words), { folder, environment, asTyped: true });
}

const BACKUP = ["> operator.json.new", '> "objects-$FLEET.json.new"'] as const;
const RESTORE = ["operator.json |", '-f "objects-$FLEET.json"'] as const;

async function start(name: string): Promise<OperatorProcess> {
  // With its namespace its ServiceAccount is gone as well, which helm would bring back.
  const place = {
    kubeconfigPath: target.kubeconfigPath,
    namespace: own,
    watchNamespace: fleet,
    rights: "given",
  } as const;
  return startOperator({
    folder,
    name,
    ...place,
    serverUrl: "https://operator.example.com",
    flags: ["--status-delay=1"],
  });
}

/** All is dumped, all that is in both namespaces is lost, and what was dumped is put back; no operator runs then. */
async function loseAndRestore(): Promise<void> {
  await run(BACKUP[0]);
  for (const namespace of [fleet, other]) await run(BACKUP[1], namespace);
  await operator.stop();
  // Of an operator that still made the CA's Secret of another type.
  const file = path.join(folder, "operator.json");
  writeFileSync(file, readFileSync(file, "utf8").replace('"type": "Opaque"', '"type": "kubernetes.io/tls"'));
  for (const namespace of [own, fleet, other]) {
    await removeNamespace(target, namespace);
    await createNamespace(target, namespace);
  }
  expect(await listInventories(target, fleet)).toEqual([]);
  // As the chart makes them before the operator runs.
  const metadata = SECRETS.map((name) => ({ name, namespace: own }));
  const empty = metadata.map((one) => ({ apiVersion: "v1", kind: "Secret", type: "Opaque", metadata: one }));
  await applyObjects(target, ...empty);
  await run(RESTORE[0]);
  for (const namespace of [fleet, other]) await run(RESTORE[1], namespace);
  for (const name of SECRETS) {
    const secret = await getObject(target, "secret", own, name);
    expect(Object.keys((secret as unknown as { readonly data: object }).data), name).not.toEqual([]);
    // Where kubectl keeps what was applied, a key would stay that the operator throws away one day.
    expect(secret?.metadata.annotations).toBeUndefined();
  }
}

beforeAll(async () => {
  operator = await start("before");
});
afterAll(async () => {
  await operator.stop();
  rmSync(folder, { recursive: true, force: true });
});

it("a backup that is restored keeps tokens, the CA, approvals, and who machines are", async () => {
  const made = await makeRegistration(target, fleet, "door", { attestation: { approval: "manual" } });
  const open = await makeRegistration(target, fleet, "open");
  const [approved, waiting, legacy] = [createSoftwareTpm({ ak }), createSoftwareTpm({ ak }), createSoftwareTpm({ ak })];
  const channel = await channelAt(operator.httpsUrl);
  const next = (): string => operator.httpUrl;
  const through = { kind: "registration", token: made.token } as const;
  const first = await visitAttested({ next, tpm: approved, channel, purpose: through });
  await visitAttested({ next, tpm: waiting, channel, purpose: through });
  const legacyUrl = (): string => `${operator.httpUrl}/v1-rancheros/registration/${open.token}`;
  expect((await visit({ url: legacyUrl(), tpm: legacy })).close?.code).toBe(1000);
  await kubectl(target, [
    "patch",
    "machineinventory",
    first.machine.name,
    `--namespace=${fleet}`,
    "--type=merge",
    '--patch={"spec":{"approval":"Approved","clusterName":"edge"}}',
  ]);
  const spec = { ...IMAGE.spec, osImage: "127.0.0.1:1/os:1" };
  await applyObjects(target, { ...IMAGE, metadata: { name: "os", namespace: fleet }, spec });
  const anchors = {
    metadata: { name: "rancheros-trust-anchors", namespace: own },
    data: { "maker.pem": "a certificate" },
  };
  const elsewhere = {
    metadata: { name: "of-other", namespace: other },
    spec: { ...IMAGE.spec, osImage: "127.0.0.1:1/os:2" },
  };
  await applyObjects(target, { apiVersion: "v1", kind: "ConfigMap", ...anchors }, { ...IMAGE, ...elsewhere });
  const before = await listInventories(target, fleet);

  await loseAndRestore();
  operator = await start("after");

  expect((await makeRegistration(target, fleet, "door", { attestation: { approval: "manual" } })).token).toBe(
    made.token,
  );
  expect(await channelAt(operator.httpsUrl)).toEqual(channel);
  // Without an owner it would stay, and let machines in through the next registration of the name.
  const mreg = await getObject(target, "machineregistration", fleet, "open");
  const owned = `--for=jsonpath={.metadata.ownerReferences[*].uid}=${mreg?.metadata.uid}`;
  await kubectl(target, ["wait", owned, "secret/registration-open", "-n", fleet, "--timeout=20s"]);
  const after = await listInventories(target, fleet);
  expect(after.map(({ metadata, spec }) => [metadata.name, spec])).toEqual(
    before.map(({ metadata, spec }) => [metadata.name, spec]),
  );
  expect((await getObject(target, "managedosimage", fleet, "os"))?.spec["osImage"]).toBe("127.0.0.1:1/os:1");
  expect((await getObject(target, "managedosimage", other, "of-other"))?.spec["osImage"]).toBe("127.0.0.1:1/os:2");
  expect(await getObject(target, "configmap", own, "rancheros-trust-anchors")).toMatchObject({ data: anchors.data });

  // Its session was of the object that there was; with its TPM alone it is the same machine again.
  expect(await refusalOf(askMachine(next, first.session.token))).toMatch(/^401 /);
  const again = await visitAttested({ next, tpm: approved, channel, purpose: { kind: "session" } });
  expect([again.machine.name, again.approval]).toEqual([first.machine.name, "Approved"]);
  const pending = await visitAttested({ next, tpm: waiting, channel, purpose: { kind: "session" } });
  expect(pending.approval).toBe("Pending");
  expect((await visit({ url: legacyUrl(), tpm: legacy })).close?.code).toBe(1000);
  expect(await listInventories(target, fleet)).toHaveLength(3);
});

it("a backup has versions by hand and those that their channel has no more, and channels make the others again", async () => {
  let offered = ["stays", "goes"];
  const server = await startStrangeServer((_, response) => {
    const spec = { version: "v1.0.0", metadata: { upgradeImage: "127.0.0.1:1/os:v1.0.0" } };
    response.end(JSON.stringify(offered.map((name) => ({ metadata: { name }, spec }))));
  });
  const channels = testChannels(target, fleet);
  const ownersOf = async (): Promise<Readonly<Record<string, number>>> => {
    const versions = [...(await channels.versions())];
    return Object.fromEntries(
      versions.map(([name, { metadata }]) => [
        name,
        (metadata as { ownerReferences?: object[] }).ownerReferences?.length ?? 0,
      ]),
    );
  };
  try {
    const group = "rancheros.cattle.io/v1";
    const metadata = { name: "by-hand", namespace: fleet };
    const spec = { version: "v3.0.0", metadata: { upgradeImage: "127.0.0.1:1/os:v3.0.0" } };
    await applyObjects(
      target,
      { apiVersion: group, kind: "ManagedOSVersion", metadata, spec },
      {
        ...IMAGE,
        metadata: { name: "named", namespace: fleet },
        spec: { ...IMAGE.spec, managedOSVersionName: "goes" },
      },
    );
    await channels.make("list", { type: "json", options: { uri: `http://${server.host}/` } });
    await channels.tried("list");
    offered = ["stays"];
    await channels.request("list");
    await kubectl(target, ["wait", "--for=condition=InSync=false", "mosv/goes", "-n", fleet, "--timeout=20s"]);
    expect(await ownersOf()).toEqual({ "by-hand": 0, stays: 1, goes: 1 });

    await loseAndRestore();
    expect(await ownersOf()).toEqual({ "by-hand": 0, goes: 0 });
    operator = await start("with-versions");
    await eventually(async () => ((await ownersOf())["stays"] === 1 ? true : undefined), "the channel's version");
    expect(await ownersOf()).toEqual({ "by-hand": 0, goes: 0, stays: 1 });
    const status = await rolloutImages(target, fleet).until(
      "named",
      "looked at",
      ({ conditions }) => conditions !== undefined,
    );
    expect(conditionOf(status, "Invalid")).toMatchObject({ status: "False" });
  } finally {
    await server.stop();
  }
});

it("a backup that fails says so, and leaves the one before as it is", async () => {
  await run(BACKUP[0]);
  await run(BACKUP[1]);
  const files = ["operator.json", `objects-${fleet}.json`, `tokens-${fleet}.json`];
  const whole = files.map((file) => readFileSync(path.join(folder, file), "utf8"));
  const away = { ...target, kubeconfigPath: path.join(folder, "away") };
  writeFileSync(
    away.kubeconfigPath,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "away", cluster: { server: "http://127.0.0.1:1" } }],
      contexts: [{ name: "away", context: { cluster: "away", user: "" } }],
      "current-context": "away",
    }),
  );
  for (const words of BACKUP) {
    const commands = pageCommands("operations.md", words);
    const place = { folder, environment: { NAMESPACE: own, FLEET: fleet }, asTyped: true };
    await expect(runCommands(away, commands, place), words).rejects.toThrow(/refused/);
    const unset = { folder, asTyped: true };
    await expect(runCommands(target, commands, unset), words).rejects.toThrow(
      /(NAMESPACE|FLEET): parameter null or not set/,
    );
  }
  expect(files.map((file) => readFileSync(path.join(folder, file), "utf8"))).toEqual(whole);
});

it("machines whose operator is gone can be deleted", async () => {
  await operator.stop();
  const finalizer = '{"metadata":{"finalizers":["rancheros.cattle.io/cluster-registration-token"]}}';
  for (const { metadata } of await listInventories(target, fleet)) {
    const machine = ["machineinventory", metadata.name, `--namespace=${fleet}`];
    await kubectl(target, ["patch", ...machine, "--type=merge", `--patch=${finalizer}`]);
  }
  await kubectl(target, ["delete", "machineinventories", "--all", `--namespace=${fleet}`, "--wait=false"]);
  expect((await listInventories(target, fleet)).length).toBeGreaterThan(0);
  await run('"finalizers":null');
  expect(await listInventories(target, fleet)).toEqual([]);
});
