import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { PlainTable } from '@/ui/PlainTable';
import { useShops } from '@/ui/shops';
import { Day } from '@/ui/values';
import type { PointsRules, Programme } from './api';

/** How long points live, in words. */
export function useExpiryText() {
  const { t } = useTranslation();
  return (expiry: PointsRules['expiry']) => {
    if (expiry.kind === 'days')
      return t('loyalty.points.expiry.days', { count: expiry.days, n: expiry.days });
    if (expiry.kind === 'months')
      return t('loyalty.points.expiry.months', { count: expiry.months, n: expiry.months });
    if (expiry.kind === 'year_day')
      return t('loyalty.points.expiry.yearDay', {
        month: expiry.month,
        day: expiry.day,
        n: expiry.least_days,
        count: expiry.least_days,
      });
    return t('loyalty.points.forEver');
  };
}

/** All programmes, each with what it says now. */
export function ProgrammesView(props: { programmes: Programme[]; onEdit?: (id: string) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const expiry = useExpiryText();
  const shops = useShops();
  const { onEdit } = props;
  const shopNames = (ids: string[]) =>
    ids.length
      ? ids.map((id) => shops.data?.find((shop) => shop.id === id)?.name ?? id).join(t('ui.comma'))
      : t('loyalty.points.allShops');
  return (
    <div className="stack">
      <PlainTable
        label={t('loyalty.points.tab.programmes')}
        rows={props.programmes}
        stacks
        labels
        columns={[
          {
            title: t('loyalty.points.programme'),
            render: (one) => (
              <>
                {one.name}
                <div className="quiet">{shopNames(one.shops)}</div>
              </>
            ),
          },
          {
            title: t('loyalty.points.earns'),
            render: ({ rules, currency }) =>
              rules.earn_points
                ? t('loyalty.points.earnsText', {
                    points: format.int(rules.earn_points),
                    money: format.money(rules.earn_per_minor, currency),
                  })
                : t('loyalty.points.earnsNothing'),
          },
          {
            title: t('loyalty.points.waits'),
            render: ({ rules }) =>
              t('loyalty.points.days', {
                count: rules.pending_days,
                n: format.int(rules.pending_days),
              }),
          },
          { title: t('loyalty.points.lives'), render: ({ rules }) => expiry(rules.expiry) },
          {
            title: t('loyalty.points.worth'),
            render: ({ rules, currency }) =>
              t('loyalty.points.worthText', {
                points: format.int(rules.value_points),
                money: format.money(rules.value_minor, currency),
              }),
          },
          {
            title: t('loyalty.points.sinceDay'),
            render: (one) => (
              <>
                <Day at={one.since} offset={one.zone} />
                <div className="quiet">{t('loyalty.points.versionN', { n: format.int(one.version) })}</div>
              </>
            ),
          },
          {
            title: t('loyalty.points.edit'),
            quietTitle: true,
            right: true,
            render: (one) =>
              onEdit ? (
                <Button
                  size="small"
                  type="link"
                  aria-label={`${t('loyalty.points.edit')} ${one.name}`}
                  onClick={() => onEdit(one.id)}
                >
                  {t('loyalty.points.edit')}
                </Button>
              ) : null,
          },
        ]}
      />
      {onEdit ? (
        <div className="buttons">
          <Button onClick={() => onEdit('new')}>{t('loyalty.points.make')}</Button>
        </div>
      ) : null}
    </div>
  );
}
