import type { Mistake } from "./mistake.ts";
import { isDeployed, type StackConfig, type TargetConfig } from "./stack-config.ts";

/**
 * The rule that keeps a copied environment away from real customers. The function app checks the
 * same before each send; here it stops the deployment.
 */
export function findMailMistakes(config: StackConfig): readonly Mistake[] {
  const email = config.targets["email"];
  if (email === undefined || !isDeployed(email)) return findMailDomainMistakes(config);
  const modes = modesOf("email", email);
  const redirect = modes.find(({ mode }) => mode === "redirect");
  const live = modes.find(({ mode }) => mode === "live");
  return [
    ...(redirect !== undefined && email.redirectTo === undefined
      ? [
          {
            key: "targets.email.redirectTo",
            reason: `is missing, but ${redirect.key} is redirect`,
            fix: "name the mailbox that gets all mail of this stack",
          },
        ]
      : []),
    ...(live === undefined ? [] : findLiveMailMistakes(config, email, live.key)),
    ...findMailDomainMistakes(config),
  ];
}

function findLiveMailMistakes(
  config: StackConfig,
  email: TargetConfig,
  key: string,
): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  if (config.environmentKind !== "production") {
    mistakes.push({
      key,
      reason: `is live, but environmentKind is ${config.environmentKind}`,
      fix: "choose redirect or dryRun; only a production stack writes to customers",
    });
  }
  const hosts = [hostOf(config.financeUrl), ...config.doors.map((door) => door.financeHost)];
  for (const host of new Set(hosts)) {
    if (config.productionHosts.includes(host)) continue;
    mistakes.push({
      key: "productionHosts",
      reason: `lacks ${host}, but ${key} is live`,
      fix: "add the host if it really is the production environment, else choose redirect",
    });
  }
  if ((email.allowedRecipientDomains ?? []).length === 0) {
    mistakes.push({
      key: "targets.email.allowedRecipientDomains",
      reason: `is empty, but ${key} is live; name the domains, or "*" for all`,
      fix: 'write a list such as ["contoso.example"]',
    });
  }
  return mistakes;
}

function findMailDomainMistakes({ mail }: StackConfig): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  if (mail.domain === "custom" && mail.domainName === undefined) {
    mistakes.push({
      key: "mail.domainName",
      reason: "is missing, but mail.domain is custom",
      fix: "name a domain whose DNS you can change, such as mail.contoso.com",
    });
  }
  if (mail.domain === "managed" && mail.senders.length > 0) {
    // https://learn.microsoft.com/azure/communication-services/quickstarts/email/add-multiple-senders
    mistakes.push({
      key: "mail.senders",
      reason: "need a custom domain; a managed one has its own",
      fix: "remove them, or set mail.domain to custom",
    });
  }
  return mistakes;
}

/** `redirect` is for mail alone. */
export function findMailOnlyMistakes(name: string, target: TargetConfig): readonly Mistake[] {
  return modesOf(name, target).flatMap(({ key, mode }) =>
    mode === "redirect"
      ? [{ key, reason: "is redirect, which only email can do", fix: "choose off, dryRun or live" }]
      : [],
  );
}

function modesOf(name: string, target: TargetConfig): readonly { key: string; mode: string }[] {
  const own = { key: `targets.${name}.mode`, mode: target.mode as string };
  const companies = Object.entries(target.legalEntities ?? {}).flatMap(([id, company]) =>
    company.mode === undefined
      ? []
      : [{ key: `targets.${name}.legalEntities.${id}.mode`, mode: company.mode }],
  );
  return [own, ...companies];
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
