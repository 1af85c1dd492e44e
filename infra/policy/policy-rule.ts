/** A resource as a rule looks at it: in the pack out of Pulumi's engine, in tests out of a captured run. */
export interface PolicyResource {
  /** e.g. `azure-native:servicebus:Queue` */
  readonly type: string;
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
}

export interface PolicyRule {
  /** Number in the list of checks that reviewers of such a system expect. */
  readonly number: number;
  readonly name: string;
  readonly reason: string;
  readonly link: string;
  /** What breaks the rule, each as `<resource> <what is wrong>`. */
  readonly check: (stack: PolicyStack) => readonly string[];
}

export interface PolicyStack {
  readonly resources: readonly PolicyResource[];
  of(type: string): readonly PolicyResource[];
  /** True for a stack whose resource group is tagged as production. */
  readonly isProduction: boolean;
}

export function toPolicyStack(resources: readonly PolicyResource[]): PolicyStack {
  const of = (type: string): readonly PolicyResource[] =>
    resources.filter((resource) => resource.type === `azure-native:${type}`);
  const isProduction = of("resources:ResourceGroup").some(
    ({ props }) => read(props, "tags.environment") === "production",
  );
  return { resources, of, isProduction };
}

/** The member at `a.b.0.c`, undefined where there is none. */
export function read(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (member, key) =>
        typeof member === "object" && member !== null
          ? (member as Readonly<Record<string, unknown>>)[key]
          : undefined,
      value,
    );
}

type IsRight = (props: PolicyResource["props"], resource: PolicyResource) => boolean;

/** A check that holds for every resource of the types. */
export function every(
  types: string | readonly string[],
  says: string,
  isRight: IsRight,
): PolicyRule["check"] {
  return (stack) =>
    [types]
      .flat()
      .flatMap((type) => stack.of(type))
      .filter((resource) => !isRight(resource.props, resource))
      .map(({ name }) => `${name} ${says}`);
}

/** The same in production only. */
export function everyInProduction(
  types: string | readonly string[],
  says: string,
  isRight: IsRight,
): PolicyRule["check"] {
  const check = every(types, says, isRight);
  return (stack) => (stack.isProduction ? check(stack) : []);
}

export function has(path: string, value: unknown): IsRight {
  return (props) => read(props, path) === value;
}

export function isSet(path: string): IsRight {
  return (props) => {
    const value = read(props, path);
    return value !== undefined && value !== null && value !== "";
  };
}

/** Parts of the component `door` are what F&O must reach: it knows keys only, and comes from anywhere. */
export function isDoor({ name }: PolicyResource): boolean {
  return name.startsWith("door-");
}
