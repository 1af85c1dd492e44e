const MESSAGE_LENGTH = 200;

/**
 * One line about what was thrown. A SyntaxError's message quotes the text that it could not parse, which
 * may be a business document: of those only the name is told.
 */
export function describeFailure(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "something that is no Error was thrown";
  const { code } = thrown as Error & { readonly code?: unknown };
  const name = typeof code === "string" ? `${thrown.name} ${code}` : thrown.name;
  if (thrown instanceof SyntaxError) return name;
  const [firstLine = ""] = thrown.message.split("\n");
  return `${name}: ${firstLine.slice(0, MESSAGE_LENGTH)}`;
}
