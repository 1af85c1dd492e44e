import { Button } from "react-aria-components";
import type { ApiError } from "../api.ts";
import { beginSignIn } from "../sign-in.ts";
import type { Loaded } from "../use-answer.ts";

/** Loading, failed, stale or there: the same everywhere. */
export function AnswerView<T>({
  answer,
  children,
}: {
  readonly answer: Loaded<T>;
  readonly children: (value: T) => React.ReactNode;
}) {
  const { value, error, isLoading, reload } = answer;
  return (
    <>
      {error !== undefined && error.code !== "SIGNED_OUT" && (
        <ErrorNotice error={error} isStale={value !== undefined} retry={reload} />
      )}
      {value === undefined ? isLoading && <Loading /> : children(value)}
    </>
  );
}

export function ErrorNotice({
  error,
  isStale = false,
  retry,
}: {
  readonly error: ApiError;
  readonly isStale?: boolean;
  readonly retry?: () => void;
}) {
  return (
    <section className="notice bad" role="alert">
      <span>
        <b>{error.message}</b> {error.fix} {isStale && "What you see is from before. "}
        <code>{error.code}</code>
      </span>
      {error.code === "SIGNED_OUT" && (
        <Button className="primary" onPress={() => void beginSignIn()}>
          Sign in again
        </Button>
      )}
      {retry !== undefined && (
        <Button className="quiet" onPress={retry}>
          Try again
        </Button>
      )}
    </section>
  );
}

function Loading() {
  return (
    <div className="loading" role="status">
      <span className="hidden">Loading</span>
      <div />
      <div />
      <div />
    </div>
  );
}

export function Empty({ children }: { readonly children: React.ReactNode }) {
  return <p className="empty">{children}</p>;
}
