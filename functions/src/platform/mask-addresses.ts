const address = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g;

/** A text without what looks like an e-mail address. */
export function maskAddresses(text: string): string {
  return text.replace(address, "***");
}
