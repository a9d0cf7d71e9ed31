import { LeftOutlined, RightOutlined, SettingOutlined } from '@ant-design/icons';
import { Button, Checkbox, Popover, Table, type TableColumnsType, Tooltip } from 'antd';
import { type Key, type MouseEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { useKeys } from '@/lib/keys';
import { keep, readKept, usePhone } from '@/lib/prefs';
import { useGo } from '@/lib/url';
import { ErrorState, Waiting } from './states';

export interface Column<T> {
  key: string;
  title: string;
  render: (row: T) => ReactNode;
  width?: number;
  right?: boolean;
  /** The server's name for sorting by this column. */
  sort?: string;
  /** Not shown until chosen. */
  spare?: boolean;
  /** Cannot be taken away. */
  always?: boolean;
}

/** Which columns are shown, kept on this machine. */
export function useColumns<T>(id: string, columns: Column<T>[]) {
  const [chosen, setChosen] = useState<string[]>(
    () => readKept<string[]>(`columns.${id}`) ?? columns.filter((c) => !c.spare).map((c) => c.key),
  );
  const shown = columns.filter((column) => column.always || chosen.includes(column.key));
  const choose = (keys: string[]) => {
    setChosen(keys);
    keep(`columns.${id}`, keys);
  };
  return { shown, chosen, choose };
}

export function ColumnChooser<T>(props: {
  columns: Column<T>[];
  chosen: string[];
  onChoose: (keys: string[]) => void;
}) {
  const { t } = useTranslation();
  const phone = usePhone();
  if (phone) return null;
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      content={
        <Checkbox.Group
          className="column-chooser"
          value={props.columns.filter((c) => c.always || props.chosen.includes(c.key)).map((c) => c.key)}
          options={props.columns.map((c) => ({ label: c.title, value: c.key, disabled: c.always }))}
          onChange={(keys) => props.onChoose(keys as string[])}
        />
      }
    >
      <Button icon={<SettingOutlined />}>{t('ui.columns')}</Button>
    </Popover>
  );
}

function titleIfCut(event: MouseEvent<HTMLElement>) {
  const cell = event.currentTarget;
  cell.title = cell.scrollWidth > cell.clientWidth ? cell.innerText.slice(0, 1000) : '';
}

interface Paging {
  next?: string | null;
  atStart: boolean;
  pageNumber?: number;
  onForward: (next: string) => void;
  onBack: () => void;
}

/** A list: fixed row height, sorting by the server, J/K and Enter, cards on a phone. */
export function DataTable<T extends { id: string }>(props: {
  label: string;
  columns: Column<T>[];
  items?: T[];
  error?: unknown;
  busy?: boolean;
  onRetry?: () => void;
  empty: ReactNode;
  hrefOf?: (row: T) => string;
  nameOf: (row: T) => string;
  card: (row: T) => ReactNode;
  sort?: string;
  onSort?: (sort: string | undefined) => void;
  selected?: string[];
  onSelect?: (ids: string[]) => void;
  paging?: Paging;
  foot?: ReactNode;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const phone = usePhone();
  const go = useGo();
  const [current, setCurrent] = useState(-1);
  const box = useRef<HTMLDivElement>(null);
  const items = props.items;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another page starts without a marked row
  useEffect(() => setCurrent(-1), [items?.[0]?.id]);
  useEffect(() => {
    if (current < 0) return;
    box.current?.querySelector('.is-current')?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  // The row that measures widths repeats the head, its checkbox included; nobody may land in it.
  useEffect(() => {
    for (const row of box.current?.querySelectorAll('.ant-table-measure-row') ?? [])
      row.setAttribute('inert', '');
  });
  useKeys({
    j: () => setCurrent((at) => Math.min((items?.length ?? 0) - 1, at + 1)),
    k: () => setCurrent((at) => Math.max(0, at - 1)),
    o: () => {
      const row = items?.[current];
      if (row && props.hrefOf) go(props.hrefOf(row));
    },
    x: () => {
      const row = items?.[current];
      if (!row || !props.onSelect) return;
      const before = props.selected ?? [];
      props.onSelect(before.includes(row.id) ? before.filter((id) => id !== row.id) : [...before, row.id]);
    },
  });

  const columns = useMemo<TableColumnsType<T>>(
    () =>
      props.columns.map((column, index) => ({
        key: column.key,
        title: column.title,
        width: column.width,
        align: column.right ? ('right' as const) : undefined,
        fixed: index === 0 && !phone ? ('left' as const) : undefined,
        ellipsis: { showTitle: false },
        // What is cut off is told by the title.
        onCell: () => ({ onMouseEnter: titleIfCut }),
        sorter: !!column.sort,
        showSorterTooltip: false,
        sortDirections: ['descend' as const, 'ascend' as const],
        sortOrder:
          column.sort && props.sort === `-${column.sort}`
            ? ('descend' as const)
            : column.sort && props.sort === column.sort
              ? ('ascend' as const)
              : null,
        render: (_: unknown, row: T) => column.render(row),
      })),
    [props.columns, props.sort, phone],
  );

  if (!items) {
    return props.error ? <ErrorState error={props.error} onRetry={props.onRetry} /> : <Waiting rows={10} />;
  }
  if (items.length === 0 && (!props.paging || props.paging.atStart)) return <>{props.empty}</>;

  const width = props.columns.reduce((sum, column) => sum + (column.width ?? 120), props.onSelect ? 40 : 0);
  return (
    <div ref={box} className={props.busy ? 'list list-busy' : 'list'} aria-busy={props.busy}>
      {phone ? (
        <ul className="cards" aria-label={props.label}>
          {items.map((row, index) => (
            <li key={row.id} className={index === current ? 'card is-current' : 'card'}>
              {props.card(row)}
            </li>
          ))}
        </ul>
      ) : (
        <Table<T>
          aria-label={props.label}
          rowKey="id"
          size="small"
          columns={columns}
          dataSource={items}
          pagination={false}
          tableLayout="fixed"
          sticky={{ offsetHeader: 48 }}
          scroll={{ x: width }}
          rowClassName={(_, index) => (index === current ? 'is-current' : '')}
          rowSelection={
            props.onSelect
              ? {
                  columnWidth: 40,
                  selectedRowKeys: props.selected ?? [],
                  preserveSelectedRowKeys: true,
                  onChange: (keys: Key[]) => props.onSelect?.(keys as string[]),
                  getCheckboxProps: (row: T) =>
                    ({ 'aria-label': t('ui.selectRow', { name: props.nameOf(row) }) }) as object,
                  getTitleCheckboxProps: () => ({ 'aria-label': t('ui.selectAll') }) as object,
                }
              : undefined
          }
          onChange={(_pages, _filters, sorter, extra) => {
            if (extra.action !== 'sort' || Array.isArray(sorter)) return;
            const column = props.columns.find((c) => c.key === sorter.columnKey);
            const name = column?.sort;
            props.onSort?.(
              name && sorter.order ? (sorter.order === 'descend' ? `-${name}` : name) : undefined,
            );
          }}
        />
      )}
      {props.paging || props.foot ? (
        <div className="list-foot">
          <div className="quiet">{props.foot}</div>
          {props.paging ? (
            <div className="pager">
              <Button
                icon={<LeftOutlined />}
                disabled={props.paging.atStart}
                onClick={props.paging.onBack}
                aria-label={t('ui.pageBack')}
              >
                {phone ? null : t('ui.pageBack')}
              </Button>
              {props.paging.pageNumber ? (
                <span className="quiet">
                  {t('ui.pageNumber', { n: format.int(props.paging.pageNumber) })}
                </span>
              ) : null}
              <Button
                icon={<RightOutlined />}
                iconPlacement="end"
                disabled={!props.paging.next}
                onClick={() => props.paging?.next && props.paging.onForward(props.paging.next)}
                aria-label={t('ui.pageForward')}
              >
                {phone ? null : t('ui.pageForward')}
              </Button>
            </div>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}

/** No space between a Chinese unit of number and the word that follows it. */
function closeUp(text: string) {
  return text.replace(/([\u4e07\u4ebf]) (?=\p{Script=Han})/gu, '$1');
}

/** About how many, at once; exactly, on demand. */
export function Count(props: { total?: number | null; words: (n: string, count: number) => string }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (props.total == null) return null;
  const short = format.short(props.total);
  const exact = format.int(props.total);
  if (short === exact) return <span className="count">{props.words(exact, props.total)}</span>;
  return (
    <Tooltip title={props.words(exact, props.total)}>
      <span className="count">{closeUp(props.words(t('ui.about', { n: short }), props.total))}</span>
    </Tooltip>
  );
}
