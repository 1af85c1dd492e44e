/**
 * Regions with Flex Consumption. No page lists them; `az functionapp list-flexconsumption-locations` tells today's
 * (https://learn.microsoft.com/azure/azure-functions/flex-consumption-how-to#view-currently-supported-regions),
 * these are from memory, and `checkRegion: false` passes a newer one.
 */
export const flexRegions: readonly string[] = [
  "australiaeast",
  "australiasoutheast",
  "brazilsouth",
  "canadacentral",
  "canadaeast",
  "centralindia",
  "centralus",
  "eastasia",
  "eastus",
  "eastus2",
  "francecentral",
  "germanywestcentral",
  "italynorth",
  "japaneast",
  "japanwest",
  "koreacentral",
  "northcentralus",
  "northeurope",
  "norwayeast",
  "southafricanorth",
  "southcentralus",
  "southindia",
  "southeastasia",
  "spaincentral",
  "swedencentral",
  "switzerlandnorth",
  "uaenorth",
  "uksouth",
  "ukwest",
  "westcentralus",
  "westeurope",
  "westus",
  "westus2",
  "westus3",
];

/**
 * Those of them without availability zones:
 * https://learn.microsoft.com/azure/reliability/regions-list
 */
export const zonelessRegions: readonly string[] = [
  "australiasoutheast",
  "canadaeast",
  "northcentralus",
  "southindia",
  "ukwest",
  "westcentralus",
  "westus",
];

/** `West Europe` and `westeurope` are the same to Azure. */
export function toRegionName(location: string): string {
  return location.toLowerCase().replace(/[^a-z0-9]/g, "");
}
