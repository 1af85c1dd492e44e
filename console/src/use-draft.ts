import { useState } from "react";

/** Text that survives a sign-in, a reload and a change of page, until it is used (`set("")`). */
export function useDraft(name: string): readonly [string, (text: string) => void] {
  const key = `causeway.draft.${name}`;
  const [text, setText] = useState(() => sessionStorage.getItem(key) ?? "");
  const set = (next: string): void => {
    setText(next);
    if (next === "") sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, next);
  };
  return [text, set];
}
