/** Doors whose port a person may choose; the others take a free one. */
export const portNames = [
  "identity",
  "monitor",
  "eventGrid",
  "serviceBus",
  "workflows",
  "keyVault",
  "functions",
  "finance",
  "dataverse",
  "crm",
  "mail",
  "smtp",
] as const;

export type PortName = (typeof portNames)[number];
export type Ports = Readonly<Partial<Record<PortName, number>>>;

/** `finance=4001` from the command line; throws what to say to the person. */
export function parsePorts(texts: readonly string[]): Ports {
  const entries = texts.map((text) => {
    const [name = "", number = ""] = text.split("=");
    const port = Number(number);
    if (!portNames.some((known) => known === name)) {
      throw new Error(`--port ${text}: there is no ${name}; known are ${portNames.join(", ")}`);
    }
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new Error(`--port ${text}: a port is a whole number from 1 to 65535`);
    }
    return [name, port] as const;
  });
  return Object.fromEntries(entries);
}

/** Opens one door; a taken port is named together with the way out. */
export async function openOn<T>(
  name: PortName,
  ports: Ports,
  open: (port: number) => Promise<T>,
): Promise<T> {
  const port = ports[name] ?? 0;
  try {
    return await open(port);
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    throw new Error(
      `port ${port} (${name}) is in use; end what uses it, or choose another with --port ${name}=<number>`,
      { cause: error },
    );
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
