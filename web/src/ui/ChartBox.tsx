import { BarChartOutlined, TableOutlined } from '@ant-design/icons';
import { Button, Tooltip, theme } from 'antd';
import type { EChartsCoreOption } from 'echarts/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useKeys } from '@/lib/keys';
import { useDark } from '@/lib/prefs';
import { useDelayed } from './states';

export type ChartKind = 'base' | 'heat' | 'sankey' | 'scatter';

/** Colours of a chart: safe for colour-blind eyes, chosen per mode. */
export interface Palette {
  dark: boolean;
  text: string;
  quiet: string;
  line: string;
  surface: string;
  main: string;
  accent: string;
  /** From little to much. */
  scale: string[];
  /** Of things of different kinds, ten at most. */
  kinds: string[];
}

/** From little to much, by mode; light colours mean little on a light page and dark ones on a dark page. */
export const HEAT_SCALES = {
  dark: ['#1c2a2d', '#1f4a52', '#27737e', '#48a3a6', '#8fd0c0', '#e4f3d6'],
  light: ['#f0f6f4', '#c9e3df', '#8cc4c4', '#4a9ba5', '#256d7f', '#123c57'],
};

/** Paul Tol's "muted", told apart by colour-blind eyes too; lighter on a dark page. */
const KINDS = {
  dark: [
    '#88ccee',
    '#ee8899',
    '#ddcc77',
    '#66cc99',
    '#aa99ee',
    '#cc77aa',
    '#99cc66',
    '#dd9966',
    '#77aadd',
    '#bbbbbb',
  ],
  light: [
    '#332288',
    '#cc6677',
    '#999933',
    '#117733',
    '#44a0c0',
    '#882255',
    '#44aa99',
    '#aa4499',
    '#b8860b',
    '#777777',
  ],
};

export function usePalette(): Palette {
  const { token } = theme.useToken();
  const dark = useDark();
  return {
    dark,
    text: token.colorText,
    quiet: token.colorTextSecondary,
    line: token.colorBorderSecondary,
    surface: token.colorBgElevated,
    main: dark ? '#4fb3bf' : '#1d6b74',
    accent: dark ? '#e9b35f' : '#c2701a',
    scale: dark ? HEAT_SCALES.dark : HEAT_SCALES.light,
    kinds: dark ? KINDS.dark : KINDS.light,
  };
}

/** What every chart shares: fonts, tooltip, no animation for those who want none. */
export function chartBase(palette: Palette): EChartsCoreOption {
  const still = typeof matchMedia === 'function' && matchMedia('(prefers-reduced-motion: reduce)').matches;
  return {
    animation: !still,
    animationDuration: 250,
    animationDurationUpdate: 250,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: palette.text },
    tooltip: {
      backgroundColor: palette.surface,
      borderColor: palette.line,
      textStyle: { color: palette.text, fontSize: 13 },
      confine: true,
    },
  };
}

interface ChartEvent {
  data?: unknown;
  name?: string;
  dataIndex?: number;
}

interface ChartHandle {
  setOption: (option: EChartsCoreOption, replace: boolean) => void;
  resize: () => void;
  dispose: () => void;
  on: (name: string, handler: (event: ChartEvent) => void) => void;
}

/** Once the page has nothing more urgent to do: the figures come first, the picture after. */
function idle(): Promise<void> {
  return new Promise((go) => {
    if (typeof requestIdleCallback === 'function') requestIdleCallback(() => go(), { timeout: 500 });
    else setTimeout(go, 50);
  });
}

/** What a kind of chart needs beyond the base. */
const PARTS: Partial<Record<ChartKind, () => Promise<unknown>>> = {
  heat: () => import('./echarts-heat'),
  sankey: () => import('./echarts-sankey'),
  scatter: () => import('./echarts-scatter'),
};

async function makeChart(kind: ChartKind, box: HTMLElement): Promise<ChartHandle> {
  await idle();
  const [{ init }] = await Promise.all([import('./echarts-base'), PARTS[kind]?.()]);
  return init(box) as unknown as ChartHandle;
}

function Chart(props: {
  kind: ChartKind;
  option: EChartsCoreOption;
  height: number;
  label: string;
  onPick?: (event: ChartEvent) => void;
  /** The chart's script could not be fetched. */
  onFail: () => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ChartHandle>(undefined);
  const option = useRef(props.option);
  const pick = useRef(props.onPick);
  pick.current = props.onPick;
  const fail = useRef(props.onFail);
  fail.current = props.onFail;
  option.current = props.option;
  const [ready, setReady] = useState(false);
  const late = useDelayed(!ready);

  useEffect(() => {
    const host = box.current;
    if (!host) return;
    let gone = false;
    let observer: ResizeObserver | undefined;
    const draw = (made: ChartHandle) => {
      if (gone) {
        made.dispose();
        return;
      }
      chart.current = made;
      made.on('click', (event) => pick.current?.(event));
      made.setOption(option.current, true);
      observer = new ResizeObserver(() => made.resize());
      observer.observe(host);
      setReady(true);
    };
    makeChart(props.kind, host).then(draw, () => gone || fail.current());
    return () => {
      gone = true;
      observer?.disconnect();
      chart.current?.dispose();
      chart.current = undefined;
    };
  }, [props.kind]);

  useEffect(() => {
    chart.current?.setOption(props.option, true);
  }, [props.option]);

  return (
    <div
      className={`chart${late ? ' chart-late' : ''}${ready ? ' chart-ready' : ''}`}
      ref={box}
      style={{ height: props.height }}
      role="img"
      aria-label={props.label}
    />
  );
}

export interface ChartTable {
  head: string[];
  rows: { cells: ReactNode[]; key: string }[];
}

/** A picture with its title, its axes said in words, and its figures as a table one key away. */
export function ChartBox(props: {
  title: string;
  note?: ReactNode;
  kind?: ChartKind;
  option: EChartsCoreOption;
  table: ChartTable;
  height?: number;
  extra?: ReactNode;
  onPick?: (event: ChartEvent) => void;
  children?: ReactNode;
}) {
  const { t } = useTranslation();
  const [asTable, setAsTable] = useState(false);
  useKeys({ t: () => setAsTable((on) => !on) });
  return (
    <section className="panel">
      <header className={props.extra ? 'panel-head' : 'panel-head panel-head-tight'}>
        <div>
          <h2>{props.title}</h2>
          {props.note ? <p className="panel-note">{props.note}</p> : null}
        </div>
        <div className="panel-extra">
          {props.extra}
          <Tooltip title={t(asTable ? 'ui.chart.asPicture' : 'ui.chart.asTable')}>
            <Button
              type="text"
              size="small"
              icon={asTable ? <BarChartOutlined /> : <TableOutlined />}
              aria-pressed={asTable}
              aria-label={`${t('ui.chart.asTable')}: ${props.title}`}
              onClick={() => setAsTable((on) => !on)}
            />
          </Tooltip>
        </div>
      </header>
      <div className="panel-body">
        {asTable ? (
          <section
            className="chart-table"
            style={{ maxHeight: props.height ?? 260 }}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
            tabIndex={0}
            aria-label={props.title}
          >
            <PlainTable {...props.table} />
          </section>
        ) : (
          <Chart
            kind={props.kind ?? 'base'}
            option={props.option}
            height={props.height ?? 260}
            label={props.title}
            onPick={props.onPick}
            // The figures are worth more than an empty frame.
            onFail={() => setAsTable(true)}
          />
        )}
        {props.children}
      </div>
    </section>
  );
}

export function PlainTable(props: ChartTable) {
  return (
    <table className="plain">
      <thead>
        <tr>
          {props.head.map((name, index) => (
            <th key={name + index} scope="col" className={index > 0 ? 'num' : undefined}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr key={row.key}>
            {row.cells.map((cell, index) =>
              index === 0 ? (
                <th key={index} scope="row">
                  {cell}
                </th>
              ) : (
                <td key={index} className="num">
                  {cell}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
