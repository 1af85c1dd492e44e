interface Places {
  readonly placeAt: number | null;
  readonly missedPlaceAt: number | null;
}

/** What goes back to the budget: a missed place always, the one of this call when it was spared. */
export function unusedPlaces(
  { placeAt, missedPlaceAt }: Places,
  isSpared: boolean,
): readonly number[] {
  return [isSpared ? placeAt : null, missedPlaceAt].filter((place) => place !== null);
}
