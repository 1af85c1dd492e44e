import { EventGridError } from "./event-grid-error.ts";
import { readEventType, readField, readSubject } from "./grid-event.ts";
import type { GridEvent } from "./grid-event.ts";

/** As `advancedFilters` has it; each operator reads `value` or `values`. */
export interface AdvancedFilter {
  readonly operatorType: string;
  readonly key?: string;
  readonly value?: unknown;
  readonly values?: readonly unknown[];
}

export interface EventFilter {
  readonly includedEventTypes?: readonly string[];
  readonly subjectBeginsWith?: string;
  readonly subjectEndsWith?: string;
  readonly isSubjectCaseSensitive?: boolean;
  readonly enableAdvancedFilteringOnArrays?: boolean;
  readonly advancedFilters?: readonly AdvancedFilter[];
}

/** Limits: https://learn.microsoft.com/azure/event-grid/event-filtering#limitations */
const maxFilters = 25;
const maxValues = 25;
const maxTextLength = 512;

type Predicate = (event: GridEvent) => boolean;

/** Whether a subscription wants an event; a definition that Azure would refuse throws. */
export function toEventPredicate(filter: EventFilter = {}): Predicate {
  const advanced = filter.advancedFilters ?? [];
  checkLimits(advanced);
  const onArrays = filter.enableAdvancedFilteringOnArrays ?? false;
  const predicates: readonly Predicate[] = [
    toTypePredicate(filter.includedEventTypes),
    toSubjectPredicate(filter),
    ...advanced.map((each) => toAdvancedPredicate(each, onArrays)),
  ];
  return (event) => predicates.every((matches) => matches(event));
}

function checkLimits(filters: readonly AdvancedFilter[]): void {
  const values = filters.flatMap((filter) => filter.values ?? [filter.value]);
  if (filters.length > maxFilters || values.length > maxValues) {
    throw new EventGridError(
      "FILTER_INVALID",
      `at most ${maxFilters} advanced filters with ${maxValues} values in all; there are ${filters.length} with ${values.length}`,
    );
  }
  if (values.some((value) => typeof value === "string" && value.length > maxTextLength)) {
    throw new EventGridError("FILTER_INVALID", `a text is longer than ${maxTextLength} characters`);
  }
}

function toTypePredicate(types: readonly string[] | undefined): Predicate {
  if (types === undefined || types.length === 0) return () => true;
  const wanted = new Set(types.map((type) => type.toLowerCase()));
  return (event) => wanted.has(readEventType(event).toLowerCase());
}

function toSubjectPredicate(filter: EventFilter): Predicate {
  const fold = (text: string): string =>
    filter.isSubjectCaseSensitive === true ? text : text.toLowerCase();
  const begin = fold(filter.subjectBeginsWith ?? "");
  const end = fold(filter.subjectEndsWith ?? "");
  return (event) => {
    const subject = fold(readSubject(event));
    return subject.startsWith(begin) && subject.endsWith(end);
  };
}

function toAdvancedPredicate(filter: AdvancedFilter, onArrays: boolean): Predicate {
  const { key, operatorType } = filter;
  if (key === undefined || key === "") {
    throw new EventGridError("FILTER_INVALID", `${operatorType} has no key`);
  }
  if (operatorType === "IsNullOrUndefined") return (event) => readField(event, key) == null;
  if (operatorType === "IsNotNull") return (event) => readField(event, key) != null;
  const operator = operators[operatorType];
  if (operator === undefined) {
    throw new EventGridError("FILTER_INVALID", `there is no operator ${operatorType}`);
  }
  const values = filter.values ?? [filter.value];
  return (event) => {
    const found = readField(event, key);
    const candidates: readonly unknown[] = Array.isArray(found) ? (onArrays ? found : []) : [found];
    // A value of another type than the operator's counts as not there.
    const usable = candidates.filter((candidate) => typeof candidate === operator.type);
    if (usable.length === 0) return operator.whenMissing;
    const hit = usable.some((candidate) => values.some((value) => operator.test(candidate, value)));
    return operator.negated ? !hit : hit;
  };
}

/** Missing keys: only NumberNotIn and StringNotIn match on them, unlike the other negations. */
interface Operator {
  readonly type: "number" | "string" | "boolean";
  readonly test: (found: unknown, wanted: unknown) => boolean;
  readonly negated: boolean;
  readonly whenMissing: boolean;
}

interface Negation {
  readonly negated?: boolean;
  readonly whenMissing?: boolean;
}

type NumberTest = (found: number, wanted: number) => boolean;
type TextTest = (found: string, wanted: string) => boolean;

function number(
  test: NumberTest,
  { negated = false, whenMissing = false }: Negation = {},
): Operator {
  const typed = (found: unknown, wanted: unknown): boolean =>
    typeof found === "number" && typeof wanted === "number" && test(found, wanted);
  return { type: "number", test: typed, negated, whenMissing };
}

function text(test: TextTest, { negated = false, whenMissing = false }: Negation = {}): Operator {
  const typed = (found: unknown, wanted: unknown): boolean =>
    typeof found === "string" &&
    typeof wanted === "string" &&
    test(found.toLowerCase(), wanted.toLowerCase());
  return { type: "string", test: typed, negated, whenMissing };
}

function numberRange(negated: boolean): Operator {
  const isWithin = (found: unknown, wanted: unknown): boolean => {
    const range: readonly unknown[] = Array.isArray(wanted) ? wanted : [];
    const [low, high] = range;
    return (
      typeof found === "number" &&
      typeof low === "number" &&
      typeof high === "number" &&
      found >= low &&
      found <= high
    );
  };
  return { type: "number", test: isWithin, negated, whenMissing: false };
}

const isSame: NumberTest = (found, wanted) => found === wanted;
const isSameText: TextTest = (found, wanted) => found === wanted;
const contains: TextTest = (found, wanted) => found.includes(wanted);
const beginsWith: TextTest = (found, wanted) => found.startsWith(wanted);
const endsWith: TextTest = (found, wanted) => found.endsWith(wanted);

const operators: Readonly<Record<string, Operator>> = {
  NumberIn: number(isSame),
  NumberNotIn: number(isSame, { negated: true, whenMissing: true }),
  NumberLessThan: number((found, wanted) => found < wanted),
  NumberGreaterThan: number((found, wanted) => found > wanted),
  NumberLessThanOrEquals: number((found, wanted) => found <= wanted),
  NumberGreaterThanOrEquals: number((found, wanted) => found >= wanted),
  NumberInRange: numberRange(false),
  NumberNotInRange: numberRange(true),
  BoolEquals: {
    type: "boolean",
    test: (found, wanted) => found === wanted,
    negated: false,
    whenMissing: false,
  },
  StringIn: text(isSameText),
  StringNotIn: text(isSameText, { negated: true, whenMissing: true }),
  StringContains: text(contains),
  StringNotContains: text(contains, { negated: true }),
  StringBeginsWith: text(beginsWith),
  StringNotBeginsWith: text(beginsWith, { negated: true }),
  StringEndsWith: text(endsWith),
  StringNotEndsWith: text(endsWith, { negated: true }),
};
