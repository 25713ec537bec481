/** What one kind of the API group is made of: the single source for its type, its validation and its CRD. */
import type { TObject } from "typebox";

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "boolean" | "date";
  readonly jsonPath: string;
  readonly description: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority?: 0 | 1;
}

export interface ResourceKind<Spec extends TObject = TObject, Status extends TObject = TObject> {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly description: string;
  readonly spec: Spec;
  /** Whether an object without it, or with null, is one with an empty spec: the original made such ones. */
  readonly isSpecOptional?: true;
  readonly status: Status;
  readonly columns: readonly PrinterColumn[];
}

export const AGE_COLUMN: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Time since the object was made.",
};
