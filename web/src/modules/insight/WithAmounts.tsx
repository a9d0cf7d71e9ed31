import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay, useSees } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Page, Panel } from '@/ui/Page';
import { EmptyState } from '@/ui/states';

/** A page computed from amounts; whoever does not see those is told so instead of being refused. */
export function WithAmounts(props: { title: string; hiddenText: string; children: ReactNode }) {
  const { t } = useTranslation();
  const may = useMay();
  if (useSees().clear('commerce.amounts')) return props.children;
  return (
    <Page title={props.title}>
      <Panel>
        <EmptyState
          title={t('insight.rfm.hidden')}
          text={props.hiddenText}
          action={
            may('customers.read') ? <AppLink href="/customers">{t('insight.rfm.toCustomers')}</AppLink> : null
          }
        />
      </Panel>
    </Page>
  );
}
