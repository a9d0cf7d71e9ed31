import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerCard, Revealed } from '@/api/types';
import { useMay, useSees } from '@/lib/rights';
import { Facts, Panel } from '@/ui/Page';
import { Reveal } from '@/ui/Reveal';
import { Nothing } from '@/ui/values';
import { revealCustomer } from './api';

const KINDS = [
  ['accounts', 'customers.accounts', 'customers.field.account'],
  ['phones', 'customers.phone', 'customers.field.phone'],
  ['emails', 'customers.email', 'customers.field.email'],
] as const;

/** What a customer is known by, in the clear, for a reason; until the page is left. */
export function InClear(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const may = useMay();
  const sees = useSees();
  const [shown, setShown] = useState<Revealed>();
  const kinds = KINDS.filter(([, field]) => sees.any(field));
  if (!may('customers.reveal') || kinds.length === 0) return null;
  return (
    <Panel
      title={t('customers.clear.title')}
      extra={
        shown ? null : (
          <Reveal
            text={t('customers.clear.text')}
            ask={(reason) => revealCustomer(props.card.id, reason)}
            onShown={setShown}
          />
        )
      }
    >
      {shown ? (
        <>
          <Facts
            columns
            items={kinds.map(([name, , title]) => [
              t(title),
              shown[name].length ? (
                <span key={name} className="figure">
                  {shown[name].join(t('ui.comma'))}
                </span>
              ) : (
                <Nothing key={name} />
              ),
            ])}
          />
          <p className="quiet">{t('ui.reveal.until')}</p>
        </>
      ) : (
        <span className="quiet">{t('customers.clear.masked')}</span>
      )}
    </Panel>
  );
}
