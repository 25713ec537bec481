/** The schema of durations. */
import { Type } from "typebox";
import { GO_DURATION } from "../durations/index.ts";
import type { FieldOptions } from "./schema-parts.ts";

/** Schema of a duration field: string or integer, refused by a sentence that names the field. */
export function duration(field: string, options: FieldOptions) {
  return Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: GO_DURATION, maxLength: 64 })], {
    ...options,
    "x-kubernetes-validations": [
      {
        rule: `type(self) == string ? (size(self) <= 64 && self.matches('${GO_DURATION}')) : int(self) >= 0`,
        message: `${field} must be a duration such as 5m or 1h30m, or a number of seconds, not negative`,
      },
    ],
  });
}
