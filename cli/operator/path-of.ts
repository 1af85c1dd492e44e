import { InvalidArgumentError } from "commander";

/** The path of a call: what a person typed is one part of it, whatever it consists of. */
export function pathOf(...parts: readonly string[]): string {
  return parts.map(encodeURIComponent).join("/");
}

/** An id or a target's name as an argument: an empty one, or one with a slash, would name something else. */
export function toId(text: string): string {
  if (text === "") throw new InvalidArgumentError("it is empty");
  if (/[\s/\\?#]|^\.+$/.test(text)) {
    throw new InvalidArgumentError("use one as a list shows it, without spaces and slashes");
  }
  return text;
}
