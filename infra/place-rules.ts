import { closest, distance } from "fastest-levenshtein";
import type { Mistake } from "./mistake.ts";
import { flexRegions, toRegionName, zonelessRegions } from "./regions.ts";
import type { StackConfig } from "./stack-config.ts";

export const LOCATION = "azure-native:location";

/** More letters apart, a region is another one and not a misspelt one. */
const MOST_TYPOS = 3;

type Values = Readonly<Record<string, string>>;

/** Where a stack cannot be, or by what name. */
export function findPlaceMistakes(input: {
  readonly stack: string;
  readonly values: Values;
}): readonly Mistake[] {
  const { stack, values } = input;
  const mistakes: Mistake[] = [];
  const location = values[LOCATION] ?? "";
  if (location === "") {
    mistakes.push({
      key: LOCATION,
      reason: "is missing: the region to deploy to",
      fix: `pulumi config set ${LOCATION} westeurope`,
    });
  } else if (isChecked(values) && !flexRegions.includes(toRegionName(location))) {
    const name = toRegionName(location);
    const near = closest(name, [...flexRegions]);
    const hint = distance(name, near) > MOST_TYPOS ? "" : `; did you mean ${near}?`;
    mistakes.push({
      key: LOCATION,
      reason: `${location} is no region with Flex Consumption that we know${hint}`,
      fix: "choose another, or set causeway:checkRegion to false when Azure offers it there by now",
    });
  }
  if (!/[a-z0-9]/i.test(stack)) {
    mistakes.push({
      key: "stack",
      reason: `"${stack}" has no letter or digit that a name in Azure may have`,
      fix: "pulumi stack rename prod",
    });
  }
  return mistakes;
}

/** Zone-redundant storage, a zone-redundant namespace and an address over zones need zones. */
export function findZoneMistakes(config: StackConfig, values: Values): readonly Mistake[] {
  const location = values[LOCATION] ?? "";
  const wants = [
    ...(config.environmentKind === "production" ? ["environmentKind: production"] : []),
    ...(config.serviceBusTier === "Premium" ? ["serviceBusTier: Premium"] : []),
    ...(config.network === "private" ? ["network: private"] : []),
  ];
  if (wants.length === 0 || !isChecked(values)) return [];
  if (!zonelessRegions.includes(toRegionName(location))) return [];
  return [
    {
      key: LOCATION,
      reason: `${location} has no availability zones, which are needed for ${wants.join(", ")}`,
      fix: "choose a region with zones, or set causeway:checkRegion to false when Azure has them there by now",
    },
  ];
}

function isChecked(values: Values): boolean {
  return values["causeway:checkRegion"] !== "false";
}
