import type { UseQueryResult } from '@tanstack/react-query';
import { Panel } from './Page';
import { type PlainColumn, PlainTable } from './PlainTable';
import { EmptyState, Loaded } from './states';

/** A short list that fits on one page, such as shops or tags; the first column names the row. */
export function Roster<T extends { id: string }>(props: {
  title: string;
  query: UseQueryResult<T[]>;
  empty: { title: string; text: string };
  columns: PlainColumn<T>[];
  /** On a phone each row stands by itself. */
  stacks?: boolean;
}) {
  return (
    <Panel title={props.title}>
      <Loaded query={props.query}>
        {(rows) =>
          rows.length === 0 ? (
            <EmptyState small {...props.empty} />
          ) : (
            <PlainTable
              label={props.title}
              rows={rows}
              columns={props.columns}
              stacks={props.stacks}
              labels={props.stacks}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}
