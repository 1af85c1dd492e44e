import { useState } from "react";
import {
  CheckboxButton,
  CheckboxField,
  Cell,
  Column,
  Row,
  Table,
  TableBody,
  TableHeader,
} from "react-aria-components";
import type { Selection as RowSelection, SortDescriptor } from "react-aria-components";
import { get } from "../api.ts";
import { AnswerView, Empty } from "../components/answer-view.tsx";
import { MasterDataGaps } from "../components/master-data-gaps.tsx";
import { ReplayList } from "../components/replay-list.tsx";
import { ReplayPanel } from "../components/replay-panel.tsx";
import type { FailureGroup, FailureSummary, Selection } from "../failure-answers.ts";
import { goTo, hrefTo } from "../route.ts";
import { useAnswer } from "../use-answer.ts";
import { ago, count, nameOf, ownerOf, when } from "../words.ts";

const refreshMs = 5_000;

interface Groups {
  readonly groups: readonly FailureGroup[];
  /** Targets that have more groups than these. */
  readonly targetsWithMore: readonly string[];
}

interface Failures {
  readonly failures: readonly FailureSummary[];
  readonly continuation?: string;
}

export function FailuresPage({ group }: { readonly group: string }) {
  const answer = useAnswer("groups", () => get<Groups>("failure-groups"), refreshMs);
  const [version, setVersion] = useState(0);
  return (
    <>
      <h1>Failures</h1>
      <AnswerView answer={answer}>
        {({ groups, targetsWithMore }) => {
          const chosen = groups.find((each) => each.group === group);
          return (
            <>
              {groups.length === 0 ? (
                <Empty>No failure waits for a decision.</Empty>
              ) : (
                <GroupTable groups={groups} chosen={group} />
              )}
              {targetsWithMore.length > 0 && (
                <p className="muted">
                  There are more causes than these for {targetsWithMore.map(nameOf).join(", ")}.
                </p>
              )}
              {chosen !== undefined && (
                <Group
                  key={group}
                  group={chosen}
                  reload={() => {
                    answer.reload();
                    setVersion(version + 1);
                  }}
                />
              )}
              <ReplayList version={version} />
              <MasterDataGaps groups={groups} />
            </>
          );
        }}
      </AnswerView>
    </>
  );
}

const columns = [
  { id: "count", title: "Count" },
  { id: "meaning", title: "Cause" },
  { id: "target", title: "Target" },
  { id: "owner", title: "Whose" },
  { id: "fixIn", title: "Fix in" },
  { id: "lastAt", title: "Last" },
] as const;

function GroupTable({
  groups,
  chosen,
}: {
  readonly groups: readonly FailureGroup[];
  readonly chosen: string;
}) {
  const [sort, setSort] = useState<SortDescriptor>({ column: "count", direction: "descending" });
  return (
    <div className="scroll">
      <Table
        aria-label="Failures by cause"
        sortDescriptor={sort}
        onSortChange={setSort}
        onRowAction={(key) => goTo(hrefTo("failures", [], { group: String(key) }))}
      >
        <TableHeader>
          {columns.map(({ id, title }) => (
            <Column key={id} id={id} allowsSorting isRowHeader={id === "meaning"}>
              {({ sortDirection }) => (
                <>
                  {title}
                  <span aria-hidden="true">
                    {sortDirection === undefined ? "" : sortDirection === "ascending" ? " ↑" : " ↓"}
                  </span>
                </>
              )}
            </Column>
          ))}
        </TableHeader>
        <TableBody dependencies={[sort, chosen, groups]}>
          {sorted(groups, sort).map((each) => (
            <Row
              key={each.group}
              id={each.group}
              className={each.group === chosen ? "chosen" : ""}
              textValue={each.meaning}
            >
              <Cell className="number">{count(each.count, each.isAtLeast)}</Cell>
              <Cell>
                <b>{each.meaning}</b>
                <small>
                  <code>{each.code}</code> {each.reason}
                </small>
              </Cell>
              <Cell>{nameOf(each.target)}</Cell>
              <Cell>{ownerOf(each.owner)}</Cell>
              <Cell>{each.fixIn}</Cell>
              <Cell>{ago(each.lastAt)} ago</Cell>
            </Row>
          ))}
        </TableBody>
      </Table>
    </div>
  );
}

function sorted(
  groups: readonly FailureGroup[],
  { column, direction }: SortDescriptor,
): readonly FailureGroup[] {
  const name = columns.find(({ id }) => id === column)?.id ?? "count";
  const order = direction === "descending" ? -1 : 1;
  return [...groups].sort((a, b) => {
    const [left, right] = [a[name], b[name]];
    const difference =
      typeof left === "number" && typeof right === "number"
        ? left - right
        : String(left).localeCompare(String(right));
    return difference * order;
  });
}

/** One cause: its failures, and what to do with them. */
function Group({ group, reload }: { readonly group: FailureGroup; readonly reload: () => void }) {
  const [places, setPlaces] = useState<readonly string[]>([]);
  const continuation = places.at(-1);
  const query = { group: group.group, limit: "50", continuation };
  const answer = useAnswer(
    `failures.${group.group}.${continuation ?? ""}`,
    () => get<Failures>("failures", query),
    refreshMs,
  );
  const [rows, setRows] = useState<RowSelection>(new Set());
  const failures = answer.value?.failures ?? [];
  return (
    <section aria-labelledby="group" className="panel" data-testid="group">
      <h2 id="group">{group.meaning}</h2>
      <p>
        {count(group.count, group.isAtLeast)} for {nameOf(group.target)}, first{" "}
        {when(group.firstAt)}. {ownerOf(group.owner)} puts it right in {group.fixIn}; then replay.
      </p>
      <ReplayPanel
        name={group.group}
        selection={toSelection(group, failures, rows)}
        what={rows === "all" || rows.size === 0 ? "the whole group" : `${rows.size} chosen`}
        onChange={() => {
          reload();
          answer.reload();
        }}
      />
      <AnswerView answer={answer}>
        {(page) => (
          <>
            <FailureTable failures={page.failures} rows={rows} onChoose={setRows} />
            <nav className="row" aria-label="Pages of failures">
              {places.length > 0 && (
                <a
                  href={location.hash}
                  onClick={(event) => {
                    event.preventDefault();
                    setPlaces(places.slice(0, -1));
                  }}
                >
                  Newer
                </a>
              )}
              {page.continuation !== undefined && (
                <a
                  href={location.hash}
                  onClick={(event) => {
                    event.preventDefault();
                    setPlaces([...places, page.continuation ?? ""]);
                  }}
                >
                  Older
                </a>
              )}
            </nav>
          </>
        )}
      </AnswerView>
    </section>
  );
}

function toSelection(
  group: FailureGroup,
  failures: readonly FailureSummary[],
  rows: RowSelection,
): Selection {
  if (rows === "all" || rows.size === 0) return { filter: { group: group.group } };
  const chosen = failures.filter(({ failureId }) => rows.has(failureId));
  return { ids: chosen.map(({ target, failureId }) => ({ target, failureId })) };
}

function FailureTable({
  failures,
  rows,
  onChoose,
}: {
  readonly failures: readonly FailureSummary[];
  readonly rows: RowSelection;
  readonly onChoose: (rows: RowSelection) => void;
}) {
  return (
    <div className="scroll">
      <Table
        aria-label="Failures of this cause"
        selectionMode="multiple"
        selectionBehavior="toggle"
        selectedKeys={rows}
        onSelectionChange={onChoose}
      >
        <TableHeader>
          <Column className="tick">
            <Tick label="Choose all on this page" />
          </Column>
          <Column isRowHeader>Document</Column>
          <Column>Company</Column>
          <Column>Tries</Column>
          <Column>Last</Column>
          <Column>Reason</Column>
        </TableHeader>
        <TableBody dependencies={[failures]}>
          {failures.map((each) => (
            <Row key={each.failureId} id={each.failureId} textValue={each.businessKey}>
              <Cell>
                <Tick label={`Choose ${each.businessKey}`} />
              </Cell>
              <Cell>
                <a href={hrefTo("failure", [each.target, each.failureId])}>
                  {each.businessKey === "" ? each.failureId : each.businessKey}
                </a>
              </Cell>
              <Cell>{each.legalEntity}</Cell>
              <Cell className="number">{each.attempts}</Cell>
              <Cell>{when(each.lastAt)}</Cell>
              <Cell>{each.reason}</Cell>
            </Row>
          ))}
        </TableBody>
      </Table>
    </div>
  );
}

function Tick({ label }: { readonly label: string }) {
  return (
    <CheckboxField slot="selection" aria-label={label}>
      <CheckboxButton className="check">
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <path d="M3 8.5l3.2 3.2L13 4.9" />
        </svg>
      </CheckboxButton>
    </CheckboxField>
  );
}
