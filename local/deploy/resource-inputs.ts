import { DeployError } from "./deploy-error.ts";
import type { Properties, RegisteredResource } from "./run-program.ts";

/** Reads a resource's inputs; whatever is missing or of another kind is an error that names it. */
export interface ResourceInputs {
  text(path: string): string;
  optionalText(path: string): string | undefined;
  texts(path: string): readonly string[];
  list(path: string): readonly Properties[];
}

export function readInputs(resource: RegisteredResource): ResourceInputs {
  const wrong = (path: string, wanted: string): DeployError =>
    new DeployError(
      "INVALID_PROPERTY",
      `${resource.type} ${resource.name}: ${path} must be ${wanted}.`,
    );
  const optionalText = (path: string): string | undefined => {
    const value = find(resource.inputs, path);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== "string") throw wrong(path, "a text");
    return value;
  };
  const array = (path: string): readonly unknown[] => {
    const value = find(resource.inputs, path) ?? [];
    if (!Array.isArray(value)) throw wrong(path, "a list");
    return value as readonly unknown[];
  };
  return {
    optionalText,
    // Locally nothing makes names up, so every one must be in the program.
    text: (path) => {
      const value = optionalText(path);
      if (value === undefined || value === "") throw wrong(path, "set");
      return value;
    },
    texts: (path) =>
      array(path).map((value) => {
        if (typeof value !== "string") throw wrong(path, "a list of texts");
        return value;
      }),
    list: (path) =>
      array(path).map((value) => {
        if (!isProperties(value)) throw wrong(path, "a list of objects");
        return value;
      }),
  };
}

function find(properties: Properties, path: string): unknown {
  let value: unknown = properties;
  for (const key of path.split(".")) {
    if (!isProperties(value)) return undefined;
    value = value[key];
  }
  return value;
}

function isProperties(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
