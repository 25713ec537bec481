/** Fields of a ManagedOSImage's spec that the original does not have: which nodes go when, and what stops them. */
import { Type } from "typebox";
import { duration } from "./duration.ts";
import { labelSelector, nullable } from "./schema-parts.ts";

const TIME_OF_DAY = "^([01]?[0-9]|2[0-3])(:[0-5][0-9](:[0-5][0-9])?)?$";
const DAYS =
  "^(su|sun|sunday|mo|mon|monday|tu|tue|tuesday|we|wed|wednesday|th|thu|thursday|fr|fri|friday|sa|sat|saturday|[0-6])$";

const timeOfDay = (field: string, description: string) =>
  Type.String({
    description,
    maxLength: 8,
    "x-kubernetes-validations": [
      { rule: `self.matches('${TIME_OF_DAY}')`, message: `${field} must be a time of day such as 22:00` },
    ],
  });

const window = Type.Object(
  {
    days: Type.Optional(
      nullable(
        Type.Array(Type.String({ maxLength: 9 }), {
          maxItems: 7,
          "x-kubernetes-validations": [
            {
              rule: `self.all(day, day.lowerAscii().matches('${DAYS}'))`,
              message: "window.days must be days of the week such as mon or monday; 0 is Sunday",
            },
          ],
        }),
        { description: "Days on which the window opens: mon, monday, or 1; 0 is Sunday. Null or absent: all." },
      ),
    ),
    startTime: timeOfDay("window.startTime", "When it opens, such as 22:00."),
    endTime: timeOfDay(
      "window.endTime",
      "When it closes, such as 04:00; before startTime: on the next day; the same: a whole day later.",
    ),
    timeZone: Type.Optional(
      Type.String({
        description: "Time zone of the times, such as Europe/Berlin. Default UTC.",
        maxLength: 64,
      }),
    ),
  },
  { description: "When nodes may start. None starts after the end; those under way finish." },
);

const canary = Type.Object(
  {
    selector: nullable(labelSelector, { description: "Labels of the nodes that go first." }),
    soakTime: Type.Optional(
      duration("canary.soakTime", {
        description: "How long to wait after the last canary before the others begin. Default none.",
      }),
    ),
  },
  { description: "Nodes that go first; the others begin when all of these have succeeded." },
);

const countOrPercentage = (field: string, description: string) =>
  nullable(
    Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: "^(100|[1-9]?[0-9])%$" })], {
      description,
      "x-kubernetes-validations": [
        {
          rule: "type(self) == string ? self.matches('^(100|[1-9]?[0-9])%$') : int(self) >= 0",
          message: `${field} must be a number of nodes, not negative, or a percentage such as 10%`,
        },
      ],
    }),
    { description },
  );

export const rolloutFields = {
  window: Type.Optional(nullable(window, { description: "When nodes may start. Null or absent: always." })),
  canary: Type.Optional(nullable(canary, { description: "Nodes that go first. Null or absent: none." })),
  failureBudget: Type.Optional(
    countOrPercentage(
      "failureBudget",
      "How many nodes may fail, as a number or a percentage of all, before the rollout halts. Default 0: the first failure halts it. With 200 failed nodes it halts in any case.",
    ),
  ),
  nodeTimeout: Type.Optional(
    duration("nodeTimeout", {
      description:
        "How long one node may take; one that is silent for so long loses its slot and counts as failed. Default 2h.",
    }),
  ),
  order: Type.Optional(
    Type.String({
      description: "Which nodes of a cluster go first: ServersFirst (default), AgentsFirst, or Any.",
      enum: ["ServersFirst", "AgentsFirst", "Any"],
    }),
  ),
  suspend: Type.Optional(
    nullable(Type.Boolean(), { description: "No new node starts while this is true; those under way finish." }),
  ),
  force: Type.Optional(
    nullable(Type.Boolean(), {
      description: "Upgrade even where the drain failed, and where this image has failed before.",
    }),
  ),
  allowDowngrade: Type.Optional(
    nullable(Type.Boolean(), { description: "Let nodes go to an image with a lower version than the one they run." }),
  ),
  imagePullSecrets: Type.Optional(
    nullable(
      Type.Array(Type.Object({ name: Type.String({ description: "Name of the Secret.", maxLength: 253 }) }), {
        maxItems: 16,
      }),
      {
        description: "Secrets of type kubernetes.io/dockerconfigjson, in the same namespace, to read the images with.",
      },
    ),
  ),
};
