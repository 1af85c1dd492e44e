import { systemClock } from "../../functions/src/platform/clock.ts";
import { createHttp } from "../../functions/src/platform/http.ts";
import type { GetToken } from "../../functions/src/platform/token.ts";
import { applyInstall, type InstallStep } from "./install-ce.ts";

export interface PrepareOptions {
  readonly baseUrl: string;
  readonly getToken: GetToken;
  readonly onProgress?: (step: InstallStep, phase: "started" | "done") => void;
}

/** `causeway ce install --apply` for callers that have no command line: the same steps, own connections. */
export async function prepareCe(options: PrepareOptions): Promise<readonly InstallStep[]> {
  const http = createHttp();
  try {
    return await applyInstall({ ...options, http, clock: systemClock });
  } finally {
    http.close();
  }
}
