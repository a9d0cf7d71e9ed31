import { Button, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerCard } from '@/api/types';
import { useMay, useSees } from '@/lib/rights';
import { ChannelName } from '@/ui/marks';
import { ScrollX } from '@/ui/ScrollX';
import { useClocks } from '@/ui/shops';
import { EmptyState } from '@/ui/states';
import { Day } from '@/ui/values';
import { type IdentityDeed, IdentityDialog } from './IdentityDialog';
import { fieldOf, IDENTITY_KINDS } from './identities';

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
          <ScrollX label={t('customers.tab.identities')}>
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">{t('customers.identity.value')}</th>
                  <th scope="col">{t('customers.identity.kind')}</th>
                  <th scope="col">{t('customers.identity.channel')}</th>
                  <th scope="col">{t('customers.identity.seen')}</th>
                  {changes ? (
                    <th scope="col">
                      <span className="sr-only">{t('customers.identity.deeds')}</span>
                    </th>
                  ) : null}
                </tr>
              </thead>
              <tbody>
                {identities.map((one) => (
                  <tr key={one.id}>
                    <th scope="row">{one.value}</th>
                    <td className="nowrap">
                      {t(`customers.identity.kinds.${one.kind}`, { defaultValue: one.kind })}
                    </td>
                    <td className="nowrap">
                      <ChannelName channel={one.channel} />
                    </td>
                    <td className="nowrap">
                      <Day at={one.first_seen_at} offset={clocks()} />
                      {one.by_hand ? <div className="quiet">{t('customers.identity.byHand')}</div> : null}
                    </td>
                    {changes ? (
                      <td className="num">
                        {sees.free(fieldOf(one.kind)) ? (
                          <Space wrap>
                            <Button size="small" onClick={() => setDeed({ do: 'correct', what: one })}>
                              {t('customers.identity.submit.correct')}
                            </Button>
                            <Button size="small" danger onClick={() => setDeed({ do: 'remove', what: one })}>
                              {t('customers.identity.submit.remove')}
                            </Button>
                          </Space>
                        ) : null}
                      </td>
                    ) : null}
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollX>
        </>
      )}
      {deed ? <IdentityDialog card={card} deed={deed} onClose={() => setDeed(undefined)} /> : null}
    </div>
  );
}
