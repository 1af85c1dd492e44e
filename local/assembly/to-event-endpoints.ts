import type { EventEndpoint } from "../finance/event-endpoint.ts";

type Form = Readonly<Record<string, string>>;

/**
 * Fills in F&O's endpoint forms from the stack's output `doors`, label by label, as its administrator
 * would: what the output does not say cannot be typed in.
 */
export function toEventEndpoints(
  outputs: Readonly<Record<string, unknown>>,
): readonly EventEndpoint[] {
  const doors = Object.values((outputs["doors"] ?? {}) as Record<string, Record<string, Form>>);
  return doors.flatMap((forms) => Object.values(forms).map(toEndpoint));
}

function toEndpoint(form: Form): EventEndpoint {
  const common = {
    name: field(form, "Endpoint name"),
    keyVaultUrl: field(form, "Azure Key Vault DNS name"),
    secretName: field(form, "Azure Key Vault secret name"),
  };
  switch (form["Endpoint type"]) {
    case "Azure Event Grid":
      return { ...common, type: "eventGrid", url: field(form, "Endpoint URL") };
    case "Azure Service Bus Queue":
      return { ...common, type: "serviceBus", queue: field(form, "Queue name") };
    case "HTTPS":
      return { ...common, type: "https" };
    default:
      throw new Error(`F&O has no endpoint type "${form["Endpoint type"] ?? ""}".`);
  }
}

function field(form: Form, label: string): string {
  const value = form[label];
  if (value === undefined) throw new Error(`The stack's output does not say "${label}".`);
  return value;
}
