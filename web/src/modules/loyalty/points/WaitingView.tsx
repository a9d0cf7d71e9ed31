import { type UseQueryResult, useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { PlainTable } from '@/ui/PlainTable';
import { useSay } from '@/ui/say';
import { EmptyState, Loaded } from '@/ui/states';
import { Nothing, Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { decide, type WaitingAdjustment } from './api';
import { Signed } from './Signed';

/** Adjustments that wait until somebody else than who asked decides. */
export function WaitingView(props: { query: UseQueryResult<WaitingAdjustment[]> }) {
  const { t } = useTranslation();
  const say = useSay();
  const may = useMay();
  const client = useQueryClient();
  const answer = useMutation({
    mutationFn: (said: { id: string; approve: boolean }) => decide(said.id, said.approve),
    onSuccess: (_, said) => say.done(t(`loyalty.points.${said.approve ? 'approved' : 'refused'}`)),
    onError: say.refused,
    onSettled: () => client.invalidateQueries({ queryKey: ['loyalty'] }),
  });
  return (
    <Loaded query={props.query}>
      {(rows) =>
        rows.length === 0 ? (
          <EmptyState small title={t('loyalty.points.noneWaits')} text={t('loyalty.points.noneWaitsText')} />
        ) : (
          <PlainTable
            label={t('loyalty.points.tab.waiting')}
            rows={rows}
            stacks
            labels
            columns={[
              {
                title: t('loyalty.points.customer'),
                render: (one) => {
                  const name = one.customer_name || t('loyalty.points.nameless');
                  return may('customers.read') ? (
                    <AppLink href={`/customers/${one.customer}?tab=member`}>{name}</AppLink>
                  ) : (
                    name
                  );
                },
              },
              {
                title: t('loyalty.points.points'),
                right: true,
                render: (one) => <Signed value={one.points} />,
              },
              { title: t('loyalty.points.programme'), render: (one) => one.programme_name },
              { title: t('loyalty.points.reason'), render: (one) => one.reason ?? <Nothing /> },
              {
                title: t('loyalty.points.askedBy'),
                render: (one) => (
                  <span className="by quiet">
                    <Who person={one.asked_by_person} />
                    <Time at={one.asked_at} />
                  </span>
                ),
              },
              {
                title: t('loyalty.points.decide'),
                quietTitle: true,
                right: true,
                render: (one) =>
                  one.own ? (
                    <span className="quiet">{t('loyalty.points.own')}</span>
                  ) : (
                    <span className="buttons">
                      <Button
                        size="small"
                        type="primary"
                        disabled={answer.isPending}
                        onClick={() => answer.mutate({ id: one.id, approve: true })}
                      >
                        {t('loyalty.points.approve')}
                      </Button>
                      <Button
                        size="small"
                        disabled={answer.isPending}
                        onClick={() => answer.mutate({ id: one.id, approve: false })}
                      >
                        {t('loyalty.points.refuse')}
                      </Button>
                    </span>
                  ),
              },
            ]}
          />
        )
      }
    </Loaded>
  );
}
