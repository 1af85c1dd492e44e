import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { loadCertificateAuthority, type LocalCertificate } from "../certificate-authority.ts";
import { startAzurite, type Azurite } from "../storage/start-azurite.ts";

/** What takes longest and needs least: begun before the other modules are even loaded. */
export interface Storage {
  readonly authority: Promise<{ readonly caFile: string; readonly certificate: LocalCertificate }>;
  readonly azurite: Promise<Azurite>;
}

export function startStorage(
  folder: string,
  log: (line: string) => void,
  { canBeAway = false }: { readonly canBeAway?: boolean } = {},
): Storage {
  const authority = loadCertificateAuthority(folder);
  const azurite = authority.then(async ({ certificate }) => {
    await removeLeftovers(folder);
    return startAzurite({
      certificate,
      dir: join(folder, `azurite-${process.pid}`),
      accountName: "causewaylocal",
      accountKey: randomBytes(64).toString("base64"),
      canBeAway,
      log,
    });
  });
  // Both are awaited where they are needed; until then a failure must not end the process without a word.
  authority.catch(() => undefined);
  azurite.catch(() => undefined);
  return { authority, azurite };
}

/** Folders of runs that were killed; each is named for the process that made it. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const id = /^azurite-(\d+)$/.exec(name)?.[1];
    if (id === undefined || isRunning(Number(id))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}
