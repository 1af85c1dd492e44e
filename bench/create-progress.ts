/** One line that is written over on a terminal; elsewhere a line now and then. */
export interface Progress {
  show(line: string): void;
  end(): void;
}

const quietMs = 5_000;

export function createProgress(out: NodeJS.WriteStream): Progress {
  const beganAt = performance.now();
  let shownAt = -Infinity;
  let shown = "";
  return {
    show: (line) => {
      const now = performance.now();
      const text = `${((now - beganAt) / 1000).toFixed(0).padStart(4)} s  ${line}`;
      if (out.isTTY) {
        out.write(`\r\u001b[K${text}`);
      } else if (line !== shown && now - shownAt >= quietMs) {
        shownAt = now;
        shown = line;
        out.write(`${text}\n`);
      }
    },
    end: () => {
      if (out.isTTY) out.write("\r\u001b[K");
    },
  };
}
