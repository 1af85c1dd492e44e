export type SimulatedSystem = "finance" | "dataverse" | "crm" | "mail";

export interface Settings {
  readonly signIn: {
    readonly issuer: string;
    readonly authorizeUrl: string;
    readonly tokenUrl: string;
    readonly clientId: string;
    readonly scope: string;
  } | null;
  /** On a developer's machine: where the simulated systems are. */
  readonly simulation: Readonly<Record<SimulatedSystem, string>> | null;
}

let loaded: Settings | undefined;

export async function loadSettings(): Promise<void> {
  const response = await fetch("/api/console/settings.json");
  loaded = (await response.json()) as Settings;
}

export function settings(): Settings {
  if (loaded === undefined) throw new Error("the settings are not loaded yet");
  return loaded;
}
