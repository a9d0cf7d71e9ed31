import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Panel } from './Page';
import { ScrollX } from './ScrollX';
import { EmptyState, Loaded } from './states';

interface RosterColumn<T> {
  /** Said to screen readers only where `quietTitle` is set. */
  title: string;
  quietTitle?: boolean;
  right?: boolean;
  render: (row: T) => ReactNode;
}

/** A short list that fits on one page, such as shops or tags; the first column names the row. */
export function Roster<T extends { id: string }>(props: {
  title: string;
  query: UseQueryResult<T[]>;
  empty: { title: string; text: string };
  columns: RosterColumn<T>[];
}) {
  const { columns } = props;
  const side = (column: RosterColumn<T>) => (column.right ? 'num' : undefined);
  return (
    <Panel title={props.title}>
      <Loaded query={props.query}>
        {(rows) =>
          rows.length === 0 ? (
            <EmptyState small {...props.empty} />
          ) : (
            <ScrollX label={props.title}>
              <table className="plain">
                <thead>
                  <tr>
                    {columns.map((column) => (
                      <th key={column.title} scope="col" className={side(column)}>
                        {column.quietTitle ? <span className="sr-only">{column.title}</span> : column.title}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row) => (
                    <tr key={row.id}>
                      {columns.map((column, index) =>
                        index === 0 ? (
                          <th key={column.title} scope="row">
                            {column.render(row)}
                          </th>
                        ) : (
                          <td key={column.title} className={side(column)}>
                            {column.render(row)}
                          </td>
                        ),
                      )}
                    </tr>
                  ))}
                </tbody>
              </table>
            </ScrollX>
          )
        }
      </Loaded>
    </Panel>
  );
}
