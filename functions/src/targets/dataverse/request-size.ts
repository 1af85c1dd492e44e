/** Rows per request: starts at the most, halves on each time-out, grows back with each success. */
export interface RequestSize {
  readonly rows: number;
  shrink(): void;
  grow(): void;
}

const leastRows = 20;

export function createRequestSize(mostRows: number): RequestSize {
  let rows = mostRows;
  return {
    get rows() {
      return rows;
    },
    shrink: () => {
      rows = Math.max(Math.floor(rows / 2), Math.min(leastRows, mostRows));
    },
    grow: () => {
      rows = Math.min(rows + Math.ceil(mostRows / 10), mostRows);
    },
  };
}
