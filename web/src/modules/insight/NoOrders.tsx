import { useTranslation } from 'react-i18next';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { EmptyState } from '@/ui/states';

/** What a picture of orders is for, while there are too few. */
export function NoOrders(props: { title: string; text: string }) {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <Panel>
      <EmptyState
        title={props.title}
        text={props.text}
        action={
          may('commerce.import') ? (
            <AppLink href="/imports/new">{t('insight.workbench.emptyAction')}</AppLink>
          ) : null
        }
      />
    </Panel>
  );
}
