/** ARM ids as Azure forms them: `/subscriptions/<id>/resourceGroups/<group>/providers/<type>/<name>…`. */
export function toArmId(
  place: { readonly subscriptionId: string; readonly resourceGroup: string },
  provider: string,
  ...segments: readonly string[]
): string {
  const group = `/subscriptions/${place.subscriptionId}/resourceGroups/${place.resourceGroup}`;
  return `${group}/providers/${provider}/${segments.join("/")}`;
}

/** The last segment: a resource's own name. */
export function nameFromArmId(id: string): string {
  return id.slice(id.lastIndexOf("/") + 1);
}
