/** One document that the demonstration posts, and how each of its deliveries has to end. */
export interface Scenario {
  readonly name: string;
  readonly post: {
    readonly kind: "sales" | "freeText" | "creditNote" | "prepayment";
    readonly company: string;
    readonly customer: string;
    readonly lines: number;
    readonly currency?: string;
    readonly door?: "eventGrid" | "serviceBus" | "https";
  };
  readonly expected: Readonly<Record<string, string>>;
  /** The account that CE lacks until `appearsAfterMs`. */
  readonly missingAccount?: {
    readonly accountnumber: string;
    readonly name: string;
    readonly appearsAfterMs: number;
  };
}

const everywhere = { ce: "delivered", crm: "delivered", email: "delivered" } as const;

/** A small, honest set: four companies, three currencies, every kind of door, and the usual trouble. */
export const scenarios: readonly Scenario[] = [
  {
    name: "sales invoice",
    post: { kind: "sales", company: "usmf", customer: "US-001", lines: 3, door: "eventGrid" },
    expected: everywhere,
  },
  {
    name: "free text invoice",
    post: { kind: "freeText", company: "demf", customer: "DE-001", lines: 2, door: "https" },
    expected: everywhere,
  },
  {
    name: "credit note, not in the company's currency",
    post: {
      kind: "creditNote",
      company: "gbsi",
      customer: "GB-001",
      lines: 1,
      currency: "EUR",
      door: "serviceBus",
    },
    expected: everywhere,
  },
  {
    name: "500 lines",
    post: { kind: "sales", company: "jpmf", customer: "JP-001", lines: 500, door: "eventGrid" },
    expected: everywhere,
  },
  {
    name: "customer without e-mail",
    post: { kind: "sales", company: "usmf", customer: "US-002", lines: 2, door: "eventGrid" },
    expected: { ...everywhere, email: "skipped" },
  },
  {
    name: "customer that CE does not have yet",
    post: { kind: "sales", company: "usmf", customer: "US-003", lines: 2, door: "eventGrid" },
    expected: everywhere,
    missingAccount: { accountnumber: "US-003", name: "Northwind Parts", appearsAfterMs: 15_000 },
  },
];
