/** What a MachineRegistration says about machines that boot from the network through it. */
import { Type } from "typebox";
import { nullable } from "./schema-parts.ts";

export const registrationBoot = Type.Object(
  {
    media: Type.Optional(
      Type.String({
        description:
          "Boot media at a registry, as scripts/push-media pushes them: HOST/NAME:TAG or HOST/NAME@sha256:... Machines boot them from the operator's /boot/TOKEN/ipxe.",
        maxLength: 1024,
        minLength: 1,
      }),
    ),
    kernelArguments: Type.Optional(
      Type.String({
        description: "Further arguments of the kernel that boots from the network, such as console=ttyS0.",
        maxLength: 1024,
        // One line, or it would be a script.
        pattern: "^[\\x20-\\x7e]*$",
      }),
    ),
    imagePullSecrets: Type.Optional(
      nullable(
        Type.Array(Type.Object({ name: Type.String({ description: "Name of the Secret.", maxLength: 253 }) }), {
          maxItems: 16,
        }),
        {
          description: "Secrets of type kubernetes.io/dockerconfigjson, in the same namespace, to read the media with.",
        },
      ),
    ),
  },
  { description: "How machines without an operating system boot from the network through this registration." },
);
