/** The SDK's mark of a secret on the wire: `sdk/nodejs/runtime/rpc.ts`. */
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

export interface PlainValue {
  readonly value: unknown;
  /** Top-level properties that hold a secret at any depth. */
  readonly secretProperties: readonly string[];
}

/**
 * Takes the wrappers off secrets, at any depth. (A secret anywhere in a property makes the SDK wrap
 * the whole of it, so more than the secret itself may be named as secret.)
 */
export function toPlain(value: unknown): PlainValue {
  const secretProperties: string[] = [];
  if (typeof value !== "object" || value === null) return { value, secretProperties };
  const plain = Object.entries(value).map(([key, member]) => {
    const { hasSecret, value: unwrapped } = unwrap(member);
    if (hasSecret) secretProperties.push(key);
    return [key, unwrapped] as const;
  });
  return { value: Object.fromEntries(plain), secretProperties };
}

function unwrap(value: unknown): { readonly value: unknown; readonly hasSecret: boolean } {
  if (typeof value !== "object" || value === null) return { value, hasSecret: false };
  if (isSecret(value)) return { value: unwrap(value.value).value, hasSecret: true };
  if (Array.isArray(value)) {
    const members = value.map(unwrap);
    return {
      value: members.map((member) => member.value),
      hasSecret: members.some((member) => member.hasSecret),
    };
  }
  const members = Object.entries(value).map(([key, member]) => [key, unwrap(member)] as const);
  return {
    value: Object.fromEntries(members.map(([key, member]) => [key, member.value])),
    hasSecret: members.some(([, member]) => member.hasSecret),
  };
}

function isSecret(value: object): value is { readonly value: unknown } {
  return (value as Readonly<Record<string, unknown>>)[SIGNATURE_KEY] === SECRET_SIGNATURE;
}
