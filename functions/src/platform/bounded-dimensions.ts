const maxValues = 100;
const other = "OTHER";
/** Codes, names from flows and companies; whatever else comes is not worth a series of its own. */
const fits = /^[\w.:-]{0,64}$/;

type Values = Readonly<Record<string, string>>;

/**
 * Keeps what a metric is split by within bounds, whatever a workflow or a message makes up: 100 values
 * per metric and dimension for the life of the process, the same word for all others.
 */
export function createBoundedDimensions(): (metric: string, dimensions: Values) => Values {
  const seen = new Map<string, Set<string>>();
  return (metric, dimensions) => {
    const bounded: Record<string, string> = {};
    for (const [name, value] of Object.entries(dimensions)) {
      const key = `${metric} ${name}`;
      let values = seen.get(key);
      if (values === undefined) seen.set(key, (values = new Set()));
      if (!values.has(value) && fits.test(value) && values.size < maxValues) values.add(value);
      bounded[name] = values.has(value) ? value : other;
    }
    return bounded;
  };
}
