/** What a script can tell apart. */
export const exitCodes = {
  done: 0,
  failed: 1,
  calledWrongly: 2,
  /** The filter matches nothing, or there is no such failure, replay or verification. */
  nothingFound: 3,
  /** Not signed in, or not allowed to: the role, the address, the stack's settings, or one's own edit. */
  notAllowed: 4,
  /** Something is left for a person: not all was done that was asked for, or it was found not to be well. */
  needsLooking: 5,
} as const;

export const exitCodesHelp = `
Exit codes: 0 done, 1 failed, 2 the command was called wrongly, 3 nothing found (a filter that matches
nothing, an id that is not there), 4 not signed in or not allowed (app role, address, edits that the stack does not
allow, one's own edit), 5 to be looked at: a replay that stopped, in which deliveries failed again or were not sent,
or that was paused or cancelled while it was followed; named failures that are not there or not open; a verification
that found differences; a status that needs a person.
Without --stack or --url a command works on the local Azure that \`npm start\` runs.`;
