/** RBAC rules taken apart, and the authorizer's own question asked of them. */

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** The smallest part of a rule: without it one kind of request is not allowed any more. */
export interface Right {
  /** Of the role that it is in; undefined: cluster-wide. */
  readonly namespace: string | undefined;
  readonly group: string;
  /** With its subresource, after a slash. */
  readonly resource: string;
  readonly verb: string;
  /** Undefined: any object. */
  readonly name: string | undefined;
}

/** What somebody asked of the API server. */
export interface AskedRequest {
  readonly namespace: string;
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly name: string;
}

/** @param namespace  of the role; undefined for a ClusterRole that is bound everywhere */
export function rightsOf(rules: readonly Rule[], namespace: string | undefined): readonly Right[] {
  return rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) =>
          (resourceNames ?? [undefined]).map((name) => ({ namespace, group, resource, verb, name })),
        ),
      ),
    ),
  );
}

export function isAllowedBy(right: Right, request: AskedRequest): boolean {
  return (
    (right.namespace === undefined || right.namespace === request.namespace) &&
    right.group === request.group &&
    right.resource === request.resource &&
    right.verb === request.verb &&
    (right.name === undefined || right.name === request.name)
  );
}

/** For people. */
export function rightText({ namespace, group, resource, verb, name }: Right): string {
  const where = namespace === undefined ? "" : ` in ${namespace}`;
  return `${verb} ${resource}${group === "" ? "" : `.${group}`}${name === undefined ? "" : ` ${name}`}${where}`;
}

/** ResourceAttributes of requests that these rules allow, one for each right. */
export function inventRequests(rules: readonly Rule[], namespace: string | undefined): readonly object[] {
  return rightsOf(rules, namespace).map(({ group, resource, verb, name }) => {
    const [main = "", subresource] = resource.split("/");
    return {
      group,
      resource: main,
      verb,
      ...(subresource === undefined ? {} : { subresource }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    };
  });
}
