import { createInterface } from "node:readline/promises";

/** False without a terminal: a script has to say --yes. */
export async function ask(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    process.stderr.write(`${question}\nThere is no terminal to answer on; pass --yes.\n`);
    return false;
  }
  const readline = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await readline.question(`${question} [y/N] `)).trim());
  } finally {
    readline.close();
  }
}
