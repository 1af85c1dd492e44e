/** What a script can tell apart. */
export const exitCodes = {
  done: 0,
  failed: 1,
  calledWrongly: 2,
  /** The filter matches nothing, or there is no such failure, replay or verification. */
  nothingFound: 3,
  /** Not signed in, or without the app role. */
  notAllowed: 4,
  /** A replay that stopped by itself, or a verification that found differences. */
  needsLooking: 5,
} as const;

export const exitCodesHelp = `
Exit codes: 0 done, 1 failed, 2 the command was called wrongly, 3 nothing found (a filter that matches
nothing, an id that is not there), 4 not signed in or the app role is missing, 5 a replay stopped by itself
or a verification found differences.
Without --stack or --url a command works on the local Azure that \`npm start\` runs.`;
