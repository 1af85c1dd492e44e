import { customers as masterData } from "../../local/finance/master-data.ts";
import { createSeededRandom } from "./seeded-random.ts";

export type Door = "eventGrid" | "serviceBus" | "https";

/** What a document is, before F&O gives it a number and its event an id. */
export interface ChosenDocument {
  readonly company: string;
  readonly customer: string;
  /** Empty where the customer has no address, for which a rule skips the mail. */
  readonly mailTo: string;
  readonly lines: number;
  readonly kind: "sales" | "freeText" | "creditNote";
  /** The one that it goes through where a fault does not want others. */
  readonly door: Door;
}

/** US-002 has no address. */
const customers = ["US-001", "US-002", "GB-001", "DE-001", "JP-001"].flatMap(
  (wanted) => masterData.find(({ account }) => account === wanted) ?? [],
);
const withAddress = customers.filter(({ email }) => email !== "");
const kinds = ["sales", "freeText", "creditNote"] as const;

/** Document `n` of the round with this seed, or of a fault in it: whoever posts it, whenever, whatever was drawn before. */
export function chooseDocument(
  seed: number,
  postedBy: string,
  n: number,
  { hasAddress = false } = {},
): ChosenDocument {
  const random = createSeededRandom(seed, postedBy, n);
  const { company, account, email } = random.pick(hasAddress ? withAddress : customers);
  return {
    ...{ company, customer: account, mailTo: email },
    lines: random.between(1, 3),
    kind: random.pick(kinds),
    door: random.pick<Door>(["eventGrid", "serviceBus", "https"]),
  };
}
