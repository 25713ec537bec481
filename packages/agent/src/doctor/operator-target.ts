/** Where the operator is, as the command line or the machine's own configuration says. */
import type { CodedError } from "@rancheros/protocol/errors";

import type { ProbeOptions } from "../registration/index.ts";

export type OperatorTarget =
  | {
      readonly kind: "known";
      readonly options: ProbeOptions;
      /** For people: the command line, or a path. */
      readonly from: string;
    }
  | { readonly kind: "none"; readonly because: string }
  | { readonly kind: "broken"; readonly error: CodedError };
