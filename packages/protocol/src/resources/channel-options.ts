/** What the types of a ManagedOSVersionChannel need: one map for all, as the original has it. */
import { Type, type Static } from "typebox";
import { duration } from "./duration.ts";
import { anyMap, nullable, openObject } from "./schema-parts.ts";

const variables = (description: string) =>
  Type.Array(
    openObject(
      {
        name: Type.String({ description: "The variable's name." }),
        value: Type.Optional(Type.String({ description: "Its value." })),
        valueFrom: Type.Optional(anyMap({ description: "Where its value comes from, as in a Pod." })),
      },
      { description: "One environment variable." },
    ),
    { description, maxItems: 256 },
  );

export const channelOptions = openObject(
  {
    uri: Type.Optional(
      Type.String({
        description: "json: http or https address of a JSON list of ManagedOSVersions.",
        maxLength: 2048,
      }),
    ),
    timeout: Type.Optional(
      duration("options.timeout", {
        description:
          "How long reading may take as a whole. Default 30s, at most 5m; of a custom channel 10m, at most 1h.",
      }),
    ),
    caBundle: Type.Optional(
      Type.String({
        description: "json: CA certificates, as PEM, that are trusted beside the public ones and --registry-ca.",
        maxLength: 262_144,
      }),
    ),
    proxy: Type.Optional(
      Type.String({
        description: "json: address of an HTTP proxy instead of the operator's own; none asks the server directly.",
        maxLength: 2048,
      }),
    ),
    secretName: Type.Optional(
      Type.String({
        description:
          "json: a Secret of the same namespace with username and password, or with token, to log in with. It goes to the address of uri only.",
        maxLength: 253,
      }),
    ),
    repository: Type.Optional(
      Type.String({
        description: "oci: an image's name without its tag, such as registry.example.com/os.",
        maxLength: 1024,
      }),
    ),
    range: Type.Optional(
      Type.String({
        description: "oci: which versions, in npm's syntax, such as ^1.2.0 or >=1.4 <3. Default all.",
      }),
    ),
    preReleases: Type.Optional(
      Type.Boolean({ description: "oci: whether pre-releases such as v1.3.0-rc1 are versions. Default false." }),
    ),
    minVersion: Type.Optional(
      Type.String({ description: "oci: minVersion of each version that is found.", maxLength: 128 }),
    ),
    maxVersions: Type.Optional(
      Type.Integer({
        description: "How many versions are taken, the newest. Default and most 1000.",
        minimum: 1,
        maximum: 1000,
      }),
    ),
    imagePullSecrets: Type.Optional(
      nullable(
        Type.Array(Type.Object({ name: Type.String({ description: "Name of the Secret.", maxLength: 253 }) }), {
          maxItems: 16,
        }),
        { description: "oci, custom: Secrets of type kubernetes.io/dockerconfigjson of the same namespace." },
      ),
    ),
    image: Type.Optional(
      Type.String({
        description: "custom: the image of a container that writes a JSON list of ManagedOSVersions to outputFile.",
        maxLength: 4096,
      }),
    ),
    mountPath: Type.Optional(
      Type.String({
        description: "custom: the folder that the container may write to. Default /data.",
        maxLength: 1024,
      }),
    ),
    outputFile: Type.Optional(
      Type.String({
        description: "custom: the file that it writes, below mountPath. Default output in it.",
        maxLength: 1024,
      }),
    ),
    command: Type.Optional(Type.Array(Type.String(), { description: "custom: replaces the image's entry point." })),
    args: Type.Optional(Type.Array(Type.String(), { description: "custom: arguments of the command." })),
    env: Type.Optional(variables("custom: environment variables.")),
    envs: Type.Optional(variables("Another name of env, read for objects of the original operator. Use env.")),
    envFrom: Type.Optional(
      Type.Array(anyMap({ description: "A ConfigMap or Secret reference." }), {
        description: "custom: ConfigMaps and Secrets whose keys become environment variables.",
        maxItems: 64,
      }),
    ),
  },
  { description: "What the type needs." },
);

export type ChannelOptions = Static<typeof channelOptions>;
