import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Rfm } from '@/api/types';
import { useFormat } from '@/lib/format';
import { usePhone } from '@/lib/prefs';
import { useUrl } from '@/lib/url';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';

const MOST_FLOWS = 40;

/** Who moved from which tier to which since the compared day. */
export function MovementPanel(props: { data: Rfm }) {
  const { t } = useTranslation();
  const format = useFormat();
  const phone = usePhone();
  const palette = usePalette();
  const [url] = useUrl();
  const { data } = props;
  const name = (tier?: string | null) =>
    tier ? t(`ui.tier.${tier}`, { defaultValue: tier }) : t('insight.movement.newcomers');
  const flows = useMemo(
    () =>
      (data.movement ?? [])
        .filter((one) => one.from !== one.to && one.customers > 0 && one.to)
        .sort((a, b) => b.customers - a.customers)
        .slice(0, MOST_FLOWS),
    [data.movement],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the helpers follow from what is listed
  const option = useMemo(() => {
    const base = chartBase(palette);
    const nodes = new Map<string, { name: string; itemStyle: { color: string }; label: object }>();
    const node = (side: string, tier?: string | null) => {
      const key = `${side}:${tier ?? ''}`;
      if (!nodes.has(key)) {
        nodes.set(key, {
          name: key,
          itemStyle: { color: side === 'a' ? palette.quiet : palette.main },
          label: { position: side === 'a' ? 'right' : 'left' },
        });
      }
      return key;
    };
    const links = flows.map((one) => ({
      source: node('a', one.from),
      target: node('b', one.to),
      value: one.customers,
      flow: one,
    }));
    const label = (key: string) => name(key.slice(2) || null);
    return {
      ...base,
      tooltip: {
        ...(base.tooltip as object),
        formatter: (point: {
          dataType: string;
          name: string;
          value: number;
          data: { flow?: (typeof flows)[number] };
        }) =>
          point.data.flow
            ? `${name(point.data.flow.from)} → ${name(point.data.flow.to)}<br/>${t('insight.cube.tipCustomers', { count: point.value, n: format.int(point.value) })}`
            : `${label(point.name)}<br/>${t('insight.cube.tipCustomers', { count: point.value, n: format.int(point.value) })}`,
      },
      series: [
        {
          type: 'sankey',
          left: 4,
          right: 4,
          top: 8,
          bottom: 8,
          nodeWidth: 10,
          nodeGap: 10,
          draggable: false,
          data: [...nodes.values()],
          links,
          label: {
            color: palette.text,
            fontSize: phone ? 11 : 12,
            textBorderColor: 'transparent',
            formatter: (point: { name: string }) => label(point.name),
          },
          lineStyle: { color: palette.main, opacity: palette.dark ? 0.32 : 0.22, curveness: 0.5 },
          emphasis: { focus: 'adjacency', lineStyle: { opacity: 0.6 } },
        },
      ],
    };
  }, [flows, palette, format, t, phone]);
  const tiers = data.tiers.map((one) => one.tier);
  const moved = (from: string | undefined, to: string) => {
    const flow = data.movement?.find((one) => (one.from ?? undefined) === from && one.to === to);
    if (!flow) return '';
    // Those who stayed stand out of those who moved.
    return from === to ? <strong>{format.int(flow.customers)}</strong> : format.int(flow.customers);
  };
  return (
    <ChartBox
      title={t('insight.movement.title', { from: url.compare_to, to: data.as_of })}
      note={t('insight.movement.note')}
      kind="sankey"
      option={option}
      height={460}
      table={{
        head: [t('insight.movement.matrix'), ...tiers.map((tier) => name(tier))],
        rows: [...tiers, undefined].map((from) => ({
          key: from ?? '',
          cells: [name(from), ...tiers.map((to) => moved(from, to))],
        })),
      }}
    />
  );
}
