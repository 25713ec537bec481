/**
 * The operator's own CA gets a successor, on the real API server: two replicas, and clients that hold one CA only. The
 * replicas' clock is an argument; the clients' is the real one, so that years pass before the present.
 */
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connectServer } from "../../../packages/agent/src/registration/io/server-connection.ts";
import { caFromPin } from "../../../packages/agent/src/registration/trust.ts";
import { connectKubernetes, loadKubeConfig, type Kubernetes } from "../../../packages/operator/src/controller/index.ts";
import { ensureIdentity, trustBundle, type TlsIdentity } from "../../../packages/operator/src/tls/index.ts";
import { kubectl, kubectlJson } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";
import { askNonce, channelAt, visitAttested } from "../../machine/attested-visit.ts";
import { beginningAgain } from "../../operator/beginning-again.ts";
import { eventually, getObject, makeRegistration } from "../../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../../operator/operator-process.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const DAY_MS = 86_400_000;
const target = inject("controlPlane");
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const names = ["127.0.0.1", "localhost"];
const startMs = Date.now();

interface Published {
  readonly data?: Readonly<Record<string, string>>;
}

const published = async (namespace: string): Promise<string> => {
  const found = await getObject(target, "configmap", namespace, "rancheros-operator-ca");
  return (found as Published | undefined)?.data?.["ca.crt"] ?? "";
};

/** Whether a TLS client that trusts this and nothing else believes the server. */
async function believes(port: number, ca: string): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1", ca, servername: "localhost" });
  try {
    return await Promise.race([
      once(socket, "secureConnect").then(() => socket.authorized),
      once(socket, "error").then(([error]) => {
        expect(String(error)).toMatch(/certificate|CERT/i);
        return false;
      }),
    ]);
  } catch (error) {
    expect(String(error)).toMatch(/certificate|CERT/i);
    return false;
  } finally {
    socket.destroy();
  }
}

describe("two replicas whose years pass before the present", () => {
  const namespace = useNamespace(target, "ca-years");
  const servers: { readonly server: Server; readonly port: number }[] = [];
  let kubernetes: Kubernetes;

  beforeAll(async () => {
    kubernetes = connectKubernetes(loadKubeConfig(target.kubeconfigPath));
    for (const _ of ["one", "two"]) {
      const server = createServer((_request, response) => response.end("served"));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      servers.push({ server, port: typeof address === "object" && address !== null ? address.port : 0 });
    }
  });
  afterAll(() => {
    for (const { server } of servers) server.close();
  });

  /** Both look at the same time, so many days before the present, and serve with what they find. */
  async function look(daysAgo: number): Promise<TlsIdentity> {
    const nowMs = (): number => startMs - daysAgo * DAY_MS;
    const wants = { namespace, names, isThorough: true, nowMs };
    const found = await Promise.all(servers.map(async () => ensureIdentity(kubernetes, wants)));
    const [one, two] = found.map(({ identity }) => identity);
    // Where both wanted to write, one did, and the other took over what it found.
    expect(one?.serving).toEqual(two?.serving);
    if (one === undefined) throw new Error("no identity");
    const { certificatePem: cert, keyPem: key } = one.serving;
    for (const { server } of servers) server.setSecureContext({ cert, key });
    return one;
  }

  const believed = async (ca: string): Promise<readonly boolean[]> =>
    Promise.all(servers.map(async ({ port }) => believes(port, ca)));

  it("serve who holds the old CA only until that ends, and who was told of the new one from its first day", async () => {
    const old = await look(3_650 - 640);
    const oldCa = old.ca.certificatePem;
    await look(400);
    const announced = await look(60);
    const newCa = announced.next?.certificatePem ?? "";
    expect(announced.ca.certificatePem.trim()).toBe(oldCa.trim());
    expect(trustBundle(announced).match(PEM)).toHaveLength(2);
    expect(await believed(oldCa)).toEqual([true, true]);
    // Nothing is signed with it yet.
    expect(await believed(newCa)).toEqual([false, false]);
    const rotated = await look(29);
    expect(rotated.ca.certificatePem.trim()).toBe(newCa.trim());
    for (const ca of [oldCa, newCa, trustBundle(rotated), trustBundle(announced)]) {
      expect(await believed(ca)).toEqual([true, true]);
    }
    const { port } = servers[0] ?? { port: 0 };
    // The agent's own client, which may have pinned the old CA by its fingerprint or by the checksum of its file.
    const bundle = Buffer.from(trustBundle(rotated));
    for (const form of [new X509Certificate(oldCa).raw, `${oldCa.trim()}\n`]) {
      const ca = caFromPin(bundle, createHash("sha256").update(form).digest("hex"));
      expect(ca.match(PEM)).toHaveLength(1);
      const url = new URL(`https://127.0.0.1:${port}/`);
      const connection = connectServer({ url, proxy: undefined, ca });
      const request = { method: "GET", url, headers: {}, body: Buffer.alloc(0), maxBodyBytes: 100 } as const;
      const { body } = await connection.send({ ...request, signal: AbortSignal.timeout(10_000) });
      expect(body.toString()).toBe("served");
      connection.close();
    }
  });

  it("serve who was told of the new CA after the old one has ended, and nobody else", async () => {
    await kubectl(target, ["delete", "secret", "rancheros-operator-tls", `--namespace=${namespace}`]);
    const old = await look(3_650 + 20);
    await look(500);
    const rotated = await look(450);
    const now = await look(0);
    expect(now.ca.keyPem).toBe(rotated.ca.keyPem);
    expect(await believed(old.ca.certificatePem)).toEqual([false, false]);
    expect(await believed(rotated.ca.certificatePem)).toEqual([true, true]);
    expect(trustBundle(now).match(PEM)).toHaveLength(1);
  });
});

describe("two operators of which somebody wants another CA", () => {
  const namespace = useNamespace(target, "ca-asked");
  const replicas: OperatorProcess[] = [];
  const ak = generateAttestationKey("rsa");
  const folder = mkdtempSync(path.join(tmpdir(), "ca-asked-"));
  const secret = ["secret", "rancheros-operator-tls", `--namespace=${namespace}`] as const;
  // Their minute between two looks is a second.
  const clock = { epochMs: startMs, factor: 60 };

  beforeAll(async () => {
    const common = { folder, kubeconfigPath: target.kubeconfigPath, namespace, watchNamespace: namespace };
    for (const name of ["ca-one", "ca-two"]) replicas.push(await startOperator({ ...common, name, clock }));
  });
  afterAll(async () => {
    await Promise.all(replicas.map((one) => one.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  const cacerts = async ({ httpUrl }: OperatorProcess): Promise<string> =>
    (await fetch(`${httpUrl}/v1-rancheros/cacerts`)).text();
  const portOf = ({ httpsUrl }: OperatorProcess): number => Number(new URL(httpsUrl).port);
  const ask = (): Promise<string> =>
    kubectl(target, ["annotate", ...secret, "rancheros.cattle.io/rotate-ca=now", "--overwrite"]);

  it("publish it, tell machines of it, then sign with it, without a restart and without leaving anybody out", async () => {
    const [one, two] = replicas;
    if (one === undefined || two === undefined) throw new Error("two replicas");
    const [oldCa = ""] = (await cacerts(one)).match(PEM) ?? [];
    const { token } = await makeRegistration(target, namespace, "door");
    const machine = { tpm: createSoftwareTpm({ ak }), purpose: { kind: "registration", token } as const };
    await ask();
    const bundles = await eventually(async () => {
      const all = await Promise.all(replicas.map(cacerts));
      return all.every((pem) => pem.match(PEM)?.length === 2) ? all : undefined;
    }, "both hand out both CAs");
    expect(bundles[0]).toBe(bundles[1]);
    expect(await published(namespace)).toBe(bundles[0]?.replace(/\n*$/, "\n"));
    const [, newCa = ""] = bundles[0]?.match(PEM) ?? [];
    const before = await channelAt(one.httpsUrl);
    expect(await channelAt(two.httpsUrl)).toEqual(before);
    for (const { httpUrl } of replicas) {
      const admission = await beginningAgain(() => visitAttested({ ...machine, next: () => httpUrl, channel: before }));
      expect(admission.ca?.match(PEM)).toEqual([oldCa, newCa]);
    }
    await ask();
    await eventually(async () => {
      const shown = await Promise.all(replicas.map(async ({ httpsUrl }) => channelAt(httpsUrl)));
      return shown.every((channel) => !channel.equals(before)) ? true : undefined;
    }, "both show a certificate of the new CA");
    for (const replica of replicas) {
      for (const ca of [oldCa, newCa]) expect(await believes(portOf(replica), ca)).toBe(true);
      // Who began before the change is served to the end.
      const visit = { ...machine, next: () => replica.httpUrl, channel: before };
      expect((await beginningAgain(() => visitAttested(visit))).approval).toBe("Approved");
    }
    const { metadata } = (await kubectlJson(target, ["get", ...secret])) as {
      readonly metadata: { readonly annotations?: object };
    };
    expect(metadata.annotations ?? {}).toEqual({});
    await askNonce(() => one.httpUrl);
  });

  it("publish the CA again where somebody has deleted the ConfigMap, also after they could not write it", async () => {
    const [one] = replicas;
    const configMap = ["configmap", "rancheros-operator-ca", `--namespace=${namespace}`] as const;
    const isPublished = async (): Promise<true | undefined> =>
      (await published(namespace)) === bundle ? true : undefined;
    const bundle = await published(namespace);
    expect(bundle.match(PEM)?.length).toBeGreaterThan(0);
    await kubectl(target, ["delete", ...configMap]);
    await eventually(isPublished, "the ConfigMap, made anew");
    // What nobody can write.
    const held = JSON.stringify({ immutable: true, data: { "ca.crt": "nonsense" } });
    await kubectl(target, ["patch", ...configMap, "--type=merge", `--patch=${held}`]);
    const refused = async (): Promise<true | undefined> =>
      /not published in the ConfigMap/.test(one?.log() ?? "") ? true : undefined;
    await eventually(refused, "a write that is refused");
    expect(await published(namespace)).toBe("nonsense");
    await kubectl(target, ["delete", ...configMap]);
    await eventually(isPublished, "the ConfigMap, after what was refused");
  });

  it.each([["tls.crt, tls.key, cross.crt"], ["ca.crt"]])(
    "mend the Secret where somebody has made nonsense of it (%s), and machines believe them still",
    async (named) => {
      const keys = named.split(", ");
      const [ca = ""] = (await published(namespace)).match(PEM) ?? [];
      const nonsense = Buffer.from("nonsense").toString("base64");
      const data = Object.fromEntries(keys.map((key) => [key, nonsense]));
      const read = async (): Promise<Published["data"]> =>
        ((await getObject(target, "secret", namespace, "rancheros-operator-tls")) as Published | undefined)?.data;
      const before = await read();
      await kubectl(target, ["patch", ...secret, "--type=merge", `--patch=${JSON.stringify({ data })}`]);
      const after = await eventually(async () => {
        const found = await read();
        return keys.some((key) => found?.[key] === nonsense) ? undefined : found;
      }, "another certificate");
      expect([after?.["ca.key"], after?.["ca.crt"]]).toEqual([before?.["ca.key"], before?.["ca.crt"]]);
      expect(await published(namespace)).toContain(ca.trim());
      for (const replica of replicas) expect(await believes(portOf(replica), ca)).toBe(true);
    },
  );
});
