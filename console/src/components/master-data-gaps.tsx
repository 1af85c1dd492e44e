import { useState } from "react";
import { Button } from "react-aria-components";
import type { FailureGroup } from "../failure-answers.ts";
import { ownerOf } from "../words.ts";

/** What is missing, as a list that can be handed to whoever keeps the master data. */
export function MasterDataGaps({ groups }: { readonly groups: readonly FailureGroup[] }) {
  const [isCopied, setCopied] = useState(false);
  const gaps = groups.flatMap(({ missing, fixIn, owner, count }) =>
    missing.map((key) => ({ key, fixIn, owner, count })),
  );
  if (gaps.length === 0) return null;
  const text = gaps.map(({ key, fixIn }) => `${key}\t${fixIn}`).join("\n");
  return (
    <section aria-labelledby="gaps" className="panel">
      <header className="row">
        <h2 id="gaps">Master data to hand over</h2>
        <Button
          className="plain"
          onPress={() => {
            void navigator.clipboard.writeText(text).then(() => setCopied(true));
          }}
        >
          Copy the list
        </Button>
        <span role="status">{isCopied && "Copied; it pastes into a sheet as two columns."}</span>
      </header>
      <table>
        <thead>
          <tr>
            <th scope="col">Missing record</th>
            <th scope="col">Create it in</th>
            <th scope="col">Whose</th>
          </tr>
        </thead>
        <tbody>
          {gaps.map(({ key, fixIn, owner }) => (
            <tr key={`${key}${fixIn}`}>
              <th scope="row">
                <code>{key}</code>
              </th>
              <td>{fixIn}</td>
              <td>{ownerOf(owner)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
