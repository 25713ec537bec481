/** Pull secrets in a real API server, made as people make them. */
import { describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../../../../test/control-plane/apply-objects.ts";
import { kubectl } from "../../../../../test/control-plane/kubectl.ts";
import { useNamespace } from "../../../../../test/control-plane/namespace.ts";
import { connectKubernetes, loadKubeConfig } from "../../../src/controller/index.ts";
import { readPullSecrets } from "../../../src/registry/index.ts";

const target = inject("controlPlane");
const namespace = useNamespace(target, "pull-secrets");
const kubernetes = connectKubernetes(loadKubeConfig(target.kubeconfigPath));

function create(name: string, server: string, password: string): Promise<string> {
  const account = [`--docker-server=${server}`, "--docker-username=u", `--docker-password=${password}`];
  return kubectl(target, ["create", "secret", "docker-registry", name, `--namespace=${namespace}`, ...account]);
}

describe("readPullSecrets", () => {
  it("reads what kubectl creates, in the order of the names", async () => {
    await create("second", "r.test:5000", "two");
    await create("first", "https://index.docker.io/v1/", "one:with:colons");
    expect(await readPullSecrets(kubernetes, namespace, ["first", "second"])).toEqual({
      credentials: [
        { registry: "https://index.docker.io/v1/", username: "u", password: "one:with:colons" },
        { registry: "r.test:5000", username: "u", password: "two" },
      ],
      problems: [],
    });
  });

  it("goes on with the others where one is missing or of another type, and says so without what they hold", async () => {
    await create("good", "r.test", "pw");
    const metadata = { name: "opaque", namespace };
    await applyObjects(target, {
      apiVersion: "v1",
      kind: "Secret",
      metadata,
      stringData: { ".dockerconfigjson": "sesame" },
    });
    const read = await readPullSecrets(kubernetes, namespace, ["missing", "opaque", "../secrets/good", "good"]);
    expect(read.credentials).toEqual([{ registry: "r.test", username: "u", password: "pw" }]);
    expect(read.problems).toEqual([
      `Secret ${namespace}/missing: is not there`,
      `Secret ${namespace}/opaque: type: is neither kubernetes.io/dockerconfigjson nor kubernetes.io/dockercfg`,
      `Secret ${namespace}/../secrets/good: is not there`,
    ]);
  });

  it("reads no more than sixteen", async () => {
    const names = Array.from({ length: 17 }, (_, index) => `none-${index}`);
    const { problems } = await readPullSecrets(kubernetes, namespace, names);
    expect(problems).toHaveLength(17);
    expect(problems[0]).toBe("only the first 16 of 17 pull secrets are read");
  });
});
