/** A container to run on the node: `prepare` and `upgradeContainer` of a ManagedOSImage. */
import { Type, type Static } from "typebox";
import { anyMap, nullable, openObject } from "./schema-parts.ts";

const variables = (description: string) =>
  Type.Array(
    openObject(
      {
        name: Type.String({ description: "The variable's name." }),
        value: Type.Optional(Type.String({ description: "Its value." })),
      },
      { description: "One environment variable." },
    ),
    { description },
  );

const volume = Type.Object({
  name: Type.String({ description: "The volume's name." }),
  source: Type.String({ description: "Path on the host." }),
  destination: Type.String({ description: "Path in the container." }),
});

/** @param field  the field's path under spec, for the sentences of its rules */
export function container(field: string, description: string) {
  return Type.Object(
    {
      image: Type.Optional(Type.String({ description: "The image to run.", maxLength: 4096 })),
      command: Type.Optional(Type.Array(Type.String(), { description: "Replaces the image's entry point." })),
      args: Type.Optional(Type.Array(Type.String(), { description: "Arguments of the command." })),
      env: Type.Optional(variables("Environment variables.")),
      envs: Type.Optional(variables("Another name of env, read for objects of the original operator. Use env.")),
      envFrom: Type.Optional(
        Type.Array(anyMap({ description: "A ConfigMap or Secret reference." }), {
          description: "ConfigMaps and Secrets whose keys become environment variables.",
        }),
      ),
      volumes: Type.Optional(Type.Array(volume, { description: "Host paths to mount." })),
      securityContext: Type.Optional(
        nullable(anyMap({ description: "Security options." }), {
          description: "Security options of the container, as in a Pod.",
        }),
      ),
    },
    {
      description,
      "x-kubernetes-validations": [
        {
          rule: "!has(self.env) || !has(self.envs)",
          message: `${field}: env and envs are two names of one field; use env`,
        },
      ],
    },
  );
}

export type Container = Static<ReturnType<typeof container>>;
