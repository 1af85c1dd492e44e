import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "./api.ts";

export interface Loaded<T> {
  /** The last good answer, kept while a newer one is fetched or fails. */
  readonly value: T | undefined;
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/** What passes by itself is asked again, on a page that asks only once, too. */
const againMs = 5_000;
const passing = /^(NO_ANSWER|LEDGER_UNAVAILABLE|HTTP_5\d\d)$/;

/** Fetches when `key` changes, and every `everyMs` while the tab is seen. */
export function useAnswer<T>(key: string, fetchIt: () => Promise<T>, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, "reload"> & { readonly key: string }>({
    key,
    value: undefined,
    error: undefined,
    isLoading: true,
  });
  const latest = useRef(fetchIt);
  latest.current = fetchIt;
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((each) => each + 1), []);
  useEffect(() => {
    let isCurrent = true;
    let again: ReturnType<typeof setTimeout> | undefined;
    // One at a time: what hangs must not be asked ten times over.
    let isAsking = false;
    const load = async (): Promise<void> => {
      isAsking = true;
      try {
        const value = await latest.current();
        if (isCurrent) setState({ key, value, error: undefined, isLoading: false });
      } catch (thrown) {
        const error = toApiError(thrown);
        if (!isCurrent) return;
        setState((before) => ({
          key,
          value: before.key === key ? before.value : undefined,
          error,
          isLoading: false,
        }));
        if (everyMs === undefined && passing.test(error.code)) {
          again = setTimeout(() => void load(), againMs);
        }
      } finally {
        isAsking = false;
      }
    };
    setState((before) => ({
      key,
      value: before.key === key ? before.value : undefined,
      error: undefined,
      isLoading: true,
    }));
    void load();
    const timer =
      everyMs === undefined
        ? undefined
        : setInterval(() => {
            if (document.visibilityState === "visible" && !isAsking) void load();
          }, everyMs);
    return () => {
      isCurrent = false;
      clearInterval(timer);
      clearTimeout(again);
    };
  }, [key, everyMs, round]);
  return { value: state.value, error: state.error, isLoading: state.isLoading, reload };
}

export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError("PAGE_FAILED", "This page did something wrong.", "Load it again.");
}
