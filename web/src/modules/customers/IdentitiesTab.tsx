import { Button, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerCard } from '@/api/types';
import { useMay, useSees } from '@/lib/rights';
import { ChannelName } from '@/ui/marks';
import { type PlainColumn, PlainTable } from '@/ui/PlainTable';
import { useClocks } from '@/ui/shops';
import { EmptyState } from '@/ui/states';
import { Day } from '@/ui/values';
import { type IdentityDeed, IdentityDialog } from './IdentityDialog';
import { fieldOf, IDENTITY_KINDS, type Identity } from './identities';

/** What a customer is known by; whoever may corrects it. */
export function IdentitiesTab(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const clocks = useClocks();
  const may = useMay();
  const sees = useSees();
  const [deed, setDeed] = useState<IdentityDeed>();
  const { card } = props;
  const { identities } = card;
  const works = may('customers.edit') && !card.merged_into;
  const changes = works && IDENTITY_KINDS.some((kind) => sees.free(fieldOf(kind)));
  const columns: PlainColumn<Identity>[] = [
    { title: t('customers.identity.value'), render: (one) => one.value },
    {
      title: t('customers.identity.kind'),
      className: 'nowrap',
      render: (one) => t(`customers.identity.kinds.${one.kind}`, { defaultValue: one.kind }),
    },
    {
      title: t('customers.identity.channel'),
      className: 'nowrap',
      render: (one) => <ChannelName channel={one.channel} />,
    },
    {
      title: t('customers.identity.seen'),
      className: 'nowrap',
      render: (one) => (
        <>
          <Day at={one.first_seen_at} offset={clocks()} />
          {one.by_hand ? <div className="quiet">{t('customers.identity.byHand')}</div> : null}
        </>
      ),
    },
  ];
  const deeds: PlainColumn<Identity> = {
    title: t('customers.identity.deeds'),
    quietTitle: true,
    right: true,
    render: (one) =>
      sees.free(fieldOf(one.kind)) ? (
        <Space wrap>
          <Button size="small" onClick={() => setDeed({ do: 'correct', what: one })}>
            {t('customers.identity.submit.correct')}
          </Button>
          <Button size="small" danger onClick={() => setDeed({ do: 'remove', what: one })}>
            {t('customers.identity.submit.remove')}
          </Button>
        </Space>
      ) : null,
  };
  return (
    <div className="stack">
      {changes ? (
        <div className="buttons">
          <Button onClick={() => setDeed({ do: 'add' })}>{t('customers.identity.add')}</Button>
        </div>
      ) : null}
      {identities.length === 0 ? (
        <EmptyState small title={t('customers.noIdentities')} />
      ) : (
        <>
          <p className="quiet">{t('customers.identitiesText')}</p>
          <PlainTable
            label={t('customers.tab.identities')}
            rows={identities}
            columns={changes ? [...columns, deeds] : columns}
            stacks
          />
        </>
      )}
      {deed ? <IdentityDialog card={card} deed={deed} onClose={() => setDeed(undefined)} /> : null}
    </div>
  );
}
