import { useConsole } from "../../support/use-console.ts";
import { useLocalAzure } from "../../support/use-local-azure.ts";

/** For all files of this folder: their tests have documents and people of their own and leave no fault behind. */
export const local = useLocalAzure("console");

/** One browser: each person who signs in has a context of his own in it. */
export const { open, signIn } = useConsole(local);
