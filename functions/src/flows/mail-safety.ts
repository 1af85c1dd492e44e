import type { AppConfig } from "../platform/config.ts";

/**
 * Whether mail may leave this stack for real people: `environmentKind` says production AND the F&O host
 * that the invoices come from is listed in `productionHosts` (with its port, where it has one). A copied
 * or refreshed F&O keeps its customers' addresses but not its host name. There is no exception: the local
 * Azure is the production stack of its own simulated world and lists that world's F&O.
 */
export function mayMailLeave(config: AppConfig): boolean {
  const finance = hostOf(config.financeUrl);
  const listed = config.productionHosts.map((host) => host.toLowerCase());
  return (
    config.environmentKind === "production" && finance !== undefined && listed.includes(finance)
  );
}

/** What a mail's settings say; part of `ResolvedTarget`. */
export interface MailSettings {
  readonly mode: "dryRun" | "redirect" | "live";
  readonly redirectTo?: string;
  readonly allowedRecipientDomains: readonly string[];
}

/**
 * The last check before each send, on the very address that the mail would go to. Redirected mail goes
 * to the one mailbox only; live mail needs that mail may leave (see above) and an allowed domain.
 */
export function isRecipientAllowed(
  address: string,
  settings: MailSettings,
  config: AppConfig,
): boolean {
  switch (settings.mode) {
    case "dryRun":
      return false;
    case "redirect":
      return settings.redirectTo !== undefined && address === settings.redirectTo;
    case "live": {
      const domain = domainOf(address);
      if (domain === undefined || !mayMailLeave(config)) return false;
      return settings.allowedRecipientDomains.some(
        (allowed) => allowed === "*" || allowed.toLowerCase() === domain,
      );
    }
  }
}

/** One plain address: no lists, no display names, nothing that a header could be made of. */
function domainOf(address: string): string | undefined {
  const match = /^[^\s@<>()[\]\\,;:"]+@((?:[a-z0-9-]+\.)+[a-z0-9-]+)$/i.exec(address);
  return match?.[1]?.toLowerCase();
}

function hostOf(address: string): string | undefined {
  try {
    return new URL(address).host.toLowerCase();
  } catch {
    return undefined;
  }
}
