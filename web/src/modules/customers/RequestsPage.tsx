import { Segmented } from 'antd';
import { useTranslation } from 'react-i18next';
import { oneOf } from '@/lib/known';
import { useKnownUrl } from '@/ui/known';
import { Panel } from '@/ui/Page';
import { RequestList } from './RequestList';
import { RulesPanel } from './RulesPanel';

const VIEWS = ['open', 'overdue', 'done', 'refused'] as const;

/** What people ask of us about their data. */
export default function RequestsPage() {
  const { t } = useTranslation();
  const [url, setUrl] = useKnownUrl({ state: oneOf([...VIEWS]) });
  const view = VIEWS.find((one) => one === url.state) ?? 'open';
  return (
    <div className="stack">
      <p className="quiet">{t('customers.requests.text')}</p>
      <Panel title={t('customers.requests.title')}>
        <div className="stack">
          <Segmented
            aria-label={t('customers.exports.state')}
            value={view}
            onChange={(state) => setUrl({ state: state === 'open' ? undefined : state })}
            options={VIEWS.map((value) => ({ value, label: t(`customers.requests.states.${value}`) }))}
          />
          <RequestList query={view === 'overdue' ? { overdue: true } : { state: view }} />
        </div>
      </Panel>
      <RulesPanel of="requests" />
    </div>
  );
}
