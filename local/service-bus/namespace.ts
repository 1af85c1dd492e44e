import type { LocalClock } from "../clock.ts";
import type { Arrival } from "./stored-message.ts";

/** What an entity needs from the namespace around it. */
export interface Namespace {
  readonly clock: LocalClock;
  readonly log: (line: string) => void;
  /** False in fault runs that switch duplicate detection off everywhere. */
  readonly detectsDuplicates: boolean;
  /** Hands a message to another entity; throws a BrokerError when that one is missing or refuses. */
  forward(targetPath: string, arrival: Arrival): void;
  /** Told of every message that comes, goes or is handed out: how an onlooker knows that work goes on. */
  readonly onActivity: () => void;
  /** Told of every message under a known id that came in because duplicates are not detected. */
  readonly onDuplicateLetIn: () => void;
}
