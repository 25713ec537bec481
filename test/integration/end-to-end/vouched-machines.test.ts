/** Machines for whose TPM somebody vouches: each kind of endorsement key, through our agent and a running operator. */
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { openTpm } from "@rancheros/agent/tpm";
import { beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { removeInventories, type MadeRegistration } from "../../operator/objects.ts";
import { createAuthority, createCertificate, ekExtensions, type MadeAuthority } from "../../software-tpm/index.ts";
import { authorityFiles, defineIndex, writeIndex, type Swtpm } from "../../swtpm/index.ts";
import { runRosAgent, type AgentOutcome } from "../interop/ros-agent.ts";
import { useAgent } from "./use-agent.ts";

const ECC_CERTIFICATE_INDEX = "0x01c0000a";
/** keyAgreement */
const ECC_KEY_USAGE = 0x08;
/** Class and subject of the root that vouches. */
const HYPERVISOR = ["virtual", "CN=swtpm-localca-rootca"] as const;
const CHIP_MAKER = ["hardware", "CN=Example chip maker"] as const;
const SWTPM_AS_CHIP_MAKER = ["hardware", "CN=swtpm-localca-rootca"] as const;
const target = inject("controlPlane");
const agent = useAgent(target, "vouched");
const { used } = agent;
const chipMaker: MadeAuthority = createAuthority("Example chip maker");
let long: Swtpm;
let onCurve: Swtpm;
/** As Intel's PTT: three authorities that nobody has but this TPM, below three that the maker publishes. */
let onDie: Swtpm;
/** Of the same maker; what it holds is of no use. */
let badlyFilled: Swtpm;
const below = (above: MadeAuthority, name: string): MadeAuthority => createAuthority(name, above, { keyType: "ec" });
const published = [below(chipMaker, "Example intermediate CA")];
published.push(below(published[0] ?? chipMaker, "Example issuing CA"));
const inTpm = [below(published[1] ?? chipMaker, "Example ROM CA")];
inTpm.push(below(inTpm[0] ?? chipMaker, "Example kernel CA"));
inTpm.push(below(inTpm[1] ?? chipMaker, "Example PTT CA"));
let doors: Readonly<Record<"virtual" | "hardware" | "chips", MadeRegistration>>;

/**
 * What a chip maker does for the P-256 key, for which swtpm_setup makes no certificate.
 * @param maker  the authority nearest to the TPM
 */
async function certifyP256({ tcti }: Swtpm, maker: MadeAuthority): Promise<void> {
  const workFolder = path.join(used.folder, "work");
  mkdirSync(workFolder, { recursive: true });
  const tpm = await openTpm({
    tcti,
    signal: new AbortController().signal,
    timeoutMs: 60_000,
    workFolder,
    environment: process.env,
    endorsementKey: "ecc-p256",
  });
  try {
    await tpm.prepareAttestation();
    const { publicKeySpkiDer: spkiDer } = await tpm.readEndorsementKey();
    const extensions = ekExtensions(ECC_KEY_USAGE);
    const der = createCertificate(maker.key, { spkiDer, issuer: maker.name, extensions });
    await writeIndex(tcti, ECC_CERTIFICATE_INDEX, der);
  } finally {
    await tpm.close();
  }
}

beforeAll(async () => {
  const { authorityFolder } = agent.tpm;
  // One hypervisor host: its TPMs share an authority.
  long = await agent.addTpm("long-tpm", { withEkCertificate: true, rsaKeyBits: 3072, authorityFolder });
  onCurve = await agent.addTpm("p256-tpm", { withEkCertificate: false });
  await certifyP256(onCurve, chipMaker);
  onDie = await agent.addTpm("on-die-tpm", { withEkCertificate: false });
  await certifyP256(onDie, inTpm.at(-1) ?? chipMaker);
  await writeIndex(onDie.tcti, "0x01c00100", Buffer.concat(inTpm.map(({ der }) => der)));
  badlyFilled = await agent.addTpm("badly-filled-tpm", { withEkCertificate: false });
  await certifyP256(badlyFilled, inTpm.at(-1) ?? chipMaker);
  await defineIndex(badlyFilled.tcti, "0x01c00100", 40);
  await writeIndex(badlyFilled.tcti, "0x01c00101", Buffer.from("no certificates"));
  const { rootCertificate, issuerCertificate } = authorityFiles(authorityFolder);
  const [root, intermediate] = [rootCertificate, issuerCertificate].map((file) => readFileSync(file, "utf8"));
  const anchors = (name: string, data: object) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: used.namespace },
    data,
  });
  await applyObjects(
    target,
    anchors("makers", {
      "virtual.pem": root,
      "intermediate.pem": intermediate,
      "intermediate-example.pem": published.map(({ pem }) => pem).join(""),
      "hardware.pem": chipMaker.pem,
    }),
    // As if swtpm's authority were a chip maker's.
    anchors("chips", { "hardware.pem": root, "intermediate.pem": intermediate }),
  );
  const door = async (name: string, wanted: string, configMapName: string): Promise<MadeRegistration> =>
    used.makeDoor(name, { attestation: { class: wanted, trustAnchors: { configMapName } } });
  doors = {
    virtual: await door("virtual", "virtual", "makers"),
    hardware: await door("hardware", "hardware", "makers"),
    chips: await door("chips", "hardware", "chips"),
  };
});

// What a machine has proved is kept: these come for the first time.
beforeEach(async () => {
  await removeInventories(target, used.namespace);
});

async function register(door: MadeRegistration, tpm: Swtpm, ek: string): Promise<AgentOutcome> {
  return runRosAgent(["register", door.url, ...agent.flags(tpm), "--ek", ek, "--json"]);
}

async function hashOf(tpm: Swtpm, ek: string): Promise<string> {
  return (await runRosAgent(["get-tpm-hash", "--ek", ek, "--tcti", tpm.tcti])).stdout.trim();
}

describe("a machine whose TPM somebody vouches for", () => {
  it.each([
    { what: "RSA-2048 of a hypervisor", door: "virtual", ek: "rsa2048", tpmOf: () => agent.tpm, by: HYPERVISOR },
    { what: "RSA-3072 of a hypervisor", door: "virtual", ek: "rsa3072", tpmOf: () => long, by: HYPERVISOR },
    { what: "P-256 of a chip maker", door: "hardware", ek: "ecc-p256", tpmOf: () => onCurve, by: CHIP_MAKER },
    { what: "P-256 with a chain in the TPM", door: "hardware", ek: "ecc-p256", tpmOf: () => onDie, by: CHIP_MAKER },
    { what: "the same where less would do", door: "virtual", ek: "ecc-p256", tpmOf: () => onCurve, by: CHIP_MAKER },
    { what: "RSA-3072 of a chip maker", door: "chips", ek: "rsa3072", tpmOf: () => long, by: SWTPM_AS_CHIP_MAKER },
  ] as const)("$what joins, and its inventory says who does", async ({ door, ek, tpmOf, by: [trust, root] }) => {
    const outcome = await register(doors[door], tpmOf(), ek);
    expect(outcome.status, outcome.stderr).toBe(0);
    const made = await agent.inventoryOf(await hashOf(tpmOf(), ek));
    expect(made?.metadata.labels).toMatchObject({ "rancheros.cattle.io/trust": trust });
    expect(made?.status).toMatchObject({
      attestation: { class: trust, protocol: 2, root },
      conditions: expect.arrayContaining([
        expect.objectContaining({ type: "Attested", status: "True" }) as unknown,
      ]) as unknown,
    });
  });
});

describe("a machine whose TPM holds a chain that cannot be read", () => {
  it("says what is missing where that is demanded, and comes in where it is not", async () => {
    const refused = await register(doors.hardware, badlyFilled, "ecc-p256");
    expect([refused.status, refused.stdout]).toEqual([5, expect.stringContaining("TRUST_CLASS_NOT_PROVED")]);
    const undemanding = await used.makeDoor("undemanding", {
      attestation: { trustAnchors: { configMapName: "makers" } },
    });
    const outcome = await register(undemanding, badlyFilled, "ecc-p256");
    expect(outcome.status, outcome.stderr).toBe(0);
    const made = await agent.inventoryOf(await hashOf(badlyFilled, "ecc-p256"));
    expect(made?.metadata.labels).toMatchObject({ "rancheros.cattle.io/trust": "none" });
  });
});

describe("a machine whose TPM nobody vouches for, or somebody else", () => {
  it.each([
    ["a hypervisor's word where a chip maker's is wanted", "hardware", () => agent.tpm, "rsa2048"],
    ["the key of the same TPM that has no certificate", "virtual", () => agent.tpm, "ecc-p256"],
    ["a TPM of somewhere else", "chips", () => onCurve, "ecc-p256"],
  ] as const)("is refused: %s", async (_what, door, tpmOf, ek) => {
    const outcome = await register(doors[door], tpmOf(), ek);
    expect([outcome.status, outcome.stdout]).toEqual([5, expect.stringContaining("TRUST_CLASS_NOT_PROVED")]);
    expect(await agent.inventoryOf(await hashOf(tpmOf(), ek))).toBeUndefined();
  });
});
