import { v5 as uuidv5 } from "uuid";

/** Fixed for ever: changing it would make every document look new to every target. */
const namespace = "6f2d4a2e-3c0b-5d5e-9a53-6b1f0b7c9e11";

export interface DocumentIdentity {
  /** CloudEvents type of the canonical event. */
  readonly type: string;
  readonly legalEntity: string;
  readonly number: string;
  /** `YYYY-MM-DD`. Numbers may come round again in another year. */
  readonly date: string;
  readonly voucher: string;
}

/** Same document, same key: whatever event told of it, and however often. */
export function toEffectKey(document: DocumentIdentity): string {
  const { type, legalEntity, number, date, voucher } = document;
  // JSON keeps the parts apart whatever characters they hold. F&O's company ids ignore case.
  return uuidv5(
    JSON.stringify([type, legalEntity.toLowerCase(), number, date, voucher]),
    namespace,
  );
}

/** An id derived from identifiers, the same on every machine and at every time. */
export function toStableId(...parts: readonly (string | number)[]): string {
  return uuidv5(JSON.stringify(parts), namespace);
}
